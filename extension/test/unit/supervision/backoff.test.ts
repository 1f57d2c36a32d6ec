import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addFailure, noFailures, waitBefore } from "../../../src/supervision/backoff.js";

describe("backoff", () => {
  it("doubles up to the longest", () => {
    const waits = [0, 1, 2, 3, 10].map((attempt) => waitBefore(attempt, { first: 100, longest: 500 }, 1));
    expect(waits).toEqual([100, 200, 400, 500, 500]);
  });

  it("stays between half and all, for any chance and any number of attempts", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, chance) => {
        const wait = waitBefore(attempt, { first: 50, longest: 8000 }, chance);
        const full = waitBefore(attempt, { first: 50, longest: 8000 }, 1);
        return wait >= Math.floor(full / 2) && wait <= full;
      }),
    );
  });

  it("counts failures of the window alone", () => {
    const failures = [0, 10, 59_000, 61_000].reduce((so, at) => addFailure(so, at, 60_000), noFailures);
    expect(failures.at).toEqual([10, 59_000, 61_000].filter((at) => 61_000 - at < 60_000));
  });
});
