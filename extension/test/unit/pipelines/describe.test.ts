import { describe, expect, it } from "vitest";

import { failure } from "../../../src/kernels/answer.js";
import {
  ago,
  comparable,
  comparedName,
  describeFailure,
  describeState,
  duration,
  failureText,
  size,
} from "../../../src/pipelines/describe.js";
import type { Reason } from "../../../src/protocol/kernel/messages.gen.js";
import type { StageState } from "../../../src/protocol/panels/messages.js";

const NOW = 1_800_000_000;
const realization = {
  rref: "rref:a-b-plot",
  dref: "dref:b-plot",
  tree: "t",
  sequence: 1,
  at: NOW - 2 * 3600 - 60,
  took: 3.42,
  size: 1_234_567,
  run: "r",
  visible: true,
  pinned: false,
};
const reason = (kind: Reason["kind"], summary: string, texts: Partial<Reason> = {}): Reason => ({
  kind,
  summary,
  subject: "",
  before: null,
  after: null,
  ...texts,
});

describe("a state in words", () => {
  it.each<[StageState, string]>([
    [{ is: "unknown" }, "…"],
    [{ is: "cached", realization, kept: false }, "cached · 2 h ago · 1.2 MB · took 3.4 s"],
    [{ is: "stale", reasons: [reason("code", "plot in pipeline.py changed")] }, "stale: code changed"],
    [
      { is: "stale", reasons: [reason("code", "x in y changed"), reason("parameter", "maxiter changed")] },
      "stale: code changed (and 1 more)",
    ],
    [{ is: "stale", reasons: [] }, "stale: something changed"],
    [{ is: "running", since: NOW - 1, fraction: 0.419 }, "running 41 %"],
    [{ is: "running", since: NOW - 1 }, "running …"],
    [{ is: "running", since: NOW - 1, message: "epoch 3" }, "running · epoch 3"],
    [{ is: "failed", failure: failure("exception", "'x'", { exception: "builtins.KeyError" }) }, "failed: KeyError"],
    [{ is: "failed", failure: failure("crashed", "The worker died: signal 9") }, "failed: the kernel crashed"],
    [{ is: "absent" }, "never realized"],
    [{ is: "broken" }, "cannot be planned"],
    [{ is: "waiting" }, "waiting"],
    [{ is: "cancelled" }, "cancelled"],
    [{ is: "skipped" }, "skipped: what it needs failed"],
  ])("%o is %s", (state, text) => {
    expect(describeState(state, NOW)).toBe(text);
  });
});

describe("measures", () => {
  it.each([
    [0, "0 ms"],
    [0.0123, "12 ms"],
    [3.4, "3.4 s"],
    [59.4, "59 s"],
    [125, "2 min 5 s"],
    [3600, "1 h"],
    [7384, "2 h 3 min"],
  ])("%d s is %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1200, "1.2 kB"],
    [999_600, "1.0 MB"],
    [48_000_000, "48 MB"],
    [5e12, "5.0 TB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });

  it.each([
    [-5, "just now"],
    [59, "just now"],
    [61, "1 min ago"],
    [7200, "2 h ago"],
    [86_400, "yesterday"],
    [5 * 86_400, "5 days ago"],
  ])("%d s before is %s", (seconds, text) => {
    expect(ago(NOW - seconds, NOW)).toBe(text);
  });
});

describe("failures", () => {
  it("are told in few words, or in full with what to do", () => {
    const missing = failure("missing-package", 'No module named "scipy"', {
      package: "scipy",
      command: "python -m pip install scipy",
      advice: "Install it.",
      detail: "Traceback …",
    });
    expect(describeFailure(missing)).toBe('package "scipy" is missing');
    expect(failureText(missing)).toBe(
      'No module named "scipy"\n\nInstall it.\n\n    python -m pip install scipy\n\nTraceback …',
    );
    expect(describeFailure(failure("no-interpreter", "…"))).toBe("no Python interpreter");
  });
});

describe("what can be compared", () => {
  it("is what has both texts", () => {
    const whole = reason("code", "code changed", { before: "a", after: "" });
    expect(comparable([reason("new", "new", { after: "x" }), whole])).toEqual([whole]);
  });
});

describe("comparedName", () => {
  const of = (subject: string): string => comparedName({ ...reason("code", "changed"), subject }, "plot");

  it("names a definition by itself, a whole file by its path, and nothing by the stage", () => {
    expect(of("pipeline.py:plot")).toBe("plot");
    expect(of("lib/objective.py:Wells.value")).toBe("Wells.value");
    expect(of("objective.py:<module>")).toBe("objective.py");
    expect(of("")).toBe("plot");
  });
});
