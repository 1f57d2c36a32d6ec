import { describe, expect, it } from "vitest";

import { failure } from "../../../src/kernels/answer.js";
import {
  newPipeline,
  runView,
  stagesOf,
  step,
  type PipelineEvent,
  type PipelineState,
} from "../../../src/pipelines/pipeline.js";
import { problemsOf } from "../../../src/pipelines/problems.js";
import { resolve } from "../../../src/pipelines/resolve.js";
import { SourceReader } from "../../../src/pipelines/source.js";
import type {
  Plan,
  Realization,
  RunChanged,
  RunStage,
  StageStatus,
} from "../../../src/protocol/kernel/messages.gen.js";

const TEXT = `from stageloom import stage


@stage
def one(n=1):
    """The first."""
    return n


@stage
def two(one):
    return one
`;

function read(text: string): PipelineEvent {
  const source = new SourceReader().read(text);
  return { is: "read", declarations: { source, resolved: resolve(source.written, source.imports, new Map()) } };
}

const made = (name: string, dref = `dref:1-${name}`): Realization => ({
  rref: `rref:9-${dref}`,
  dref,
  tree: "t",
  sequence: 1,
  at: 1,
  took: 2,
  size: 3,
  run: "r1",
  visible: true,
  pinned: false,
});

function status(name: string, is: StageStatus["is"], parts: Partial<StageStatus> = {}): StageStatus {
  return {
    name,
    function: name,
    language: "function",
    span: { path: "p.py", line: 3, column: 0, endLine: 4, endColumn: 0 },
    is,
    dependencies: [],
    parameters: [],
    reasons: [],
    dref: `dref:1-${name}`,
    realization: is === "cached" ? made(name) : null,
    pool: "",
    guessed: false,
    doc: "",
    note: "",
    reads: [],
    lastRun: null,
    expects: null,
    ...parts,
  };
}

const plan = (...stages: StageStatus[]): Plan => ({
  path: "p.py",
  snapshot: "s",
  stages,
  problems: [],
  files: ["p.py"],
});
const planned = (asked: number, ...stages: StageStatus[]): PipelineEvent => ({
  is: "planned",
  asked,
  plan: plan(...stages),
});
const asked = (number: number): PipelineEvent => ({ is: "asked", asked: number });
const ran = (name: string, is: RunStage["is"], parts: Partial<RunStage> = {}): RunStage => ({
  name,
  is,
  started: is === "running" ? 100 : null,
  took: null,
  realization: is === "done" || is === "kept" ? made(name) : null,
  failure: is === "failed" ? failure("exception", "boom", { exception: "ValueError" }) : null,
  awaits: "stages",
  ...parts,
});
const run = (is: RunChanged["is"], ...stages: RunStage[]): PipelineEvent => ({
  is: "run",
  changed: { run: "r1", path: "p.py", is, targets: ["two"], stages, failure: null, problems: [] },
});

function after(...events: PipelineEvent[]): PipelineState {
  return events.reduce(step, newPipeline("p.py"));
}

const states = (state: PipelineState): Record<string, string> =>
  Object.fromEntries(stagesOf(state).map(({ view }) => [view.name, view.state.is]));

const START = [read(TEXT), asked(1), planned(1, status("one", "cached"), status("two", "absent"))];

describe("a run of another session", () => {
  const why = failure("exception", "boom", { exception: "ValueError" });
  const last = { run: "r0", stage: "two", at: 160, took: 60, failure: why, folder: "/store/runs/r0/two" };

  it("that failed, or was cancelled, is told until the stage is made or is another", () => {
    const failed = after(
      read(TEXT),
      asked(1),
      planned(1, status("one", "cached"), status("two", "absent", { lastRun: { ...last, is: "failed" } })),
    );
    expect(stagesOf(failed)[1]!.view.state).toEqual({ is: "failed", failure: why, at: 160 });
    const cancelled = after(
      read(TEXT),
      asked(1),
      planned(1, status("one", "stale", { lastRun: { ...last, is: "cancelled" } })),
    );
    expect(stagesOf(cancelled)[0]!.view.state).toEqual({ is: "cancelled", at: 160 });
    const mended = [
      failed,
      ...[step(step(failed, asked(2)), planned(2, status("one", "cached"), status("two", "stale")))],
    ];
    expect(states(mended[1]!)).toEqual({ one: "cached", two: "stale" });
  });

  it("gives way to the run under way", () => {
    const state = after(
      read(TEXT),
      asked(1),
      planned(1, status("one", "cached"), status("two", "absent", { lastRun: { ...last, is: "failed" } })),
      run("running", ran("two", "running")),
    );
    expect(states(state)).toEqual({ one: "cached", two: "running" });
  });
});

describe("a stage for each value", () => {
  const EACH = "from stageloom import stage\n@stage(each={'k': [1, 2]})\ndef a(k): ...\n@stage\ndef last(a): ...\n";
  const ofA = { function: "a" };

  it("shows the stages that the engine tells of, each with its own state", () => {
    const plan = planned(1, status("a[k=1]", "cached", ofA), status("a[k=2]", "absent", ofA), status("last", "absent"));
    const stages = stagesOf(after(read(EACH), asked(1), plan));
    expect(stages.map(({ view }) => `${view.name} ${view.state.is}`)).toEqual([
      "a[k=1] cached",
      "a[k=2] absent",
      "last absent",
    ]);
    expect(stages.every(({ declaration }) => declaration !== null)).toBe(true);
    expect(stages[2]?.view.dependencies).toEqual(["a[k=1]", "a[k=2]"]);
  });

  it("shows the one that is written before the engine has spoken", () => {
    expect(stagesOf(after(read(EACH))).map(({ view }) => view.name)).toEqual(["a", "last"]);
  });
});

describe("many stages", () => {
  it("are not compared in pairs", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `s${index}`);
    const text = `from stageloom import stage\n${names.map((name) => `@stage\ndef ${name}(): ...\n`).join("")}`;
    const state = after(read(text), asked(1), planned(1, ...names.map((name) => status(name, "absent"))));
    const times = Array.from({ length: 5 }, () => {
      const began = performance.now();
      expect(stagesOf(state).length).toBe(names.length);
      return performance.now() - began;
    });
    // pairs take several seconds, each time
    expect(Math.min(...times)).toBeLessThan(1500);
  });
});

describe("source and plan", () => {
  it("shows the source's stages at once, their state unknown", () => {
    const [one, two] = stagesOf(after(read(TEXT)));
    expect(one!.view).toMatchObject({
      name: "one",
      line: 3,
      doc: "The first.",
      source: '@stage\ndef one(n=1):\n    """The first."""\n    return n',
      parameters: [{ name: "n", text: "1", source: "default" }],
      state: { is: "unknown" },
    });
    expect(two!.view.dependencies).toEqual(["one"]);
  });

  it("takes the plan's word, and keeps it through keystrokes until the next", () => {
    const state = after(...START);
    expect(states(state)).toEqual({ one: "cached", two: "absent" });
    expect(states(step(state, read(TEXT.replace("return n", "return n + 1"))))).toEqual({
      one: "cached",
      two: "absent",
    });
  });

  it("drops the answer to a question that a newer one has overtaken", () => {
    const state = after(...START, asked(3), planned(2, status("one", "stale"), status("two", "stale")));
    expect(states(state)).toEqual({ one: "cached", two: "absent" });
  });

  it("shows parameters as typed while the plan is older than the text", () => {
    const parameter = { name: "n", value: 1, text: "1", source: "default" as const };
    const state = after(...START.slice(0, 2), planned(1, status("one", "cached", { parameters: [parameter] })));
    const typed = step(step(state, read(TEXT.replace("n=1", "n=25"))), asked(2));
    expect(stagesOf(typed)[0]!.view.parameters).toEqual([{ name: "n", value: null, text: "25", source: "default" }]);
  });

  it("keeps the last plan where the next one fails, and says why", () => {
    const failed = step(after(...START, asked(2)), {
      is: "unplanned",
      asked: 2,
      failure: failure("no-interpreter", "None"),
    });
    expect(states(failed)).toEqual({ one: "cached", two: "absent" });
    expect(failed.plan.is).toBe("failed");
  });

  it("keeps the states of the last text that Python could read", () => {
    const span = { path: "p.py", line: 9, column: 0, endLine: 9, endColumn: 3 };
    const syntax = { code: "syntax" as const, message: "Invalid syntax", span, severity: "error" as const, stages: [] };
    const state = step(step(after(...START), asked(2)), {
      is: "planned",
      asked: 2,
      plan: { ...plan(), problems: [syntax] },
    });
    expect(states(state)).toEqual({ one: "cached", two: "absent" });
    expect(problemsOf(state).map(({ code }) => code)).toEqual(["syntax"]);
    expect(states(step(step(state, asked(3)), planned(3, status("one", "stale"))))["one"]).toBe("stale");
  });

  it("forgets a stage of the plan that the text no longer has", () => {
    const state = step(after(...START), read(TEXT.slice(0, TEXT.indexOf("@stage\ndef two"))));
    expect(states(state)).toEqual({ one: "cached" });
  });

  it("adds stages of other files that the engine knows", () => {
    const span = { path: "steps.py", line: 9, column: 0, endLine: 10, endColumn: 0 };
    const state = after(read(TEXT), asked(1), planned(1, status("far", "absent", { span }), status("one", "absent")));
    expect(stagesOf(state).map(({ view }) => [view.name, view.path, view.line])).toEqual([
      ["one", "p.py", 3],
      ["two", "p.py", 9],
      ["far", "steps.py", 9],
    ]);
  });
});

describe("a run", () => {
  it("shows each stage as it goes", () => {
    const begun = after(...START, run("running", ran("one", "kept"), ran("two", "waiting")));
    expect(states(begun)).toEqual({ one: "cached", two: "waiting" });
    const queued = step(begun, run("running", ran("two", "waiting", { awaits: "worker" })));
    expect(stagesOf(queued)[1]!.view.state).toEqual({ is: "waiting", awaits: "worker" });
    expect(runView(queued)).toMatchObject({ is: "running", finished: 1, total: 2, awaits: "worker" });
    const running = step(queued, run("running", ran("two", "running")));
    const reported = step(running, { is: "progress", run: "r1", stage: "two", fraction: 0.5, message: "half" });
    expect(stagesOf(reported)[1]!.view.state).toEqual({ is: "running", since: 100, fraction: 0.5, message: "half" });
    expect(runView(reported)).toEqual({ run: "r1", is: "running", targets: ["two"], finished: 1, total: 2 });
    const done = step(reported, run("done", ran("two", "done")));
    expect(states(done)).toEqual({ one: "cached", two: "cached" });
  });

  it("has what it made outlast a plan that was asked for before", () => {
    const state = after(
      ...START,
      asked(2),
      run("done", ran("two", "done")),
      planned(2, status("one", "cached"), status("two", "absent")),
    );
    expect(states(state)["two"]).toBe("cached");
  });

  it("gives way to a plan that was asked for afterwards: invalidated meanwhile", () => {
    const state = after(
      ...START,
      run("done", ran("one", "kept"), ran("two", "done")),
      asked(2),
      planned(2, status("one", "absent"), status("two", "absent")),
    );
    expect(states(state)).toEqual({ one: "absent", two: "absent" });
  });

  it("does not call the buffer's newer code cached", () => {
    const other = status("two", "stale", { dref: "dref:2-two" });
    const state = after(
      ...START,
      asked(2),
      planned(2, status("one", "cached"), other),
      run("done", ran("two", "done")),
    );
    expect(states(state)["two"]).toBe("stale");
  });

  it("keeps a failure until the code changes, not when another plan says the same", () => {
    const failed = after(
      ...START,
      run("failed", ran("two", "failed")),
      asked(2),
      planned(2, status("one", "cached"), status("two", "absent")),
    );
    expect(states(failed)["two"]).toBe("failed");
    const mended = step(
      step(failed, asked(3)),
      planned(3, status("one", "cached"), status("two", "stale", { dref: "dref:2-two" })),
    );
    expect(states(mended)["two"]).toBe("stale");
  });

  it("still counts what it has made when a plan arrives in its midst", () => {
    const state = after(
      ...START,
      run("running", ran("one", "done"), ran("two", "running")),
      asked(2),
      planned(2, status("one", "cached"), status("two", "absent")),
    );
    expect(runView(state)).toMatchObject({ finished: 1, total: 2 });
    expect(states(state)).toEqual({ one: "cached", two: "running" });
  });

  it("remembers the failure of an earlier run until it is mended", () => {
    const first = after(...START, run("failed", ran("two", "failed")));
    const next = { ...run("running", ran("one", "running")) } as PipelineEvent & { is: "run" };
    const second = step(first, { ...next, changed: { ...next.changed, run: "r2" } });
    expect(states(second)).toEqual({ one: "running", two: "failed" });
    expect(runView(second)).toMatchObject({ finished: 0, total: 1 });
    const mended = step(step(second, asked(2)), planned(2, status("one", "cached"), status("two", "cached")));
    expect(states(mended)).toEqual({ one: "running", two: "cached" });
  });

  it("marks what a cancel left undone", () => {
    const state = after(
      ...START,
      run("running", ran("two", "running")),
      run("cancelling"),
      run("cancelled", ran("two", "cancelled")),
    );
    expect(states(state)).toEqual({ one: "cached", two: "cancelled" });
  });

  it("fails with the kernel that it was on", () => {
    const died = failure("crashed", "The engine died");
    const state = after(...START, run("running", ran("one", "running"), ran("two", "waiting")), {
      is: "lost",
      failure: died,
      final: false,
    });
    expect(stagesOf(state).map(({ view }) => view.state.is)).toEqual(["failed", "skipped"]);
    expect(runView(state)!.is).toBe("failed");
    expect(step(state, { is: "lost", failure: died, final: false })).toBe(state);
  });

  it("ignores progress of another run", () => {
    const state = after(...START, run("running", ran("two", "running")));
    expect(step(state, { is: "progress", run: "r0", stage: "two", fraction: 1, message: "" }).run).toEqual(state.run);
  });
});

describe("derivations", () => {
  const text = `from stageloom.derivations import mkdrv

def stage_a(m):
    return mkdrv(m, {})

def stage_b(m, a):
    return mkdrv(m, {"a": a})

def stage_all(m):
    return stage_b(m, stage_a(m))
`;

  it("are guessed until the planner has spoken; then its word stands, at the functions' places", () => {
    const guessed = after(read(text));
    expect(stagesOf(guessed).map(({ view }) => [view.name, view.guessed, view.dependencies])).toEqual([
      ["stage_a", true, []],
      ["stage_b", true, ["stage_a"]],
      ["stage_all", true, ["stage_b"]],
    ]);
    const told = (name: string, dependencies: string[]): StageStatus =>
      status(name, "absent", { function: `stage_${name}`, language: "derivation", dependencies });
    const state = step(step(guessed, asked(1)), planned(1, told("a", []), told("b", ["a"])));
    expect(stagesOf(state).map(({ view }) => [view.name, view.guessed, view.dependencies, view.line])).toEqual([
      ["a", false, [], 2],
      ["b", false, ["a"], 5],
    ]);
  });
});

describe("an interpreter that is found", () => {
  it("is lacked by no stage any more; other failures stay", () => {
    const lacking = failure("no-interpreter", "None.");
    const state = after(
      ...START,
      run("running", ran("one", "kept"), ran("two", "running")),
      run("failed", ran("two", "failed", { failure: lacking })),
    );
    expect(states(state)).toEqual({ one: "cached", two: "failed" });
    expect(states(step(state, { is: "found" }))).toEqual({ one: "cached", two: "absent" });
    const broken = after(...START, run("running", ran("two", "running")), run("failed", ran("two", "failed")));
    expect(states(step(broken, { is: "found" }))).toEqual({ one: "cached", two: "failed" });
  });
});

describe("problems", () => {
  it("are those of the text as typed, and of the engine what only it can tell", () => {
    const span = { path: "p.py", line: 0, column: 0, endLine: 0, endColumn: 1 };
    const told = plan(status("one", "absent"));
    const problems: Plan["problems"] = [
      { code: "unknown-dependency", message: "old", span, severity: "error", stages: [] },
      { code: "bad-parameter", message: "a lambda", span, severity: "error", stages: ["one"] },
    ];
    const state = after(read(TEXT.replace("two(one)", "two(onne)")), asked(1), {
      is: "planned",
      asked: 1,
      plan: { ...told, problems },
    });
    expect(problemsOf(state).map(({ code, span: at }) => [code, at.line, at.column, at.endColumn])).toEqual([
      ["unknown-dependency", 10, 8, 12],
      ["bad-parameter", 0, 0, 1],
    ]);
  });
});

describe("stages of several languages", () => {
  const mixed = `from stageloom import stage
from stageloom.derivations import *
from stageloom.pyplant import ReactorFunc

@ReactorFunc
def cook(pipe):
    pipe.send("soup", 1)
    pipe.send("salt", 1)

@stage
def plate(soup, salt):
    return 1

@stage
def last(plate):
    return 1
`;

  it("are guessed until the planner has spoken, and then as it said", () => {
    const views = (state: PipelineState): unknown =>
      Object.fromEntries(stagesOf(state).map(({ view }) => [view.name, [view.guessed, view.dependencies]]));
    expect(views(after(read(mixed)))).toEqual({
      cook: [true, []],
      plate: [true, ["cook"]],
      last: [false, ["plate"]],
    });
    const told = after(
      read(mixed),
      asked(1),
      planned(
        1,
        status("cook", "absent", { language: "reactor", guessed: true }),
        status("plate", "absent", { dependencies: ["cook", "other"] }),
        status("last", "absent", { dependencies: ["plate"] }),
      ),
    );
    expect(views(told)).toEqual({ cook: [true, []], plate: [false, ["cook", "other"]], last: [false, ["plate"]] });
  });
});
