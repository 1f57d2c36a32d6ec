import { describe, expect, it } from "vitest";

import { Recorder } from "../../../src/pipelines/recorder.js";

const log = (run: string, text: string) => ({ run, path: "p.py", stage: "one", stream: "stdout" as const, text });
const points = (run: string, from: number, count: number) => ({
  run,
  path: "p.py",
  stage: "one",
  points: Array.from({ length: count }, (_, index) => ({ step: from + index, values: { best: from + index }, at: 0 })),
  fraction: null,
  message: "",
});

describe("what a run prints and reports", () => {
  it("is kept by stage, and begins anew with the next run", () => {
    const recorder = new Recorder();
    recorder.log(log("r1", "a\rb\n"));
    recorder.log(log("r1", "c"));
    expect(recorder.of("p.py", "one")!.log).toBe("a\rb\nc");
    expect(recorder.begin("r1", "p.py", "one")).toBe(false);
    expect(recorder.begin("r2", "p.py", "one")).toBe(true);
    expect(recorder.of("p.py", "one")).toBeNull();
    recorder.log(log("r2", "d"));
    expect(recorder.of("p.py", "one")!.log).toBe("d");
  });

  it("keeps the end of a log that has no end", () => {
    const recorder = new Recorder();
    for (let line = 0; line < 40_000; line += 1)
      recorder.log(log("r1", `line ${line} with some more text to fill it\n`));
    const kept = recorder.of("p.py", "one")!.log;
    expect(kept.length).toBeLessThan(1_100_000);
    expect(kept.endsWith("line 39999 with some more text to fill it\n")).toBe(true);
    expect(kept.startsWith("… the beginning")).toBe(true);
  });

  it("thins a curve evenly and keeps its course", () => {
    const recorder = new Recorder();
    for (let from = 0; from < 100_000; from += 1000) recorder.points(points("r1", from, 1000));
    const steps = recorder.of("p.py", "one")!.points.map((point) => point.step);
    expect(steps.length).toBeLessThanOrEqual(20_000);
    expect(steps.length).toBeGreaterThan(5000);
    expect([...steps].sort((left, right) => left - right)).toEqual(steps);
    expect(steps.at(-1)!).toBeGreaterThan(99_000);
  });
});
