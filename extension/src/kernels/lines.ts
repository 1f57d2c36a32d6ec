/** Puts text that comes in pieces together to lines. A line that grows beyond `longest` is given out in parts. */
export class Lines {
  readonly #give: (line: string) => void;
  #open = "";

  constructor(give: (line: string) => void) {
    this.#give = give;
  }

  push(piece: string): void {
    const lines = (this.#open + piece).split(/\r?\n/);
    this.#open = lines.pop() ?? "";
    for (const line of lines) this.#give(line);
    if (this.#open.length > longest) {
      this.#give(this.#open);
      this.#open = "";
    }
  }
}

const longest = 16_384;
