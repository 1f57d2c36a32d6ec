import { describe, expect, it } from "vitest";

import { Recorder } from "../../../src/pipelines/recorder.js";

const log = (run: string, text: string, stage = "one") => ({
  run,
  path: "p.py",
  stage,
  stream: "stdout" as const,
  text,
});
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

  it("keeps the end of a line that has no end", () => {
    const recorder = new Recorder();
    for (let part = 0; part < 30; part += 1) recorder.log(log("r1", "\r12%".repeat(25_000)));
    expect(recorder.of("p.py", "one")!.log.length).toBeLessThan(1_100_000);
  });
});

describe("of all that was printed and reported together", () => {
  const filled = (): Recorder => {
    const recorder = new Recorder(1_000_000);
    for (const [index, name] of ["first", "second", "third"].entries()) {
      recorder.log(log("r1", `${name} ${"x".repeat(300_000)}\nthe end of ${name}\n`, name));
      if (index < 2) recorder.ended("p.py", name, name === "second");
    }
    return recorder;
  };
  const kept = (recorder: Recorder): (number | null)[] =>
    ["first", "second", "third"].map((name) => recorder.of("p.py", name)?.log.length ?? null);

  it("what the store has goes first when there is too much, and comes from there again", () => {
    const recorder = filled();
    expect(kept(recorder).every((length) => length! > 300_000)).toBe(true);
    recorder.log(log("r1", "y".repeat(120_000), "fourth"));
    expect(kept(recorder)).toEqual([300_024, null, 300_024]);
  });

  it("what is here alone keeps its end, and what runs is not touched", () => {
    const recorder = filled();
    recorder.log(log("r1", "y".repeat(900_000), "fourth"));
    expect(kept(recorder)[1]).toBeNull();
    expect(recorder.of("p.py", "first")!.log).toMatch(
      /^… the beginning of a long log was left out here\nthe end of first\n$/,
    );
    expect(recorder.of("p.py", "third")!.log.length).toBeGreaterThan(300_000);
    expect(recorder.of("p.py", "fourth")!.log.length).toBe(900_000);
    recorder.lost();
    recorder.log(log("r2", "z", "fifth"));
    expect(recorder.of("p.py", "fourth")!.log.length).toBeLessThan(21_000);
  });

  it("there is no end to the stages that may have printed", () => {
    const recorder = new Recorder(1_000_000);
    for (let index = 0; index < 500; index += 1) {
      const name = `s${index.toString()}`;
      recorder.log(log("r1", "x".repeat(10_000), name));
      recorder.points({ ...points("r1", 0, 200), stage: name });
      recorder.ended("p.py", name, true);
    }
    const left = Array.from({ length: 500 }, (_, index) => recorder.of("p.py", `s${index.toString()}`));
    expect(left.filter((one) => one !== null).length).toBeLessThan(30);
    expect(left.at(-1)).not.toBeNull();
  });
});
