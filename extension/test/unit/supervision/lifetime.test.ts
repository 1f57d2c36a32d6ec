import { describe, expect, it } from "vitest";
import { Emitter, Lifetime } from "../../../src/lifetime.js";

describe("a lifetime", () => {
  it("disposes in reverse order, one after the other", async () => {
    const order: string[] = [];
    const lifetime = new Lifetime();
    lifetime.defer(() => order.push("first"));
    lifetime.defer(async () => {
      await Promise.resolve();
      order.push("second");
    });
    await lifetime.dispose();
    await lifetime.dispose();
    expect(order).toEqual(["second", "first"]);
  });

  it("disposes at once what is added after its end", async () => {
    const lifetime = new Lifetime();
    await lifetime.dispose();
    let gone = false;
    lifetime.defer(() => (gone = true));
    expect(gone).toBe(true);
  });

  it("disposes the rest where one fails, and tells of the failure", async () => {
    let gone = false;
    const lifetime = new Lifetime();
    lifetime.defer(() => (gone = true));
    lifetime.defer(() => {
      throw new Error("stuck");
    });
    await expect(lifetime.dispose()).rejects.toThrow("Not everything");
    expect(gone).toBe(true);
  });
});

describe("an emitter", () => {
  it("fires at those who still listen", () => {
    const emitter = new Emitter<number>();
    const heard: number[] = [];
    const listening = emitter.event((value) => heard.push(value));
    emitter.fire(1);
    listening.dispose();
    emitter.fire(2);
    expect(heard).toEqual([1]);
  });
});
