import { describe, expect, it } from "vitest";

import { Findings } from "../../../src/views/findings.js";

const said = (files: Readonly<Record<string, string[]>>): ReadonlyMap<string, readonly string[]> =>
  new Map(Object.entries(files));

describe("what pipelines say of a file that they share", () => {
  it("is shown whole, each thing once, until the last of them takes it back", () => {
    const findings = new Findings<string>((one) => one);
    findings.set("a.py", said({ "a.py": ["own"], "steps.py": ["both", "of a"] }));
    expect(findings.set("b.py", said({ "steps.py": ["both", "of b"] }))).toEqual(
      said({ "steps.py": ["both", "of a", "of b"] }),
    );
    expect(findings.set("b.py", said({}))).toEqual(said({ "steps.py": ["both", "of a"] }));
    expect(findings.set("a.py", said({ "a.py": ["other"] }))).toEqual(said({ "a.py": ["other"], "steps.py": [] }));
  });
});
