import type { Order } from "../state/order.js";

/** Who stands above and below each stage of an order, by index. */
export class Kin {
  readonly above: readonly (readonly number[])[];
  readonly below: readonly (readonly number[])[];

  constructor({ names, edges }: Order) {
    const above: number[][] = names.map(() => []);
    const below: number[][] = names.map(() => []);
    for (const [from, to] of edges) {
      above[to]?.push(from);
      below[from]?.push(to);
    }
    this.above = above;
    this.below = below;
  }

  /** The stage itself with all that it is made from and all that is made from it. */
  family(stage: number): Set<number> {
    const reached = (first: number, next: readonly (readonly number[])[]): Set<number> => {
      const found = new Set([first]);
      for (const one of found) for (const other of next[one] ?? []) found.add(other);
      return found;
    };
    return new Set([...reached(stage, this.above), ...reached(stage, this.below)]);
  }
}
