import type { Rect } from "./camera.js";

/** Finds boxes by place: each is listed in every square of a grid that it touches. */
export class SpatialIndex {
  readonly #cell: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #start: Int32Array;
  readonly #items: Int32Array;
  readonly #boxes: Float64Array;
  readonly #stamp: Int32Array;
  #turn = 0;

  /** `boxes` holds left, top, right, bottom of each. */
  constructor(boxes: Float64Array, width: number, height: number) {
    const count = boxes.length / 4;
    // about as many squares as boxes, within reason
    this.#cell = Math.max(
      64,
      Math.sqrt((Math.max(1, width) * Math.max(1, height)) / Math.max(1, Math.min(count, 20_000))),
    );
    this.#columns = Math.max(1, Math.ceil(width / this.#cell));
    this.#rows = Math.max(1, Math.ceil(height / this.#cell));
    this.#boxes = boxes;
    this.#stamp = new Int32Array(count);
    this.#start = new Int32Array(this.#columns * this.#rows + 1);
    for (let item = 0; item < count; item++) {
      this.#squares(item, (square) => (this.#start[square + 1] = (this.#start[square + 1] ?? 0) + 1));
    }
    for (let square = 0; square + 1 < this.#start.length; square++) {
      this.#start[square + 1] = (this.#start[square + 1] ?? 0) + (this.#start[square] ?? 0);
    }
    const next = this.#start.slice();
    this.#items = new Int32Array(this.#start.at(-1) ?? 0);
    for (let item = 0; item < count; item++) {
      this.#squares(item, (square) => {
        const at = next[square] ?? 0;
        this.#items[at] = item;
        next[square] = at + 1;
      });
    }
  }

  /** Calls `found` once for each box that touches `rect`. */
  query(rect: Rect, found: (item: number) => void): void {
    const turn = ++this.#turn;
    const [left, right] = this.#span(rect.left, rect.right, this.#columns);
    const [top, bottom] = this.#span(rect.top, rect.bottom, this.#rows);
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const square = row * this.#columns + column;
        for (let at = this.#start[square] ?? 0; at < (this.#start[square + 1] ?? 0); at++) {
          const item = this.#items[at] ?? 0;
          if (this.#stamp[item] === turn) continue;
          this.#stamp[item] = turn;
          if (this.#touches(item, rect)) found(item);
        }
      }
    }
  }

  #touches(item: number, rect: Rect): boolean {
    const at = item * 4;
    return (
      (this.#boxes[at] ?? 0) <= rect.right &&
      (this.#boxes[at + 2] ?? 0) >= rect.left &&
      (this.#boxes[at + 1] ?? 0) <= rect.bottom &&
      (this.#boxes[at + 3] ?? 0) >= rect.top
    );
  }

  #span(from: number, to: number, most: number): [number, number] {
    const clamp = (value: number): number => Math.min(most - 1, Math.max(0, Math.floor(value / this.#cell)));
    return [clamp(from), clamp(to)];
  }

  #squares(item: number, visit: (square: number) => void): void {
    const at = item * 4;
    const [left, right] = this.#span(this.#boxes[at] ?? 0, this.#boxes[at + 2] ?? 0, this.#columns);
    const [top, bottom] = this.#span(this.#boxes[at + 1] ?? 0, this.#boxes[at + 3] ?? 0, this.#rows);
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) visit(row * this.#columns + column);
    }
  }
}
