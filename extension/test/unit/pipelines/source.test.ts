import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { closest, resolve, type Foreign, type Resolved } from "../../../src/pipelines/resolve.js";
import { SourceReader } from "../../../src/pipelines/source.js";

interface Case {
  readonly title: string;
  readonly source: readonly string[];
  readonly stages: readonly {
    name: string;
    function: string;
    line: number;
    dependencies: string[];
    parameters: string[];
    doc?: string;
  }[];
  readonly problems: readonly { code: string; line: number; stages: string[] }[];
}

interface MixedCase {
  readonly title: string;
  readonly source: readonly string[];
  readonly stages: readonly {
    name: string;
    function: string;
    language: string;
    line: number;
    dependencies: string[];
  }[];
  readonly problems: readonly { code: string; line: number; stages: string[] }[];
}

const table = JSON.parse(
  readFileSync(new URL("../../../../python-kernel/tests/shared/declarations.json", import.meta.url), "utf8"),
  // the file is written by hand to this shape, and a case that is not fails below
) as { cases: Case[]; mixed: MixedCase[] };

function read(text: string, reader = new SourceReader(), foreign: Foreign = new Map()): Resolved {
  const source = reader.read(text);
  return resolve(source.written, source.imports, foreign);
}

function names(resolved: Resolved): string[] {
  return resolved.stages.map((stage) => stage.name);
}

describe("names and options as Python takes them", () => {
  it("knows a name however its letters are written", () => {
    const found = read("from stageloom import stage\n@stage\ndef \u00b5(): ...\n@stage\ndef b(\u03bc): ...\n");
    expect(names(found)).toEqual(["\u03bc", "b"]);
    expect(found.stages[1]?.dependencies.map((one) => one.stage)).toEqual(["\u03bc"]);
    expect(found.problems).toEqual([]);
  });

  it("leaves to the engine what `each` gives values to", () => {
    const found = read("from stageloom import stage\n@stage(each={'k': [1, 2]})\ndef a(k): ...\n");
    expect(names(found)).toEqual(["a"]);
    expect(found.problems).toEqual([]);
  });
});

describe("declarations that both languages must find", () => {
  it.each(table.cases)("$title", (one) => {
    for (const end of ["\n", "\r\n"]) {
      const text = one.source.join(end) + end;
      const reader = new SourceReader();
      const { stages, problems } = read(text, reader);
      const lines = reader.source!.lines;
      expect(
        stages.map((stage, index) => ({
          name: stage.name,
          function: stage.function,
          line: lines.place(stage.at.from).line,
          dependencies: stage.dependencies.map((found) => found.stage),
          parameters: stage.parameters.map((found) => found.name),
          ...(one.stages[index]?.doc === undefined ? {} : { doc: stage.doc }),
        })),
      ).toEqual(one.stages);
      expect(
        problems.map(({ code, at, stages: named }) => ({ code, line: lines.place(at.from).line, stages: named })),
      ).toEqual(one.problems);
      for (const stage of stages) expect(text.slice(stage.at.from, stage.at.to)).toBe(stage.name);
      expect(reader.source!.broken).toBe(false);
    }
  });

  it("has enough of them", () => {
    expect(table.cases.length).toBeGreaterThanOrEqual(25);
  });
});

const HEAD = "from stageloom import stage\n\n";
const TWO = `${HEAD}@stage\ndef one():\n    return 1\n\n\n@stage\ndef two(one, n=3):\n    return one * n\n`;

describe("what the problems say", () => {
  it("suggests the nearest name", () => {
    const { problems } = read(TWO.replace("two(one", "two(onne"));
    expect(problems[0]!.message).toBe('No stage is named "onne", which "two" needs. Did you mean "one"?');
  });

  it.each([
    ["frist", ["first", "second"], "first"],
    ["anneal2", ["anneal", "plot"], "anneal"],
    ["data", ["plot", "params"], null],
    ["a", ["b"], null],
  ])("finds for %s among %j: %s", (name, names, found) => {
    expect(closest(name, names)).toBe(found);
  });

  it("names the ring", () => {
    const { problems } = read(`${HEAD}@stage\ndef a(c): ...\n@stage\ndef b(a): ...\n@stage\ndef c(b): ...\n`);
    expect(problems[0]!.message).toContain('"a" needs "c", which needs "b", which needs "a"');
  });

  it("does not doubt a name that is imported from where it cannot look", () => {
    expect(read(`${HEAD}from elsewhere import data\n@stage\ndef a(data): ...\n`).problems).toEqual([]);
    expect(read(`${HEAD}from elsewhere import *\n@stage\ndef a(data): ...\n`).problems).toEqual([]);
  });
});

describe("stages of other files", () => {
  it("are dependencies and bases of instances under the name they are imported by", () => {
    const foreign: Foreign = new Map(read(TWO).stages.map((stage) => [`my_${stage.name}`, stage]));
    const text = `${HEAD}from steps import one as my_one, two as my_two\nquick = my_two.bind(n=1)\n@stage\ndef end(my_one, quick): ...\n`;
    const { stages, problems } = read(text, new SourceReader(), foreign);
    expect(problems).toEqual([]);
    expect(stages.map((stage) => [stage.name, stage.function, stage.dependencies.map((one) => one.stage)])).toEqual([
      ["quick", "two", ["one"]],
      ["end", "end", ["my_one", "quick"]],
    ]);
  });
});

describe("following keystrokes", () => {
  it("gives the same after any series of edits as reading afresh", () => {
    const reader = new SourceReader();
    let text = TWO;
    const edits: [number, number, string][] = [
      [0, 0, "# hello\n"],
      [40, 44, "x"],
      [text.length - 5, text.length, "\n\n@stage\ndef three(two):\n    return two\n"],
      [3, 9, ""],
      [20, 20, "\n\n\n"],
    ];
    for (const [from, to, inserted] of edits) {
      text = text.slice(0, from) + inserted + text.slice(to);
      const followed = reader.read(text);
      const fresh = new SourceReader().read(text);
      expect(followed.broken).toBe(fresh.broken);
      if (!fresh.broken) expect(followed.written).toEqual(fresh.written);
    }
  });

  it("gives the same after random edits, however many and wherever, as reading afresh", () => {
    const pieces = [
      "@stage\ndef one():\n    return 1\n\n\n",
      '@stage\ndef two(one, n=3):\n    """Twice\n    as much."""\n    return one * n\n\n\n',
      "@stage(each={'k': [1, 2]})\ndef many(k, out: Out):\n    return k\n\n\n",
      "@loom.stage\ndef other(two, path=File('a.csv')): return (two,\n  path)\n",
      "quick = two.bind(n=1)\n",
      "if True:\n    @stage\n    def within(one):\n        return one\n",
      "    ",
      "\n",
      "x",
      "(",
      ")",
      '"""',
      "'",
      "# a comment\n",
      "@stage\n",
      "import stageloom as loom\n",
      "from stageloom import stage as task\n",
      "@task\ndef renamed(one):\n    pass\n",
      "class Plain:\n    @property\n    def stage(self): ...\n",
      "\u00b5",
    ] as const;
    const start = `from stageloom import File, Out, stage\nimport stageloom as loom\n\n\n${pieces.slice(0, 5).join("")}`;
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(60)),
      put: fc.oneof(fc.constant(""), fc.constantFrom(...pieces)),
      back: fc.boolean(),
    });
    let compared = 0;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), (edits) => {
        const reader = new SourceReader();
        reader.read(start);
        let text = start;
        const compare = (): void => {
          const followed = reader.read(text);
          const fresh = new SourceReader().read(text);
          expect(followed.broken).toBe(fresh.broken);
          if (fresh.broken) return;
          compared += 1;
          expect(followed.imports).toEqual(fresh.imports);
          expect(followed.written).toEqual(fresh.written);
          expect(read(text, reader)).toEqual(read(text));
        };
        for (const { at, cut, put, back } of edits) {
          const before = text;
          const from = Math.floor(at * text.length);
          text = text.slice(0, from) + put + text.slice(from + cut);
          compare();
          if (!back) continue;
          text = before;
          compare();
        }
      }),
      { numRuns: 200 },
    );
    expect(compared).toBeGreaterThan(200);
  });

  it("keeps the stages of the last good text through a syntax error, and moves them", () => {
    const reader = new SourceReader();
    read(TWO, reader);
    for (const broken of [
      TWO.replace("def two(one, n=3):", "def two(one, n="),
      TWO.replace("def two(one, n=3):", "def two(one"),
      TWO.replace("def one():", "def one(:"),
      TWO.replace("return 1", "return (1"),
      `x = (\n${TWO}`,
      TWO.replace("from stageloom import stage", "from stageloom import"),
    ]) {
      const { stages } = read(broken, reader);
      expect(stages.map((stage) => stage.name)).toEqual(["one", "two"]);
      for (const stage of stages) expect(broken.slice(stage.at.from, stage.at.to)).toBe(stage.name);
      read(TWO, reader);
    }
  });

  it("types a new stage into place, letter by letter, never losing the others", () => {
    const reader = new SourceReader();
    read(TWO, reader);
    const typed = '\n\n@stage\ndef three(two, k=(1, "a")):\n    """Do."""\n    return [two, k]\n';
    for (let end = 1; end <= typed.length; end += 1) {
      const found = names(read(TWO + typed.slice(0, end), reader));
      expect(found.slice(0, 2)).toEqual(["one", "two"]);
    }
    expect(names(read(TWO + typed, reader))).toEqual(["one", "two", "three"]);
  });

  it("lets a stage go that was deleted while something else is broken", () => {
    const reader = new SourceReader();
    read(TWO, reader);
    const cut = TWO.slice(0, TWO.lastIndexOf("@stage"));
    expect(names(read(`${cut}x = (`, reader))).toEqual(["one"]);
  });

  it("reads a file of 2,000 lines within a few milliseconds a keystroke", () => {
    const parts = [HEAD];
    for (let index = 0; index < 333; index += 1)
      parts.push(
        `@stage\ndef s${index}(${index > 0 ? `s${index - 1}, ` : ""}n: int = ${index}):\n    x = [n * i for i in range(10)]\n    return {"x": x, "n": n}\n\n\n`,
      );
    let text = parts.join("");
    expect(text.split("\n").length).toBeGreaterThan(2000);
    const reader = new SourceReader();
    read(text, reader);
    const times: number[] = [];
    for (let round = 0; round < 30; round += 1) {
      const at = text.indexOf("range(10)", Math.floor((text.length * round) / 31)) + 6;
      text = `${text.slice(0, at)}1${text.slice(at)}`;
      const start = performance.now();
      const { stages } = read(text, reader);
      times.push(performance.now() - start);
      expect(stages.length).toBe(333);
    }
    // the fastest: whatever else the machine does slows some of them
    expect(Math.min(...times)).toBeLessThan(30);
  });
});

describe("derivations, guessed", () => {
  const text = `from stageloom.derivations import mkdrv, mkconfig, match_only, match_latest, build_wrapper, mklens, realize, instantiate


def stage_params(m):
    """The parameters."""
    return mkdrv(m, mkconfig({"name": "params"}), matcher=match_only(), realizer=build_wrapper(lambda b: None))


def stage_anneal(m, ref_params):
    def _config():
        return {"name": "anneal", "params": ref_params}
    return mkdrv(m, mkconfig(_config()), matcher=match_latest(), realizer=build_wrapper(lambda b: None))


def stage_all(m):
    params = stage_params(m)
    anneal = stage_anneal(m, params)

    def stage_plot(m):
        return mkdrv(m, mkconfig({"title": "x", "anneal": anneal}), matcher=match_latest(), realizer=None)

    return stage_plot(m)
`;

  it("are the functions that call mkdrv, nested ones too, with what flows between them", () => {
    const { stages, problems } = read(text);
    expect(problems).toEqual([]);
    expect(
      stages.map((stage) => [stage.name, stage.function, stage.guessed, stage.dependencies.map((one) => one.stage)]),
    ).toEqual([
      ["params", "stage_params", true, []],
      ["anneal", "stage_anneal", true, ["params"]],
      ["stage_all", "stage_all", true, ["stage_plot"]],
      ["stage_plot", "stage_plot", true, ["anneal"]],
    ]);
    expect(stages[0]!.doc).toBe("The parameters.");
  });

  it("are those of a program written for Pylightnix, redefined ones too", () => {
    const path = new URL("../../../../examples/pylightnix-manual/annealing.py", import.meta.url);
    const { stages, problems } = read(readFileSync(path, "utf8"));
    expect(problems).toEqual([]);
    expect(stages.map((stage) => [stage.name, stage.dependencies.map((one) => one.stage)])).toEqual([
      ["params", []],
      ["anneal", ["params"]],
      ["plot", ["anneal"]],
      ["stage_all", ["plot"]],
      ["stage_best", ["plot"]],
      ["ten", ["anneal"]],
    ]);
  });

  it("are none where the file does not import the language", () => {
    expect(read(text.replace("stageloom.derivations", "other")).stages).toEqual([]);
  });

  it("are functions that autostage makes stages of, too", () => {
    const program = `from stageloom.pylightnix import DRef, Registry, autostage, mkconfig, mkdrv, selfref

def stage_number(r: Registry) -> DRef:
    return mkdrv(mkconfig({"name": "number"}), None, None, r)

@autostage(name="shown", out=[selfref, "s.txt"])
def stage_shown(build, name, out, number):
    helper = "name='other'"

@autostage
def bare(build):
    pass

def stage_all(r: Registry) -> DRef:
    return stage_shown(r=r, number=stage_number(r))
`;
    const { stages } = read(program);
    expect(stages.map((one) => [one.name, one.function, one.dependencies.map((dep) => dep.stage)])).toEqual([
      ["number", "stage_number", []],
      ["shown", "stage_shown", ["number"]],
      ["bare", "bare", []],
      ["stage_all", "stage_all", ["shown"]],
    ]);
  });
});

describe("reactors, guessed", () => {
  const text = `from stageloom.pyplant import *

@SubreactorFunc
def shared(pipe):
    part = yield pipe.receive("part-1")
    return part

@ReactorFunc
def parts(pipe):
    """The parts."""
    for i in range(3):
        pipe.send(f"part-{i}", i)

@ReactorFunc
def whole(pipe, config):
    one = yield from shared(pipe)
    own = yield pipe.receive("own")
    pipe.send("own", one)
    pipe.send(name="whole", value=one + config.scale, type=Ingredient.Type.simple)

@ReactorFunc
def last(pipe):
    value = yield pipe.receive('whole')

def helper(pipe):
    yield pipe.receive("never")

if __name__ == "__main__":
    with Plant("plant") as plant:
        plant.run_reactor(last)
`;

  it("depend on who sends what they, or what they call, receive", () => {
    const { stages, problems } = read(text);
    expect(problems).toEqual([]);
    expect(
      stages.map((stage) => [stage.name, stage.language, stage.guessed, stage.dependencies.map((one) => one.stage)]),
    ).toEqual([
      ["parts", "reactor", true, []],
      ["whole", "reactor", true, ["parts"]],
      ["last", "reactor", true, ["whole"]],
    ]);
    expect(stages[0]!.doc).toBe("The parts.");
  });

  it("are none where the file does not import the language", () => {
    expect(read(text.replace("stageloom.pyplant", "pyplant")).stages).toEqual([]);
  });
});

describe("several languages in one file, as both readers guess", () => {
  it.each(table.mixed)("$title", (one) => {
    const reader = new SourceReader();
    const { stages, problems } = read(one.source.join("\n"), reader);
    const lines = reader.source!.lines;
    const first = new Map<string, Resolved["stages"][number]>();
    for (const stage of [...stages].sort((left, right) => Number(left.guessed) - Number(right.guessed)))
      if (!first.has(stage.name)) first.set(stage.name, stage);
    expect(
      [...first.values()]
        .sort((left, right) => left.at.from - right.at.from)
        .map((stage) => ({
          name: stage.name,
          function: stage.function,
          language: stage.language,
          line: lines.place(stage.at.from).line,
          dependencies: [...new Set(stage.dependencies.map((found) => found.stage))].sort(),
        })),
    ).toEqual(one.stages);
    expect(
      problems.map(({ code, at, stages: named }) => ({
        code,
        line: lines.place(at.from).line,
        stages: [...named].sort(),
      })),
    ).toEqual(one.problems);
  });
});
