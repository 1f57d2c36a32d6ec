import { describe, expect, it } from "vitest";

import { Project } from "../../../src/pipelines/project.js";
import { mentionsOf, stageAt, whyNotName } from "../../../src/pipelines/rename.js";

function project(files: Record<string, string>): Project {
  const made = new Project();
  for (const [path, text] of Object.entries(files)) made.set(path, text);
  return made;
}

/** Renames what stands at `«` in a file, and returns all files as they would be. */
function rename(marked: Record<string, string>, name: string): Record<string, string> {
  const files: Record<string, string> = {};
  let where: [string, number] | null = null;
  for (const [path, text] of Object.entries(marked)) {
    const at = text.indexOf("«");
    if (at >= 0) where = [path, at];
    files[path] = text.replace("«", "");
  }
  const made = project(files);
  const found = stageAt(made, where![0], where![1]);
  expect(found, "nothing to rename there").not.toBeNull();
  expect(whyNotName(made, found!.target, name)).toBeNull();
  const mentions = [...mentionsOf(made, found!.target)].sort((left, right) => right.at.from - left.at.from);
  for (const { path, at } of mentions) files[path] = files[path]!.slice(0, at.from) + name + files[path]!.slice(at.to);
  return files;
}

const STEPS = `from stageloom import stage


@stage
def one():
    """one stays in docs, and in "one" """
    return 1


@stage
def two(one, k=1):
    scaled = [one for _ in range(k)]
    one = scaled[0]
    return f"{one}", {"one": one}, obj.one, call(one=one)


def helper(one):
    return one


def other():
    one = 3
    return one


quick = two.bind(one=one, k=2)
print(one)
`;

const RENAMED = `from stageloom import stage


@stage
def first():
    """one stays in docs, and in "one" """
    return 1


@stage
def two(first, k=1):
    scaled = [first for _ in range(k)]
    first = scaled[0]
    return f"{first}", {"one": first}, obj.one, call(one=first)


def helper(one):
    return one


def other():
    one = 3
    return one


quick = two.bind(first=first, k=2)
print(first)
`;

describe("renaming a stage", () => {
  it.each([
    ["its definition", "def one", "def «one"],
    ["the parameter", "def two(one", "def two(«one"],
    ["a use of the parameter", "one for _", "«one for _"],
    ["the role in a bind", "bind(one", "bind(«one"],
    ["the value in a bind", "=one, k=2", "=«one, k=2"],
  ])("from %s renames every mention and nothing else", (_, plain, marked) => {
    expect(rename({ "steps.py": STEPS.replace(plain, marked) }, "first")["steps.py"]).toBe(RENAMED);
  });

  it("follows into the files that import it", () => {
    const user = `from stageloom import stage
from steps import one, two

@stage
def three(«one):
    return one

slow = two.bind(one=one)
`;
    const files = rename({ "lib/steps.py": STEPS, "lib/user.py": user }, "first");
    expect(files["lib/steps.py"]).toBe(RENAMED);
    expect(files["lib/user.py"]).toBe(`from stageloom import stage
from steps import first, two

@stage
def three(first):
    return first

slow = two.bind(first=first)
`);
  });

  it("leaves an alias its name", () => {
    const user =
      "from stageloom import stage\nfrom .steps import one as uno\n\n@stage\ndef three(uno):\n    return uno\n";
    const files = rename({ "a/steps.py": STEPS.replace("def one", "def «one"), "a/user.py": user }, "first");
    expect(files["a/user.py"]).toBe(user.replace("import one as", "import first as"));
  });

  it("renames an instance", () => {
    const text = STEPS.replace("quick = ", "«quick = ") + "\n\n@stage\ndef three(quick):\n    return quick\n";
    const files = rename({ "steps.py": text }, "fast");
    expect(files["steps.py"]).toContain("fast = two.bind(one=one, k=2)");
    expect(files["steps.py"]).toContain("def three(fast):\n    return fast");
  });

  it.each([
    ["two", "Another stage"],
    ["k", "has a parameter"],
    ["for", "Python's own"],
    ["1st", "not a name"],
    ["a b", "not a name"],
  ])("refuses the name %s", (name, why) => {
    const made = project({ "steps.py": STEPS });
    const found = stageAt(made, "steps.py", STEPS.indexOf("def one") + 4);
    expect(whyNotName(made, found!.target, name)).toContain(why);
  });
});

describe("a name that stands for something already", () => {
  const steps = `from stageloom import stage
import os.path as paths, json
LIMIT: int = 3
if LIMIT:
    def scale(x):
        inner = x
        return inner
class Shape: ...
with open("x") as file: ...

@stage
def one():
    return 1
`;
  const why = (name: string, files: Record<string, string> = {}): string | null => {
    const made = project({ "steps.py": steps, ...files });
    return whyNotName(made, stageAt(made, "steps.py", steps.indexOf("def one") + 4)!.target, name);
  };

  it.each(["LIMIT", "scale", "Shape", "paths", "json", "file", "stage"])("is refused: %s", (name) => {
    expect(why(name)).toBe(`"${name}" stands for something else in steps.py already.`);
  });

  it("is free where it stands for something within a function alone, and for what it is", () => {
    expect([why("inner"), why("x"), why("one"), why("path")]).toEqual([null, null, null, null]);
  });

  it("is refused where a file that imports the stage has it, unless it calls the stage otherwise", () => {
    const user = (line: string): string => `from stageloom import stage\n${line}\ntaken = 1\n`;
    expect(why("taken", { "user.py": user("from steps import one") })).toContain("in user.py already");
    expect(why("taken", { "user.py": user("from steps import one as first") })).toBeNull();
    expect(why("taken", { "user.py": user("import steps") })).toBeNull();
  });
});

describe("going to a stage's definition", () => {
  it("works from a parameter and from its uses, not from strings, attributes or a helper's parameter", () => {
    const made = project({ "steps.py": STEPS });
    const at = (text: string, into = 0): string | undefined =>
      stageAt(made, "steps.py", STEPS.indexOf(text) + into)?.target.stage.name;
    expect(at("def two(one", 9)).toBe("one");
    expect(at("one for _")).toBe("one");
    expect(at("obj.one", 5)).toBeUndefined();
    expect(at('"one": one', 2)).toBeUndefined();
    expect(at("def helper(one", 12)).toBeUndefined();
    expect(at("def other", 22)).toBeUndefined();
  });

  it("reaches another file", () => {
    const user = "from stageloom import stage\nfrom pkg.steps import one\n\n@stage\ndef three(one):\n    return one\n";
    const made = project({ "pkg/steps.py": STEPS, "user.py": user });
    expect(stageAt(made, "user.py", user.indexOf("return one") + 8)?.target.path).toBe("pkg/steps.py");
    expect(made.resolved("user.py").problems).toEqual([]);
  });
});

const MIXED = `from stageloom import stage
from stageloom.derivations import *
from stageloom.pyplant import ReactorFunc

@stage
def params():
    return 1

def stage_noise(m):
    config = mkconfig({"name": "noise", "params": params})
    return mkdrv(m, config, match_only(), build_wrapper(lambda b: mklens(b).params.val))

@ReactorFunc
def cook(pipe):
    params = yield pipe.receive("params")
    noise = yield pipe.receive("noise")
    pipe.send("soup", params)

@stage
def plate(soup, noise, params):
    return soup
`;

describe("across languages", () => {
  const definitionAt = (text: string, marked: string): string | null => {
    const at = text.indexOf(marked) + marked.indexOf("«");
    const plain = text.replace(marked, marked.replace("«", ""));
    const found = stageAt(project({ "p.py": plain }), "p.py", at);
    return found === null ? null : found.target.stage.function;
  };

  it.each([
    ["def plate(«soup", "cook"],
    ["def plate(soup, «noise", "stage_noise"],
    ['receive("«noise', "stage_noise"],
    ['receive("«params', "params"],
    ['"params": «params', "params"],
    ["«params = yield", null],
    ['send("«soup', null],
  ])("leads from %s to what is meant", (marked, expected) => {
    const text = MIXED.replace(marked.replace("«", ""), marked);
    expect(definitionAt(text, marked)).toBe(expected);
  });

  it("renames a function stage where derivations and reactors name it", () => {
    const renamed = rename({ "p.py": MIXED.replace("def params", "def «params") }, "start")["p.py"];
    expect(renamed).toBe(
      MIXED.replace("def params", "def start")
        .replace('"params": params', '"params": start')
        .replace('receive("params")', 'receive("start")')
        .replace("noise, params)", "noise, start)"),
    );
  });

  it("says why a derivation and a reactor are not renamed from a parameter", () => {
    const made = project({ "p.py": MIXED });
    const found = stageAt(made, "p.py", MIXED.indexOf("noise, params)"));
    expect(whyNotName(made, found!.target, "other")).toContain("is a derivation, named elsewhere too");
  });

  it("finds stages of imported files, and reactors of all that is imported", () => {
    const steps = MIXED.replace("def plate(soup, noise, params)", "def other(soup)");
    const made = project({
      "steps.py": steps,
      "between.py": "import stageloom\nimport steps\n",
      "p.py":
        "from stageloom import stage\nimport between\nfrom steps import stage_noise, params\n\n@stage\ndef plate(soup, stage_noise, cook, params):\n    return 1\n\n@stage\ndef named(noise, salt):\n    return 1\n",
    });
    const { stages, problems } = made.resolved("p.py");
    expect(stages.map((one) => one.dependencies.map(({ stage }) => stage))).toEqual([
      ["cook", "noise", "cook", "params"],
      ["noise"],
    ]);
    expect(problems.map(({ message }) => message)).toEqual([
      'No stage is named "salt", which "named" needs. Add a stage of that name, or give the parameter a default.',
    ]);
    expect(made.declared("p.py", "noise")?.path).toBe("steps.py");
  });
});
