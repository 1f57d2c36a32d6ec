import { findCycles } from "./cycles.js";
import type { ImportedName, WrittenStage } from "./declarations.js";
import { mayBe } from "./reactors.js";
import type { Stretch } from "./syntax.js";

/** A parameter that stands for a stage: `role` is the parameter, `at` where the stage is named. */
export interface Dependency {
  readonly role: string;
  readonly stage: string;
  readonly at: Stretch;
}

export interface ConfiguredParameter {
  readonly name: string;
  readonly text: string;
  readonly at: Stretch;
  readonly is: "default" | "bind" | "input";
}

/** A stage as the source declares it. `guessed` says that only running the file could tell for sure. */
export interface StageDeclaration {
  readonly name: string;
  readonly function: string;
  readonly language: "function" | "derivation" | "reactor";
  readonly guessed: boolean;
  readonly at: Stretch;
  readonly whole: Stretch;
  readonly damaged: boolean;
  readonly dependencies: readonly Dependency[];
  readonly parameters: readonly ConfiguredParameter[];
  readonly doc: string;
  readonly base: string | null;
  /** The ingredients that others may receive from it, `*` standing for what only running tells. */
  readonly sends: readonly string[];
  /** Whether something that it needs is a stage of another language, so that only running tells for sure. */
  readonly crosses: boolean;
}

export interface SourceProblem {
  readonly code: "cycle" | "unknown-dependency" | "duplicate-stage";
  readonly message: string;
  readonly at: Stretch;
  readonly stages: readonly string[];
}

export interface Resolved {
  readonly stages: readonly StageDeclaration[];
  readonly problems: readonly SourceProblem[];
}

/** Stages that a file imports from other files of the project, by the name it gives them. */
export type Foreign = ReadonlyMap<string, StageDeclaration>;

/** Connect what a file's stages are written as: which parameter is a dependency, and what is wrong with the whole. */
export function resolve(
  written: readonly WrittenStage[],
  imports: readonly ImportedName[],
  foreign: Foreign,
  elsewhere: Elsewhere = () => [],
): Resolved {
  const resolver = new Resolver(written, imports, foreign, elsewhere);
  const stages = written.flatMap((stage) => resolver.stage(stage) ?? []);
  return { stages, problems: [...resolver.unknown, ...duplicates(stages), ...namesakes(stages), ...cycles(stages)] };
}

/** The stages of all files that a file imports, through others too: reactors of theirs belong to its pipeline. */
export type Elsewhere = () => readonly StageDeclaration[];

interface EffectiveParameter {
  readonly name: string;
  readonly at: Stretch;
  readonly text: string | null;
  readonly out: boolean;
  readonly bound: boolean;
  readonly stages: readonly string[];
}

class Resolver {
  readonly unknown: SourceProblem[] = [];
  readonly #byName = new Map<string, WrittenStage>();
  readonly #names: ReadonlySet<string>;
  readonly #excused: ReadonlySet<string>;
  readonly #starred: boolean;

  readonly #imported: Foreign;
  readonly #written: readonly WrittenStage[];
  readonly #elsewhere: Elsewhere;

  constructor(
    written: readonly WrittenStage[],
    imports: readonly ImportedName[],
    foreign: Foreign,
    elsewhere: Elsewhere,
  ) {
    this.#imported = foreign;
    this.#written = written;
    this.#elsewhere = elsewhere;
    for (const stage of written) if (!this.#byName.has(stage.name)) this.#byName.set(stage.name, stage);
    this.#names = new Set([...this.#byName.keys(), ...foreign.keys()]);
    this.#excused = new Set(imports.map((one) => one.local));
    this.#starred =
      imports.some((one) => one.name === "*" && !one.module.startsWith("stageloom")) ||
      written.some((one) => one.is === "derivation" && one.computed);
  }

  stage(written: WrittenStage): StageDeclaration | null {
    // written out, not spread: with a thousand stages this is most of what a keystroke costs
    if (written.is === "derivation" || written.is === "reactor")
      return {
        name: written.name,
        function: written.function,
        language: written.is,
        guessed: true,
        at: written.at,
        whole: written.whole,
        damaged: written.damaged,
        dependencies: [
          ...written.dependencies.map((stage) => ({ role: stage, stage, at: written.at })),
          ...written.wants.flatMap((role) =>
            this.#across(role, written.is).map((stage) => ({ role, stage, at: written.at })),
          ),
        ],
        parameters: [],
        doc: written.doc,
        base: null,
        sends: written.sends,
        crosses: false,
      };
    const effective = this.#effective(written, new Set());
    if (effective === null) return null;
    const root = this.#root(written);
    const dependencies: Dependency[] = [];
    const parameters: ConfiguredParameter[] = [];
    for (const one of effective) {
      if (one.out) continue;
      if (one.stages.length > 0)
        for (const stage of one.stages) dependencies.push({ role: one.name, stage, at: one.at });
      else if (one.text !== null) parameters.push(configured(one, one.text));
      else if (written.is === "function" && !written.each) this.#report(written, one);
    }
    return {
      name: written.name,
      function: root.function,
      language: "function",
      guessed: false,
      at: written.at,
      whole: written.whole,
      damaged: written.damaged,
      dependencies,
      parameters,
      doc: root.doc,
      base: written.is === "instance" ? written.base : null,
      sends: [],
      crosses: dependencies.some((one) => !this.#isFunction(one.stage)),
    };
  }

  /** The stages of other languages that a name means: by their name, their function, or an ingredient that they send. */
  #across(name: string, asking: StageDeclaration["language"]): readonly string[] {
    const own = this.#byName.get(name);
    if (own !== undefined && languageOf(own) !== asking) return [name];
    const imported = this.#imported.get(name);
    if (own === undefined && imported !== undefined && imported.language !== asking) return [imported.name];
    if (asking === "derivation") return [];
    const made = this.#written.filter((one) => one.is === "derivation" && one.function === name);
    if (made.length > 0 || asking === "reactor") return made.map((one) => one.name);
    const reactors = [...this.#written, ...this.#elsewhere()].flatMap((one) =>
      "sends" in one && one.sends.length > 0 ? [{ name: one.name, sends: one.sends }] : [],
    );
    if (reactors.some((one) => one.name === name)) return [name];
    const exact = reactors.filter(({ sends }) => sends.includes(name));
    const senders = exact.length > 0 ? exact : reactors.filter(({ sends }) => sends.some((sent) => mayBe(name, sent)));
    return [...new Set(senders.map((one) => one.name))];
  }

  #root(written: WrittenStage): { function: string; doc: string } {
    if (written.is === "function") return { function: written.name, doc: written.doc };
    const seen = new Set<WrittenStage>();
    let at: WrittenStage | undefined = written;
    while (at?.is === "instance" && !seen.has(at)) {
      seen.add(at);
      const foreign = this.#byName.has(at.base) ? undefined : this.#imported.get(at.base);
      if (foreign !== undefined) return { function: foreign.function, doc: foreign.doc };
      at = this.#byName.get(at.base);
    }
    return at?.is === "function" ? { function: at.name, doc: at.doc } : { function: written.name, doc: "" };
  }

  /** All parameters of a stage, with what `bind` puts in their place; null where its base turns out to be no stage. */
  #effective(written: WrittenStage, seen: Set<WrittenStage>): readonly EffectiveParameter[] | null {
    if (seen.has(written)) return null;
    seen.add(written);
    if (written.is === "derivation" || written.is === "reactor") return [];
    if (written.is === "function")
      return written.parameters.map(({ name, at, text, out }) => ({
        name,
        at,
        text,
        out,
        bound: false,
        stages: out ? [] : this.#standing(name, written.name, text),
      }));
    const base = this.#byName.get(written.base);
    const inherited = base === undefined ? this.#foreign(written.base) : this.#effective(base, seen);
    if (inherited === null) return null;
    const bound = new Map(written.bound.map((one) => [one.name, one]));
    return inherited.map((one) => {
      const argument = bound.get(one.name);
      if (argument === undefined) return one;
      const stages = argument.refers === null ? [] : this.#bound(argument.refers);
      return { name: one.name, at: argument.value, text: argument.text, out: false, bound: true, stages };
    });
  }

  #foreign(name: string): readonly EffectiveParameter[] | null {
    const found = this.#imported.get(name);
    if (found === undefined) return null;
    return [
      ...found.dependencies.map((one) => ({
        name: one.role,
        at: found.at,
        text: null,
        out: false,
        bound: false,
        stages: [one.stage],
      })),
      ...found.parameters.map((one) => ({
        name: one.name,
        at: found.at,
        text: one.text,
        out: false,
        bound: false,
        stages: [],
      })),
    ];
  }

  /** What a parameter stands for: a function stage whatever its default, a stage of another language if it has none. */
  #standing(parameter: string, own: string, text: string | null): readonly string[] {
    if (parameter === own ? text === null : this.#isFunction(parameter)) return [parameter];
    return text === null ? this.#across(parameter, "function") : [];
  }

  /** What a name stands for that a parameter is bound to: an ingredient is none. */
  #bound(name: string): readonly string[] {
    if (this.#isFunction(name)) return [name];
    const known =
      this.#names.has(name) || this.#written.some((one) => one.is === "derivation" && one.function === name);
    return known ? this.#across(name, "function") : [];
  }

  #isFunction(name: string): boolean {
    const own = this.#byName.get(name);
    return own === undefined ? this.#imported.get(name)?.language === "function" : languageOf(own) === "function";
  }

  *#otherNames(): Generator<string> {
    for (const one of this.#written) {
      if (one.is === "derivation" || one.is === "reactor") yield one.function;
      if ("sends" in one) yield* one.sends;
    }
  }

  #report(written: WrittenStage, parameter: EffectiveParameter): void {
    if (this.#starred || this.#excused.has(parameter.name)) return;
    const close = closest(
      parameter.name,
      [...this.#names, ...this.#otherNames()].filter((name) => name !== written.name),
    );
    const advice =
      close === null ? "Add a stage of that name, or give the parameter a default." : `Did you mean "${close}"?`;
    this.unknown.push({
      code: "unknown-dependency",
      message: `No stage is named "${parameter.name}", which "${written.name}" needs. ${advice}`,
      at: parameter.at,
      stages: [written.name],
    });
  }
}

function languageOf(written: WrittenStage): StageDeclaration["language"] {
  return written.is === "derivation" || written.is === "reactor" ? written.is : "function";
}

function configured(one: EffectiveParameter, text: string): ConfiguredParameter {
  const is = one.bound ? "bind" : /^(?:\w+\.)?(?:File|Dir|Env)\s*\(/.test(text) ? "input" : "default";
  return { name: one.name, text, at: one.at, is };
}

function duplicates(stages: readonly StageDeclaration[]): SourceProblem[] {
  const seen = new Set<string>();
  return stages.flatMap((stage) => {
    const key = `${stage.language} ${stage.name}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const message = `Another stage of this file is named "${stage.name}" too. Rename one of them.`;
    return stage.guessed ? [] : [{ code: "duplicate-stage" as const, message, at: stage.at, stages: [stage.name] }];
  });
}

const A = { function: "a function stage", derivation: "a derivation", reactor: "a reactor" };

/** Stages of two languages that have one name: told at both. */
function namesakes(stages: readonly StageDeclaration[]): SourceProblem[] {
  const first = new Map<string, StageDeclaration>();
  return stages.flatMap((stage) => {
    const other = first.get(stage.name);
    if (other === undefined) first.set(stage.name, stage);
    if (other === undefined || other.language === stage.language) return [];
    const told = (at: StageDeclaration, its: StageDeclaration): SourceProblem => ({
      code: "duplicate-stage",
      message: `"${stage.name}" is ${A[its.language]} of this file too. Rename one of them.`,
      at: at.at,
      stages: [stage.name],
    });
    return [told(other, stage), told(stage, other)];
  });
}

function cycles(stages: readonly StageDeclaration[]): SourceProblem[] {
  const edges = new Map<string, readonly string[]>();
  for (const stage of stages)
    if (!edges.has(stage.name))
      edges.set(
        stage.name,
        stage.dependencies.map((one) => one.stage),
      );
  return findCycles(edges).flatMap(({ members, ring }) => {
    const inside = stages.filter((stage) => members.includes(stage.name));
    const first = inside.find((stage) => !stage.guessed);
    if (first === undefined) return [];
    const [start, ...rest] = ring;
    const needs =
      rest.length === 0 ? "itself" : [...rest, start].map((name) => `"${String(name)}"`).join(", which needs ");
    const message = `Stages need each other in a ring: "${String(start)}" needs ${needs}. Take one of these parameters away.`;
    return [{ code: "cycle" as const, message, at: first.at, stages: members }];
  });
}

/** The name nearest to `name` in spelling, or null where none is near. */
export function closest(name: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const away = editDistance(name, candidate);
    if (away < least && away < name.length) {
      least = away;
      best = candidate;
    }
  }
  return best;
}

/** Letters put in, left out, changed, or swapped with their neighbour (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let older: readonly number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      const plain = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      next.push(swapped ? Math.min(plain, (older[j - 2] ?? 0) + 1) : plain);
    }
    older = row;
    row = next;
  }
  return row[right.length] ?? 0;
}
