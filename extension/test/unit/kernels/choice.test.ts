import { describe, expect, it } from "vitest";
import { choose, supply } from "../../../src/kernels/choice.js";
import type { Worker } from "../../../src/kernels/worker.js";

interface Named {
  readonly name: string;
  readonly state: Worker;
  readonly idleSince: number;
}

const limits = { size: 2, spare: 1, rebind: true };
const idle = (name: string, bound: string | null, idleSince = 0): Named => ({
  name,
  idleSince,
  state: { is: "idle", bound },
});
const busy = (name: string, waiting = 0): Named => ({
  name,
  idleSince: 0,
  state: { is: "busy", bound: "now", work: name, cancelling: "no", waiting },
});
const demand = (waiting: number, ready = 0) => ({ bound: "now", waiting, ready });
const starting: Named = { name: "starting", idleSince: 0, state: { is: "starting" } };
const stopping: Named = { name: "stopping", idleSince: 0, state: { is: "stopping" } };

describe("the worker for a job", () => {
  it.each([
    ["one with its sources", [idle("clean", null), idle("old", "then"), idle("bound", "now")], "bound"],
    ["else a clean one", [idle("old", "then"), idle("clean", null)], "clean"],
    ["else the longest idle of other sources", [idle("b", "then", 5), idle("a", "then", 3)], "a"],
  ])("is %s", (_, workers, name) => {
    expect(choose(workers, "now", limits)?.name).toBe(name);
  });

  it("is none while as many are busy as may be", () => {
    expect(choose([busy("a"), busy("b"), idle("clean", null)], "now", limits)).toBeNull();
  });

  it("is none that is not ready", () => {
    expect(choose([starting, stopping], "now", limits)).toBeNull();
  });

  it("is never one of other sources where that is not wanted", () => {
    expect(choose([idle("old", "then")], "now", { size: 2, spare: 0, rebind: false })).toBeNull();
  });
});

describe("work that leaves its worker as it was", () => {
  const calls = { size: 2, spare: 0, rebind: false };

  it("goes to the worker that was busy last", () => {
    expect(choose([idle("b", null, 5), idle("a", null, 3)], null, calls)?.name).toBe("b");
  });

  it("runs beside what waits for the host", () => {
    expect(choose([busy("a", 1), busy("b"), idle("c", null)], null, calls)?.name).toBe("c");
    expect(choose([busy("a"), busy("b"), idle("c", null)], null, calls)).toBeNull();
  });

  it("gets as many workers as there is work, one more for each that waits for the host, and no others", () => {
    const wants = (waiting: number, ready = 0) => ({ bound: null, waiting, ready });
    expect(supply([], wants(1), calls)).toEqual({ is: "start" });
    expect(supply([starting], wants(1), calls)).toEqual({ is: "enough" });
    expect(supply([starting, starting], wants(9), calls)).toEqual({ is: "enough" });
    expect(supply([busy("a", 1), busy("b", 2)], wants(1), calls)).toEqual({ is: "start" });
    expect(supply([idle("a", null)], wants(0, 2), calls)).toEqual({ is: "start" });
    expect(supply([busy("a"), idle("b", null)], wants(0, 2), calls)).toEqual({ is: "enough" });
  });

  it("has those that are too many when nothing waits for the host any more retire", () => {
    const surplus = [busy("a"), idle("b", null, 2), idle("c", null, 1)];
    expect(supply(surplus, { bound: null, waiting: 0, ready: 0 }, calls)).toEqual({ is: "retire", worker: surplus[2] });
  });
});

describe("the supply of clean workers", () => {
  it("starts one for each job that may run, and a spare, but no more than fit", () => {
    expect(supply([], demand(1), limits)).toEqual({ is: "start" });
    expect(supply([starting], demand(1), limits)).toEqual({ is: "start" });
    expect(supply([starting, starting], demand(1), limits)).toEqual({ is: "enough" });
    expect(supply([starting, starting], demand(5), limits)).toEqual({ is: "start" });
    expect(supply([starting, starting, starting], demand(5), limits)).toEqual({ is: "enough" });
  });

  it("keeps one spare when nothing waits", () => {
    expect(supply([busy("a")], demand(0), limits)).toEqual({ is: "start" });
    expect(supply([busy("a"), idle("spare", null)], demand(0), limits)).toEqual({ is: "enough" });
    expect(supply([busy("a"), busy("b")], demand(3), limits)).toEqual({ is: "start" });
  });

  it("lets one of other sources make room, never one with these", () => {
    const old = idle("old", "then");
    expect(supply([busy("a"), idle("bound", "now"), old], demand(0), limits)).toEqual({ is: "retire", worker: old });
    const bound = [idle("a", "now"), idle("b", "now"), idle("c", "now")];
    expect(supply(bound, demand(0), limits)).toEqual({ is: "enough" });
  });

  it("does not count what is about to end", () => {
    expect(supply([busy("a"), busy("b"), stopping], demand(0), limits)).toEqual({ is: "start" });
  });
});
