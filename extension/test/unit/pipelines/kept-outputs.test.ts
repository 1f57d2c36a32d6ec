import { expect, it } from "vitest";

import { KeptOutputs } from "../../../src/pipelines/kept-outputs.js";
import type { Outputs } from "../../../src/protocol/kernel/messages.gen.js";

const made = { rref: "r", dref: "d", tree: "t", run: "1", sequence: 1, at: 0, took: 1, size: 1 };
const realization = { ...made, visible: true, pinned: false };
const printed = (length: number): Outputs => ({ realization, previews: [], log: "x".repeat(length), points: [] });

it("keeps what was asked for last, as far as there is room", () => {
  const kept = new KeptOutputs(1_000_000);
  for (const rref of ["a", "b", "c"]) kept.keep(rref, printed(300_000));
  expect(kept.of("a")?.log.length).toBe(300_000);
  kept.keep("d", printed(300_000));
  expect(["a", "b", "c", "d"].map((rref) => kept.of(rref) !== null)).toEqual([true, false, true, true]);
});

it("counts curves, what replaces another, and what is larger than all room", () => {
  const kept = new KeptOutputs(1_000_000);
  const curve = Array.from({ length: 5000 }, (_, step) => ({ step, values: { loss: step }, at: step }));
  kept.keep("a", { ...printed(0), points: curve });
  for (let round = 0; round < 20; round += 1) kept.keep("b", printed(300_000));
  expect(kept.of("a")?.points.length).toBe(5000);
  expect(kept.of("b")).not.toBeNull();
  kept.keep("c", { ...printed(0), points: [...curve, ...curve] });
  expect(kept.of("a")).toBeNull();
  kept.keep("huge", printed(2_000_000));
  expect(["a", "b", "c", "huge"].every((rref) => kept.of(rref) === null)).toBe(true);
  kept.keep("d", printed(300_000));
  expect(kept.of("d")).not.toBeNull();
});
