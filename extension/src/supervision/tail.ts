/** Keeps the end of a text that arrives in pieces, at most `limit` characters. */
export class Tail {
  readonly #limit: number;
  readonly #pieces: string[] = [];
  #length = 0;
  #cut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(piece: string): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    while (this.#length > this.#limit) this.#shorten();
  }

  /** What was kept; begins at a whole line where something was left off. */
  text(): string {
    const kept = this.#pieces.join("");
    if (!this.#cut) return kept;
    const line = kept.indexOf("\n");
    return line < 0 ? kept : kept.slice(line + 1);
  }

  #shorten(): void {
    const first = this.#pieces.shift();
    if (first === undefined) return;
    const excess = this.#length - this.#limit;
    this.#cut = true;
    if (first.length <= excess) {
      this.#length -= first.length;
    } else {
      this.#pieces.unshift(first.slice(excess));
      this.#length -= excess;
    }
  }
}
