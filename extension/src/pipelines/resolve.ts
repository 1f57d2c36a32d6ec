import { findCycles } from "./cycles.js";
import type { ImportedName, WrittenStage } from "./declarations.js";
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
): Resolved {
  const resolver = new Resolver(written, imports, foreign);
  const stages = written.flatMap((stage) => resolver.stage(stage) ?? []);
  return { stages, problems: [...resolver.unknown, ...duplicates(stages), ...cycles(stages)] };
}

interface EffectiveParameter {
  readonly name: string;
  readonly at: Stretch;
  readonly text: string | null;
  readonly out: boolean;
  readonly bound: boolean;
  readonly stage: string | null;
}

class Resolver {
  readonly unknown: SourceProblem[] = [];
  readonly #byName = new Map<string, WrittenStage>();
  readonly #names: ReadonlySet<string>;
  readonly #excused: ReadonlySet<string>;
  readonly #starred: boolean;

  readonly #imported: Foreign;

  constructor(written: readonly WrittenStage[], imports: readonly ImportedName[], foreign: Foreign) {
    this.#imported = foreign;
    for (const stage of written) if (!this.#byName.has(stage.name)) this.#byName.set(stage.name, stage);
    this.#names = new Set([...this.#byName.keys(), ...foreign.keys()]);
    this.#excused = new Set(imports.map((one) => one.local));
    this.#starred = imports.some((one) => one.name === "*" && !one.module.startsWith("stageloom"));
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
        dependencies: written.dependencies.map((stage) => ({ role: stage, stage, at: written.at })),
        parameters: [],
        doc: written.doc,
        base: null,
      };
    const effective = this.#effective(written, new Set());
    if (effective === null) return null;
    const root = this.#root(written);
    const dependencies: Dependency[] = [];
    const parameters: ConfiguredParameter[] = [];
    for (const one of effective) {
      if (one.out) continue;
      if (one.stage !== null) dependencies.push({ role: one.name, stage: one.stage, at: one.at });
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
    };
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
        stage: !out && this.#stands(name, written.name, text) ? name : null,
      }));
    const base = this.#byName.get(written.base);
    const inherited = base === undefined ? this.#foreign(written.base) : this.#effective(base, seen);
    if (inherited === null) return null;
    const bound = new Map(written.bound.map((one) => [one.name, one]));
    return inherited.map((one) => {
      const argument = bound.get(one.name);
      if (argument === undefined) return one;
      const stage = argument.refers !== null && this.#names.has(argument.refers) ? argument.refers : null;
      return { name: one.name, at: argument.value, text: argument.text, out: false, bound: true, stage };
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
        stage: one.stage,
      })),
      ...found.parameters.map((one) => ({
        name: one.name,
        at: found.at,
        text: one.text,
        out: false,
        bound: false,
        stage: null,
      })),
    ];
  }

  #stands(parameter: string, own: string, text: string | null): boolean {
    return parameter === own ? text === null : this.#names.has(parameter);
  }

  #report(written: WrittenStage, parameter: EffectiveParameter): void {
    if (this.#starred || this.#excused.has(parameter.name)) return;
    const close = closest(
      parameter.name,
      [...this.#names].filter((name) => name !== written.name),
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

function configured(one: EffectiveParameter, text: string): ConfiguredParameter {
  const is = one.bound ? "bind" : /^(?:\w+\.)?(?:File|Dir|Env)\s*\(/.test(text) ? "input" : "default";
  return { name: one.name, text, at: one.at, is };
}

function duplicates(stages: readonly StageDeclaration[]): SourceProblem[] {
  const seen = new Set<string>();
  return stages.flatMap((stage) => {
    if (!seen.has(stage.name)) {
      seen.add(stage.name);
      return [];
    }
    const message = `Another stage of this file is named "${stage.name}" too. Rename one of them.`;
    return stage.guessed ? [] : [{ code: "duplicate-stage" as const, message, at: stage.at, stages: [stage.name] }];
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
    const first = stages.find((stage) => stage.name === members[0]);
    if (first === undefined || first.guessed) return [];
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
