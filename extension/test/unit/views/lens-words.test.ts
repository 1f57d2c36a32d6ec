import { describe, expect, it } from "vitest";

import { failure } from "../../../src/kernels/answer.js";
import type { Pipeline } from "../../../src/pipelines/model.js";
import type { Stage } from "../../../src/pipelines/pipeline.js";
import type { StageState } from "../../../src/protocol/panels/messages.js";
import { lensWords } from "../../../src/views/lens-words.js";

const cached: StageState = {
  is: "cached",
  kept: true,
  realization: {
    rref: "r",
    dref: "d",
    tree: "t",
    sequence: 1,
    at: 1000,
    took: 1,
    size: 10,
    run: "1",
    visible: true,
    pinned: false,
  },
};
const stale: StageState = { is: "stale", reasons: [] };

function stage(name: string, state: StageState, line = 4): Stage {
  const view = { name, function: "long", state, line, guessed: false } as Stage["view"];
  // safe: of a declaration these lenses only ask whether there is one
  return { view, declaration: {} as Stage["declaration"], status: null };
}

const pipeline = (stages: readonly Stage[], more: Partial<Pipeline> = {}): Pipeline => ({
  path: "p.py",
  stages,
  problems: [],
  run: null,
  failure: null,
  ...more,
});

const titles = (stages: readonly Stage[], trusted = true, more: Partial<Pipeline> = {}): readonly string[] =>
  lensWords(pipeline(stages, more), trusted, 1000).map(({ title }) => title);

const many = (states: readonly StageState[]): readonly Stage[] =>
  states.map((state, at) => stage(`long[k=${at}]`, state));

describe("the lenses over a stage", () => {
  it("are what to do and how it stands", () => {
    const [realize, invalidate, state] = lensWords(pipeline([stage("long", stale)]), true, 1000);
    expect(realize).toMatchObject({ title: "Realize", line: 4, argument: { path: "p.py", stage: "long" } });
    expect(invalidate).toMatchObject({ title: "Invalidate", command: "stageloom.invalidate" });
    expect(state).toMatchObject({ title: "stale: something changed", command: "stageloom.showState" });
  });

  it("say which parameter profile they are of", () => {
    const lenses = lensWords(pipeline([stage("long", stale)]), true, 1000, "quick");
    expect(lenses.at(-1)).toMatchObject({ title: "profile quick", command: "stageloom.chooseProfile" });
    expect(lensWords(pipeline([stage("long", stale)]), false, 1000, "quick")).toHaveLength(1);
  });

  it("cancel what runs, and do nothing without trust", () => {
    expect(titles([stage("a", { is: "running", since: 1 })])).toEqual(["Cancel", "running …"]);
    expect(titles([stage("a", cached), stage("b", stale)], false)).toEqual(["not run: workspace not trusted"]);
  });

  it("say why nothing is known", () => {
    const known = { failure: failure("no-interpreter", "None.") };
    expect(titles([stage("a", { is: "unknown" })], true, known)).toContain("no Python interpreter");
    expect(titles(many(Array.from({ length: 5 }, () => ({ is: "unknown" }))), true, known)).toEqual([
      "Realize all",
      "5 instances: no Python interpreter",
    ]);
  });

  it("are each one's own for a few of one definition", () => {
    expect(titles(many([cached, stale]))).toEqual([
      "Realize",
      "Invalidate",
      "long[k=0]: cached · just now · 10 B · took 1.0 s",
      "Realize",
      "Invalidate",
      "long[k=1]: stale: something changed",
    ]);
  });

  it("are one for many of one definition, which realizes them all and shows the most pressing one", () => {
    const stages = [...many([cached, cached, stale, cached]), stage("other", cached, 9)];
    const [all, state, ...others] = lensWords(pipeline(stages), true, 1000);
    expect(all).toMatchObject({
      title: "Realize all",
      command: "stageloom.realizeStages",
      argument: { path: "p.py", stages: ["long[k=0]", "long[k=1]", "long[k=2]", "long[k=3]"] },
    });
    expect(state).toMatchObject({
      title: "4 instances: 1 stale, 3 cached",
      command: "stageloom.openPanel",
      argument: { path: "p.py", stage: "long[k=2]" },
    });
    expect(others.map(({ line }) => line)).toEqual([9, 9, 9]);
    expect(titles(many([cached, cached, stale, { is: "running", since: 1 }]))).toEqual([
      "Cancel",
      "4 instances: 1 running, 1 stale, 2 cached",
    ]);
  });
});
