/** What a stretch of a log asks the terminal to do. */
export type Control =
  | { is: "text"; text: string }
  | { is: "newline" }
  | { is: "return" }
  | { is: "back" }
  | { is: "tab" }
  | { is: "style"; codes: readonly number[] }
  | { is: "move"; rows: number; columns: number; column?: number }
  | { is: "erase-line"; what: "to-end" | "to-start" | "all" }
  | { is: "erase-below" };

// one alternative a kind, in this order: CSI, OSC (ended by BEL or ST), other escapes, single controls, text
const pattern =
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-OQ-WYZ\\^_`a-z{|}~]|([\x00-\x08\x0a-\x1f\x7f\x09])|([^\x00-\x1f\x7f]+)/gy;

const numbers = (parameters: string): number[] =>
  parameters.split(/[;:]/).map((text) => Number.parseInt(text, 10) || 0);

const sequence = (parameters: string, final: string): Control | null => {
  const codes = numbers(parameters);
  const first = codes[0] ?? 0;
  const times = Math.max(1, first);
  switch (final) {
    case "m":
      return { is: "style", codes };
    case "A":
      return { is: "move", rows: -times, columns: 0 };
    case "B":
      return { is: "move", rows: times, columns: 0 };
    case "C":
      return { is: "move", rows: 0, columns: times };
    case "D":
      return { is: "move", rows: 0, columns: -times };
    case "E":
      return { is: "move", rows: times, columns: 0, column: 0 };
    case "F":
      return { is: "move", rows: -times, columns: 0, column: 0 };
    case "G":
      return { is: "move", rows: 0, columns: 0, column: times - 1 };
    case "J":
      return first === 0 ? { is: "erase-below" } : null;
    case "K":
      return { is: "erase-line", what: first === 0 ? "to-end" : first === 1 ? "to-start" : "all" };
    default:
      return null;
  }
};

const single = (character: string): Control | null => {
  switch (character) {
    case "\n":
      return { is: "newline" };
    case "\r":
      return { is: "return" };
    case "\b":
      return { is: "back" };
    case "\t":
      return { is: "tab" };
    default:
      return null;
  }
};

/** The longest unfinished escape sequence that is waited for. */
const PATIENCE = 256;

/** Reads pieces of a log; a sequence that is cut between two pieces waits for its rest. */
export class AnsiReader {
  #rest = "";

  read(piece: string): Control[] {
    const text = this.#rest + piece;
    this.#rest = "";
    const controls: Control[] = [];
    pattern.lastIndex = 0;
    let at = 0;
    while (at < text.length) {
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      // nothing fits but a lone escape: either its rest is still to come, or it is noise
      if (found === null || (found[0] === "\u001b" && text.length - at < PATIENCE)) {
        if (text.length - at < PATIENCE) {
          this.#rest = text.slice(at);
          return controls;
        }
        at++;
        continue;
      }
      at = pattern.lastIndex;
      const [, parameters, final, character, plain] = found;
      const control =
        plain !== undefined
          ? ({ is: "text", text: plain } as const)
          : character !== undefined
            ? single(character)
            : final !== undefined
              ? sequence(parameters ?? "", final)
              : null;
      if (control !== null) controls.push(control);
    }
    return controls;
  }
}
