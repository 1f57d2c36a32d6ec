/**
 * A sequence that only grows, as an immutable value: appending shares the items it already has, so that a log of
 * 100,000 lines is not copied for each new one.
 */
export class Growing<T> {
  readonly length: number;
  readonly #items: T[];

  private constructor(items: T[], length: number) {
    this.#items = items;
    this.length = length;
  }

  static of<T>(items: readonly T[]): Growing<T> {
    return new Growing([...items], items.length);
  }

  append(items: readonly T[]): Growing<T> {
    // two appends to the same value must not see each other: the second takes a copy
    const own = this.#items.length === this.length ? this.#items : this.#items.slice(0, this.length);
    for (const item of items) own.push(item);
    return new Growing(own, own.length);
  }

  /** The items from `start` on. */
  from(start: number): T[] {
    return this.#items.slice(start, this.length);
  }

  at(index: number): T | undefined {
    const from = index < 0 ? this.length + index : index;
    return from < this.length ? this.#items[from] : undefined;
  }
}
