import { TreeFragment, type SyntaxNode, type Tree } from "@lezer/common";
import { parser } from "@lezer/python";

import { readFunctions, readImports, type ImportedName, type WrittenStage } from "./declarations.js";
import { guessDerivations, writesDerivations } from "./derivations.js";
import { KnownStages } from "./known-stages.js";
import { guessReactors, writesReactors } from "./reactors.js";
import { Lines, hasError, type Stretch } from "./syntax.js";

/** What a file's text says, without looking at any other file. `broken` says that Python could not read it as it is. */
export interface Source {
  readonly text: string;
  readonly tree: Tree;
  readonly lines: Lines;
  readonly imports: readonly ImportedName[];
  readonly written: readonly WrittenStage[];
  readonly broken: boolean;
}

/** Whether a text can hold stages at all; cheap enough to ask of every file. */
export function mentionsStages(text: string): boolean {
  return text.includes("stageloom");
}

/**
 * Follows one file's text, keystroke by keystroke. While the text has a syntax error, the stages of the last text
 * without one stay where the edits have moved them.
 */
export class SourceReader {
  #source: Source | null = null;
  #fragments: readonly TreeFragment[] = [];
  readonly #stages = new KnownStages();

  get source(): Source | null {
    return this.#source;
  }

  read(text: string): Source {
    const before = this.#source;
    if (before?.text === text) return before;
    const edit = before === null ? null : difference(before.text, text);
    const kept = edit === null ? [] : TreeFragment.applyChanges(this.#fragments, [edit]);
    const tree = parser.parse(text, kept);
    this.#fragments = TreeFragment.addTree(tree, kept);
    const now = readTree(text, tree, this.#stages);
    this.#source = edit === null || before === null || !now.broken ? now : keepStages(before, now, edit);
    return this.#source;
  }
}

function readTree(text: string, tree: Tree, stages: KnownStages): Source {
  const script: SyntaxNode = tree.topNode;
  const imports = readImports(script, text);
  const written = [
    ...readFunctions(script, imports, text, stages),
    ...(writesDerivations(imports) ? guessDerivations(script, text) : []),
    ...(writesReactors(imports) ? guessReactors(script, text) : []),
  ].sort((left, right) => left.at.from - right.at.from);
  return { text, tree, lines: new Lines(text), imports, written, broken: hasError(script) };
}

interface Edit {
  readonly fromA: number;
  readonly toA: number;
  readonly fromB: number;
  readonly toB: number;
}

/** The one stretch in which two texts differ. */
function difference(before: string, after: string): Edit {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before.charCodeAt(head) === after.charCodeAt(head)) head += 1;
  let tail = 0;
  while (
    tail < most - head &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  )
    tail += 1;
  return { fromA: head, toA: before.length - tail, fromB: head, toB: after.length - tail };
}

/** The stages of a damaged text: those the parser still reads whole, and those of before that it lost. */
function keepStages(before: Source, now: Source, edit: Edit): Source {
  const whole = new Map(now.written.filter((stage) => !stage.damaged).map((stage) => [stage.name, stage]));
  const kept = before.written.flatMap((stage) => {
    if (whole.has(stage.name)) return [];
    const moved = shift(stage, edit);
    return moved === null ? [] : [moved];
  });
  const taken = new Set([...whole.keys(), ...kept.map((stage) => stage.name)]);
  const fresh = now.written.filter((stage) => whole.get(stage.name) === stage || !taken.has(stage.name));
  const written = [...fresh, ...kept].sort((left, right) => left.at.from - right.at.from);
  const imports = now.imports.length < before.imports.length ? before.imports : now.imports;
  return { ...now, written, imports };
}

/** A stage where an edit has moved it; null where the edit took its name away. */
function shift(stage: WrittenStage, edit: Edit): WrittenStage | null {
  if (edit.fromA <= stage.at.from && edit.toA >= stage.at.to) return null;
  const move = (at: Stretch): Stretch => ({ from: moved(at.from, edit, "start"), to: moved(at.to, edit, "end") });
  const common = { at: move(stage.at), whole: move(stage.whole) };
  switch (stage.is) {
    case "function":
      return { ...stage, ...common, parameters: stage.parameters.map((one) => ({ ...one, at: move(one.at) })) };
    case "instance":
      return {
        ...stage,
        ...common,
        baseAt: move(stage.baseAt),
        bound: stage.bound.map((one) => ({ ...one, at: move(one.at), value: move(one.value) })),
      };
    case "derivation":
    case "reactor":
      return { ...stage, ...common };
  }
}

function moved(offset: number, edit: Edit, side: "start" | "end"): number {
  if (offset < edit.fromA || (side === "end" && offset === edit.fromA && edit.toA > edit.fromA)) return offset;
  if (offset >= edit.toA) return offset + edit.toB - edit.toA;
  return side === "start" ? edit.fromB : edit.toB;
}
