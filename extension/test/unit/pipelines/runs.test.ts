import { expect, it } from "vitest";

import { failure } from "../../../src/kernels/answer.js";
import { newPipeline, step } from "../../../src/pipelines/pipeline.js";
import { RunWaits } from "../../../src/pipelines/runs.js";
import type { RunStage } from "../../../src/protocol/kernel/messages.gen.js";

const done = (name: string, rref: string): RunStage => ({
  name,
  is: "done",
  realization: {
    rref,
    dref: `dref:${name}`,
    tree: "t",
    sequence: 1,
    at: 1,
    took: 1,
    size: 1,
    run: "r",
    visible: true,
    pinned: false,
  },
  failure: null,
  awaits: "stages",
  took: 1,
  started: 1,
});

it("what only passes on another's realization did not run", async () => {
  const stages = [done("params", "rref:1"), done("plot", "rref:2"), done("stage_all", "rref:2")];
  const changed = {
    run: "r",
    path: "p.py",
    is: "done" as const,
    targets: ["stage_all"],
    stages,
    problems: [],
    failure: null,
  };
  const state = step(newPipeline("p.py"), { is: "run", changed });
  expect(await new RunWaits().until("r", state.run)).toEqual({
    is: "done",
    targets: ["stage_all"],
    made: ["params", "plot"],
    kept: [],
  });
});

it("of several failures the one that came first comes first", async () => {
  const failed = (name: string, started: number, took: number): RunStage => ({
    name,
    is: "failed",
    realization: null,
    failure: failure("exception", name),
    awaits: "stages",
    took,
    started,
  });
  const stages = [failed("slow", 10, 9), failed("quick", 11, 1), failed("later", 30, 1)];
  const changed = { run: "r", path: "p.py", is: "failed" as const, targets: [], stages, problems: [], failure: null };
  const outcome = await new RunWaits().until("r", step(newPipeline("p.py"), { is: "run", changed }).run);
  expect(outcome.is === "failed" ? outcome.stages.map(({ stage }) => stage) : outcome).toEqual([
    "quick",
    "slow",
    "later",
  ]);
});
