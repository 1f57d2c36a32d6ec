import { expect, it } from "vitest";

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
