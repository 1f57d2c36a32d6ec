import type { Point } from "../contract.js";

/** One named value over the steps, in arrays that double when they are full. */
export class Series {
  readonly name: string;
  #x = new Float64Array(256);
  #y = new Float64Array(256);
  #length = 0;
  #low = Infinity;
  #high = -Infinity;

  constructor(name: string) {
    this.name = name;
  }

  get length(): number {
    return this.#length;
  }

  get low(): number {
    return this.#low;
  }

  get high(): number {
    return this.#high;
  }

  get last(): number {
    return this.#y[this.#length - 1] ?? Number.NaN;
  }

  push(x: number, y: number): void {
    if (this.#length === this.#x.length) {
      const [oldX, oldY] = [this.#x, this.#y];
      this.#x = new Float64Array(oldX.length * 2);
      this.#y = new Float64Array(oldY.length * 2);
      this.#x.set(oldX);
      this.#y.set(oldY);
    }
    this.#x[this.#length] = x;
    this.#y[this.#length] = y;
    this.#length++;
    this.#low = Math.min(this.#low, y);
    this.#high = Math.max(this.#high, y);
  }

  /**
   * At most about `room` points that draw the same line: of each group of neighbours the least and the greatest, in
   * order, so that a single spike is seen at any length. The first and the last point are always there.
   */
  drawn(room: number): { x: number; y: number }[] {
    const at = (index: number): { x: number; y: number } => ({ x: this.#x[index] ?? 0, y: this.#y[index] ?? 0 });
    if (this.#length <= room) return Array.from({ length: this.#length }, (_, index) => at(index));
    const size = Math.ceil(this.#length / Math.max(1, Math.floor(room / 2)));
    const points = [at(0)];
    for (let start = 0; start < this.#length; start += size) {
      const end = Math.min(this.#length, start + size);
      let low = start;
      let high = start;
      for (let index = start + 1; index < end; index++) {
        const value = this.#y[index] ?? 0;
        if (value < (this.#y[low] ?? 0)) low = index;
        if (value > (this.#y[high] ?? 0)) high = index;
      }
      points.push(at(Math.min(low, high)));
      if (low !== high) points.push(at(Math.max(low, high)));
    }
    points.push(at(this.#length - 1));
    return points;
  }
}

/** The values of points by name, in the order in which they first came. */
export class SeriesSet {
  readonly #byName = new Map<string, Series>();

  get all(): readonly Series[] {
    return [...this.#byName.values()];
  }

  take(points: readonly Point[]): void {
    for (const { step, values } of points) {
      for (const name of Object.keys(values)) {
        const value = values[name];
        if (value === undefined || !Number.isFinite(value)) continue;
        let series = this.#byName.get(name);
        if (series === undefined) this.#byName.set(name, (series = new Series(name)));
        series.push(step, value);
      }
    }
  }

  /** Which series get an axis of their own on the right: those of quite another size than the first. */
  onRight(): ReadonlySet<string> {
    const size = (series: Series): number => Math.max(Math.abs(series.low), Math.abs(series.high));
    const first = this.all[0];
    if (first === undefined) return new Set();
    const own = size(first);
    const other = this.all.filter((series) => {
      const ratio = size(series) / own;
      return size(series) > 0 && own > 0 && (ratio > 25 || ratio < 0.04);
    });
    return new Set(other.map((series) => series.name));
  }
}
