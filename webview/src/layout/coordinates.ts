import type { Links } from "./links.js";

/** What a coordinate depends on: widths, and which items are dummies (from `nodes` on). */
export interface Items {
  readonly nodes: number;
  readonly width: Float64Array;
}

const NODE_GAP = 28;
const DUMMY_GAP = 16;

/** A link between two dummies is to be straight above all, then one that ends in a dummy. */
const priority = (items: Items, one: number, two: number): number =>
  one >= items.nodes ? (two >= items.nodes ? 40 : 2) : two >= items.nodes ? 2 : 1;

const separation = (items: Items, left: number, right: number): number =>
  ((items.width[left] ?? 0) + (items.width[right] ?? 0)) / 2 +
  (left < items.nodes && right < items.nodes ? NODE_GAP : DUMMY_GAP);

/**
 * The positions nearest to `wanted` (weighted least squares) that keep the order and the gaps: isotonic regression by
 * pooling neighbours that violate it.
 */
const placeInOrder = (
  items: Items,
  layer: readonly number[],
  wanted: Float64Array,
  weight: Float64Array,
  x: Float64Array,
): void => {
  const mean: number[] = [];
  const mass: number[] = [];
  const size: number[] = [];
  const offset = new Float64Array(layer.length);
  layer.forEach((item, index) => {
    const before = layer[index - 1];
    offset[index] = before === undefined ? 0 : (offset[index - 1] ?? 0) + separation(items, before, item);
    let value = (wanted[item] ?? 0) - (offset[index] ?? 0);
    let own = weight[item] ?? 1;
    let length = 1;
    while (mean.length > 0 && (mean.at(-1) ?? 0) >= value) {
      const other = mass.pop() ?? 0;
      value = (value * own + (mean.pop() ?? 0) * other) / (own + other);
      own += other;
      length += size.pop() ?? 0;
    }
    mean.push(value);
    mass.push(own);
    size.push(length);
  });
  let at = 0;
  mean.forEach((value, block) => {
    for (let left = size[block] ?? 0; left > 0; left--, at++) x[layer[at] ?? 0] = value + (offset[at] ?? 0);
  });
};

/** Which neighbours pull: those above, those below, or both. */
type Pull = "above" | "below" | "both";

const pull = (
  items: Items,
  links: Links,
  layer: readonly number[],
  by: Pull,
  x: Float64Array,
  wanted: Float64Array,
  weight: Float64Array,
): void => {
  for (const item of layer) {
    let total = 0;
    let mass = 0;
    if (by !== "below") {
      for (let at = links.aboveStart[item] ?? 0; at < (links.aboveStart[item + 1] ?? 0); at++) {
        const other = links.from[links.above[at] ?? 0] ?? 0;
        const strength = priority(items, item, other);
        total += strength * (x[other] ?? 0);
        mass += strength;
      }
    }
    if (by !== "above") {
      for (let at = links.belowStart[item] ?? 0; at < (links.belowStart[item + 1] ?? 0); at++) {
        const other = links.to[links.below[at] ?? 0] ?? 0;
        const strength = priority(items, item, other);
        total += strength * (x[other] ?? 0);
        mass += strength;
      }
    }
    wanted[item] = mass > 0 ? total / mass : (x[item] ?? 0);
    weight[item] = mass > 0 ? mass : 0.05;
  }
  placeInOrder(items, layer, wanted, weight, x);
};

/** The centre of each item, from 0: neighbours drawn together by priority, in sweeps down, up and over both sides. */
export const assignX = (items: Items, links: Links, layers: readonly (readonly number[])[]): Float64Array => {
  const x = new Float64Array(links.count);
  const wanted = new Float64Array(links.count);
  const weight = new Float64Array(links.count).fill(1);
  for (const layer of layers) {
    let at = 0;
    layer.forEach((item, index) => {
      const before = layer[index - 1];
      if (before !== undefined) at += separation(items, before, item);
      wanted[item] = at;
    });
    for (const item of layer) x[item] = (wanted[item] ?? 0) - at / 2;
  }
  const sweeps = links.count < 2000 ? 12 : 3;
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (const layer of layers) pull(items, links, layer, "above", x, wanted, weight);
    for (let at = layers.length - 1; at >= 0; at--) pull(items, links, layers[at] ?? [], "below", x, wanted, weight);
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (const layer of layers) pull(items, links, layer, "both", x, wanted, weight);
  }
  let least = Infinity;
  for (let item = 0; item < links.count; item++) least = Math.min(least, (x[item] ?? 0) - (items.width[item] ?? 0) / 2);
  for (let item = 0; item < links.count; item++) x[item] = (x[item] ?? 0) - least;
  return x;
};
