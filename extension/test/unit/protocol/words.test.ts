import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { failure } from "../../../src/kernels/answer.js";
import type { Failure, Realization, Reason } from "../../../src/protocol/kernel/messages.gen.js";
import type { StageState } from "../../../src/protocol/panels/messages.js";
import { ago, duration, elapsed, listed, percent, plural, size } from "../../../src/protocol/words/figures.js";
import {
  countStates,
  describeFailure,
  describeReason,
  describeState,
  shortState,
} from "../../../src/protocol/words/states.js";

type ToldReason = Pick<Reason, "kind" | "summary" | "subject">;

interface Told {
  readonly note?: string;
  readonly is: "cached" | "stale" | "absent" | "unknown" | "broken";
  readonly function: string;
  readonly realization: (Pick<Realization, "at" | "took" | "size"> & Partial<Realization>) | null;
  readonly reasons: readonly ToldReason[];
}

interface ToldRun {
  readonly is: "failed" | "cancelled";
  readonly at: number;
  readonly failure: Pick<Failure, "kind" | "message"> & Partial<Failure>;
}

interface Table {
  readonly now: number;
  readonly durations: readonly (readonly [number, string])[];
  readonly sizes: readonly (readonly [number, string])[];
  readonly ages: readonly (readonly [number, string])[];
  readonly states: readonly (readonly [Told, string])[];
  readonly reasons: readonly (readonly [readonly [string, ToldReason], string])[];
  readonly lastRuns: readonly (readonly [ToldRun, string])[];
  readonly failures: readonly (readonly [Pick<Failure, "kind" | "message"> & Partial<Failure>, string])[];
}

const table = JSON.parse(
  readFileSync(new URL("../../../../python-kernel/tests/shared/words.json", import.meta.url), "utf8"),
  // the file is written by hand to this shape, and a case that is not fails below
) as Table;

const NOW = table.now;
const realization = (made: Partial<Realization>): Realization => ({
  rref: "rref:a-b-plot",
  dref: "dref:b-plot",
  tree: "t",
  sequence: 1,
  at: NOW,
  took: 3.42,
  size: 1_234_567,
  run: "r",
  visible: true,
  pinned: false,
  ...made,
});
const reason = (told: ToldReason): Reason => ({ ...told, before: null, after: null });

function stateOf(told: Told): StageState {
  switch (told.is) {
    case "cached":
      return {
        is: "cached",
        kept: false,
        realization: realization(told.realization ?? {}),
        ...(told.note === undefined ? {} : { note: told.note }),
      };
    case "stale":
      return { is: "stale", reasons: told.reasons.map(reason) };
    case "unknown":
      return { is: "unknown", told: true };
    case "absent":
    case "broken":
      return { is: told.is };
  }
}

describe("the words that the command line has, too", () => {
  it.each(table.durations)("%d s is %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each(table.sizes)("%d bytes are %s", (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });

  it.each(table.ages)("%d s before is %s", (seconds, text) => {
    expect(ago(NOW - seconds, NOW)).toBe(text);
  });

  it.each(table.states)("%o is %s", (told, text) => {
    expect(describeState({ state: stateOf(told), function: told.function }, NOW)).toBe(text);
  });

  it.each(table.lastRuns)("%o is %s", ({ is, at, failure: { kind, message, ...more } }, text) => {
    const state: StageState = is === "failed" ? { is, at, failure: failure(kind, message, more) } : { is, at };
    expect(describeState({ state, function: "plot" }, NOW)).toBe(text);
  });

  it.each(table.reasons)("%o is %s", ([own, told], text) => {
    expect(describeReason(reason(told), own)).toBe(text);
  });

  it.each(table.failures)("%o is %s", ({ kind, message, ...more }, text) => {
    expect(describeFailure(failure(kind, message, more))).toBe(text);
  });
});

describe("the words of runs and of short places", () => {
  const told = (state: StageState, short = false, since = false): string => {
    const stage = { state, function: "plot" };
    return short ? shortState(stage) : describeState(stage, NOW, { since });
  };
  const broken = failure("exception", "'x'", { exception: "builtins.KeyError" });

  it.each<[StageState, string, string]>([
    [{ is: "unknown" }, "…", "…"],
    [{ is: "unknown", told: true }, "not known before what it needs has run", "not known yet"],
    [{ is: "running", since: NOW - 1, fraction: 0.419 }, "running 41 %", "running 41 %"],
    [{ is: "running", since: NOW - 1 }, "running …", "running"],
    [{ is: "running", since: NOW - 1, message: "epoch 3" }, "running · epoch 3", "running"],
    [{ is: "running", since: NOW - 1, fraction: 0.9999, message: "last" }, "running 99 % · last", "running 99 %"],
    [{ is: "failed", failure: broken }, "failed: KeyError", "KeyError"],
    [{ is: "waiting" }, "waiting", "waiting"],
    [{ is: "waiting", awaits: "worker" }, "waiting for a worker", "waiting for a worker"],
    [
      { is: "waiting", awaits: "process" },
      "waiting: another process is at the same work",
      "waiting for another process",
    ],
    [{ is: "cancelled" }, "cancelled", "cancelled"],
    [{ is: "skipped" }, "skipped: what it needs failed", "skipped"],
    [{ is: "broken" }, "has a problem", "has a problem"],
    [{ is: "stale", reasons: [] }, "stale: something changed", "stale"],
    [
      { is: "stale", reasons: [reason({ kind: "code", summary: "f in a.py changed", subject: "a.py:f" })] },
      "stale: code changed: f in a.py",
      "code changed",
    ],
    [
      { is: "failed", failure: failure("missing-package", "No", { package: "shap" }) },
      'failed: package "shap" is missing',
      "lacks shap",
    ],
    [{ is: "failed", failure: failure("killed", "No") }, "failed: the kernel was killed", "killed"],
  ])("%o is %s, in short %s", (state, text, short) => {
    expect(told(state)).toBe(text);
    expect(told(state, true)).toBe(short);
  });

  it("tells for how long something runs where it is asked to", () => {
    expect(told({ is: "running", since: NOW - 74, fraction: 0.41, message: "x" }, false, true)).toBe(
      "running 41 % · 1 min 14 s · x",
    );
    expect(told({ is: "running", since: NOW - 3 }, false, true)).toBe("running · 3 s");
    expect([0.4, 9.9, 12.6].map(elapsed)).toEqual(["0 s", "9 s", "12 s"]);
  });

  it("leaves out how long it took, and when it failed, where there is little room", () => {
    const lost = { state: { is: "failed", failure: broken, at: NOW - 60 }, function: "plot" } as const;
    expect(describeState(lost, NOW)).toBe("failed: KeyError · 1 min ago");
    expect(describeState(lost, NOW, { brief: true })).toBe("failed: KeyError");
    const stage = { state: { is: "cached", kept: true, realization: realization({}) }, function: "plot" } as const;
    expect(describeState(stage, NOW, { brief: true })).toBe("cached · just now · 1.2 MB");
  });

  it("says in short of what is cached that it is", () => {
    expect(told({ is: "cached", kept: false, realization: realization({}) }, true)).toBe("cached");
  });

  it("counts states, the most pressing first", () => {
    const cached: StageState = { is: "cached", kept: true, realization: realization({}) };
    expect(countStates([cached, { is: "stale", reasons: [] }, cached, { is: "failed", failure: broken }])).toBe(
      "1 failed, 1 stale, 2 cached",
    );
  });

  it("names a few things, and counts more", () => {
    expect([listed([], "stage"), listed(["a", "b"], "stage"), listed(["a", "b", "c", "d"], "stage")]).toEqual([
      "",
      "a, b",
      "4 stages",
    ]);
  });

  it("counts things", () => {
    expect([plural(1, "stage"), plural(1200, "stage"), percent(1.2), percent(-1)]).toEqual([
      "1 stage",
      "1,200 stages",
      "100 %",
      "0 %",
    ]);
  });
});
