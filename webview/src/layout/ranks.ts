import { makeLinks, type Links } from "./links.js";

/** A graph without cycles, and which of its links were turned round to make it so. */
export interface Acyclic {
  readonly links: Links;
  readonly turned: Uint8Array;
}

/** Turns the links that close a cycle, found by a depth-first walk in the order of the items. */
export const withoutCycles = (count: number, from: Int32Array, to: Int32Array): Acyclic => {
  const links = makeLinks(count, from, to);
  const turned = new Uint8Array(from.length);
  const state = new Uint8Array(count);
  const next = links.belowStart.slice();
  const stack: number[] = [];
  for (let root = 0; root < count; root++) {
    if (state[root] !== 0) continue;
    stack.push(root);
    state[root] = 1;
    while (stack.length > 0) {
      const item = stack.at(-1) ?? 0;
      const at = next[item] ?? 0;
      if (at >= (links.belowStart[item + 1] ?? 0)) {
        state[item] = 2;
        stack.pop();
        continue;
      }
      next[item] = at + 1;
      const link = links.below[at] ?? 0;
      const target = to[link] ?? 0;
      if (state[target] === 1) turned[link] = 1;
      else if (state[target] === 0) {
        state[target] = 1;
        stack.push(target);
      }
    }
  }
  if (!turned.includes(1)) return { links, turned };
  const start = from.map((end, link) => (turned[link] === 1 ? (to[link] ?? 0) : end));
  const end = to.map((other, link) => (turned[link] === 1 ? (from[link] ?? 0) : other));
  return { links: makeLinks(count, start, end), turned };
};

/**
 * The layer of each item: its longest path from a source; then, from the bottom up, an item with more links below
 * than above moves down to its nearest successor, so that fewer links cross several layers.
 */
export const rank = ({ count, to, belowStart, below, aboveStart }: Links): Int32Array => {
  const ranks = new Int32Array(count);
  const missing = new Int32Array(count);
  const order: number[] = [];
  for (let i = 0; i < count; i++) {
    missing[i] = (aboveStart[i + 1] ?? 0) - (aboveStart[i] ?? 0);
    if (missing[i] === 0) order.push(i);
  }
  for (const item of order) {
    for (let at = belowStart[item] ?? 0; at < (belowStart[item + 1] ?? 0); at++) {
      const target = to[below[at] ?? 0] ?? 0;
      ranks[target] = Math.max(ranks[target] ?? 0, (ranks[item] ?? 0) + 1);
      missing[target] = (missing[target] ?? 0) - 1;
      if (missing[target] === 0) order.push(target);
    }
  }
  for (const item of order.reverse()) {
    const start = belowStart[item] ?? 0;
    const end = belowStart[item + 1] ?? 0;
    if (end - start <= (aboveStart[item + 1] ?? 0) - (aboveStart[item] ?? 0)) continue;
    let nearest = Infinity;
    for (let at = start; at < end; at++) nearest = Math.min(nearest, ranks[to[below[at] ?? 0] ?? 0] ?? 0);
    if (Number.isFinite(nearest)) ranks[item] = nearest - 1;
  }
  return ranks;
};
