import { describe, expect, it } from "vitest";

import { failure } from "../../../src/kernels/answer.js";
import { comparable, comparedName, failureText } from "../../../src/pipelines/describe.js";
import type { Reason } from "../../../src/protocol/kernel/messages.gen.js";

const reason = (kind: Reason["kind"], summary: string, texts: Partial<Reason> = {}): Reason => ({
  kind,
  summary,
  subject: "",
  before: null,
  after: null,
  ...texts,
});

describe("failures", () => {
  it("are told in full with what to do", () => {
    const missing = failure("missing-package", 'No module named "scipy"', {
      package: "scipy",
      command: "python -m pip install scipy",
      advice: "Install it.",
      detail: "Traceback …",
    });
    expect(failureText(missing)).toBe(
      'No module named "scipy"\n\nInstall it.\n\n    python -m pip install scipy\n\nTraceback …',
    );
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
