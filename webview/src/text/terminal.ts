import { AnsiReader, type Control } from "./ansi.js";
import { plainStyle, restyle, sameStyle, type Style } from "./style.js";

/** A stretch of one style. */
export interface Run {
  readonly text: string;
  readonly style: Style;
}

/** One line of the screen; replaced, never changed, when something is written to it. */
export interface Line {
  readonly runs: readonly Run[];
  readonly length: number;
}

const emptyLine: Line = { runs: [], length: 0 };

/** The last column that can be moved to, but for those that a line has already: what is skipped is filled with blanks. */
const WIDEST = 4096;

/** The part of `runs` from column `start` to `end`. */
const cut = (runs: readonly Run[], start: number, end: number): Run[] => {
  const result: Run[] = [];
  let at = 0;
  for (const run of runs) {
    const text = run.text.slice(Math.max(0, start - at), Math.max(0, end - at));
    if (text !== "") result.push(text.length === run.text.length ? run : { text, style: run.style });
    at += run.text.length;
    if (at >= end) break;
  }
  return result;
};

const joined = (runs: readonly Run[]): Run[] => {
  const result: Run[] = [];
  for (const run of runs) {
    const last = result.at(-1);
    if (last !== undefined && sameStyle(last.style, run.style))
      result[result.length - 1] = { text: last.text + run.text, style: run.style };
    else result.push(run);
  }
  return result;
};

/** `line` with `text` written over it from `column`. */
const written = (line: Line, column: number, text: string, style: Style): Line => {
  const gap = column > line.length ? [{ text: " ".repeat(column - line.length), style: plainStyle }] : [];
  const end = column + text.length;
  const runs = joined([...cut(line.runs, 0, column), ...gap, { text, style }, ...cut(line.runs, end, Infinity)]);
  return { runs, length: Math.max(line.length, end) };
};

const erased = (line: Line, from: number, to: number): Line => {
  if (to >= line.length) return { runs: cut(line.runs, 0, from), length: Math.min(line.length, from) };
  return written(line, from, " ".repeat(to - from), plainStyle);
};

/**
 * What a terminal shows of a log: carriage returns and backspaces write over, escape sequences colour, erase and move,
 * so that progress bars, several at once too, look as they do in a terminal. Lines beyond `most` go at the top.
 */
export class Terminal {
  #lines: Line[] = [emptyLine];
  #dropped = 0;
  #row = 0;
  #column = 0;
  #style = plainStyle;
  readonly #reader = new AnsiReader();
  readonly #most: number;

  constructor(most = 100_000) {
    this.#most = most;
  }

  /** Lines to show: an empty last one is where the cursor waits. */
  get count(): number {
    return this.#lines.length - (this.#lines.at(-1)?.length === 0 ? 1 : 0);
  }

  /** Lines that went at the top. */
  get dropped(): number {
    return this.#dropped;
  }

  line(index: number): Line {
    return this.#lines[index] ?? emptyLine;
  }

  write(text: string): void {
    for (const control of this.#reader.read(text)) this.#take(control);
    const surplus = this.#lines.length - this.#most;
    // in larger steps, since taking from the front moves all the others
    if (surplus > this.#most / 10) {
      this.#lines.splice(0, surplus);
      this.#dropped += surplus;
      this.#row = Math.max(0, this.#row - surplus);
    }
  }

  /** The text without styles. */
  text(): string {
    return this.#lines.map((line) => line.runs.map((run) => run.text).join("")).join("\n");
  }

  #take(control: Control): void {
    const line = this.#lines[this.#row] ?? emptyLine;
    switch (control.is) {
      case "text":
        this.#lines[this.#row] = written(line, this.#column, control.text, this.#style);
        this.#column += control.text.length;
        break;
      case "newline":
        this.#to(this.#row + 1);
        this.#column = 0;
        break;
      case "return":
        this.#column = 0;
        break;
      case "back":
        this.#column = Math.max(0, this.#column - 1);
        break;
      case "tab":
        this.#column = this.#within((Math.floor(this.#column / 8) + 1) * 8);
        break;
      case "style":
        this.#style = restyle(this.#style, control.codes);
        break;
      case "move":
        this.#to(Math.max(0, this.#row + control.rows));
        this.#column = this.#within(control.column ?? Math.max(0, this.#column + control.columns));
        break;
      case "erase-line": {
        const from = control.what === "to-end" ? this.#column : 0;
        this.#lines[this.#row] = erased(line, from, control.what === "to-start" ? this.#column + 1 : Infinity);
        break;
      }
      case "erase-below":
        this.#lines[this.#row] = erased(line, this.#column, Infinity);
        this.#lines.length = this.#row + 1;
        break;
    }
  }

  #within(column: number): number {
    return Math.min(column, Math.max(WIDEST, this.#lines[this.#row]?.length ?? 0));
  }

  #to(row: number): void {
    this.#row = Math.min(row, this.#lines.length);
    if (this.#row === this.#lines.length) this.#lines.push(emptyLine);
  }
}
