import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeExit } from "../../../src/supervision/exit.js";
import { Tail } from "../../../src/supervision/tail.js";

describe("the end of stderr", () => {
  it("keeps all of what fits", () => {
    const tail = new Tail(100);
    tail.push("one\n");
    tail.push("two");
    expect(tail.text()).toBe("one\ntwo");
  });

  it("begins at a whole line where it left something off", () => {
    const tail = new Tail(10);
    for (const piece of ["first line\n", "second\n", "3rd"]) tail.push(piece);
    expect(tail.text()).toBe("3rd");
  });

  it("is an end of the whole, and no longer than allowed", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 50 }), (pieces, limit) => {
        const tail = new Tail(limit);
        for (const piece of pieces) tail.push(piece);
        const text = tail.text();
        return pieces.join("").endsWith(text) && text.length <= limit;
      }),
    );
  });
});

describe("an exit in words", () => {
  it.each([
    [{ code: 3, signal: null, error: null }, "ended with exit code 3"],
    [{ code: null, signal: "SIGKILL", error: null }, "was killed by SIGKILL"],
    [{ code: 0xc0000005, signal: null, error: null }, "ended with exit code 0xC0000005"],
    [{ code: null, signal: null, error: "no such file" }, "could not be started: no such file"],
  ] as const)("%o", (exit, words) => {
    expect(describeExit(exit)).toBe(words);
  });
});
