import type { FunctionStage } from "./declarations.js";
import type { Stretch } from "./syntax.js";

interface Known {
  readonly from: number;
  readonly stage: FunctionStage | null;
}

/** Function stages by the statement that they are written as, so that a keystroke in a file of many reads one of them anew. */
export class KnownStages {
  #under = "";
  #last: ReadonlyMap<string, Known> = new Map();
  #now = new Map<string, Known>();

  /** Begins a reading of the file; `under` is what a statement's meaning depends on beside its own text. */
  begin(under: string): void {
    this.#last = under === this.#under ? this.#now : new Map();
    this.#under = under;
    this.#now = new Map();
  }

  /** The stage that a statement writes, null where it writes none: the one known, else the one that `read` finds. */
  of(statement: Stretch, text: string, read: () => FunctionStage | null): FunctionStage | null {
    const written = text.slice(statement.from, statement.to);
    const known = this.#now.get(written) ?? this.#last.get(written);
    const stage = known === undefined ? this.#apart(read()) : movedBy(known.stage, statement.from - known.from);
    // what the parser made of a damaged statement depends on what is around it
    if (stage?.damaged !== true) this.#now.set(written, { from: statement.from, stage });
    return stage;
  }

  /** Parts of a text keep the whole of it in memory: of a long series of texts, each for one stage's sake. */
  #apart(stage: FunctionStage | null): FunctionStage | null {
    return this.#last.size === 0 ? stage : structuredClone(stage);
  }
}

function movedBy(stage: FunctionStage | null, by: number): FunctionStage | null {
  if (stage === null || by === 0) return stage;
  const move = ({ from, to }: Stretch): Stretch => ({ from: from + by, to: to + by });
  return {
    is: "function",
    name: stage.name,
    at: move(stage.at),
    whole: move(stage.whole),
    damaged: stage.damaged,
    parameters: stage.parameters.map(({ name, at, text, out }) => ({ name, at: move(at), text, out })),
    doc: stage.doc,
    each: stage.each,
  };
}
