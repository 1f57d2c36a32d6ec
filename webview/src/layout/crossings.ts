import type { Links } from "./links.js";

/** The items of each layer, from left to right. */
export type Layers = readonly (readonly number[])[];

/** Counts pairs of links between two neighbouring layers that cross, by inversions in a Fenwick tree. */
const between = (
  links: Links,
  upper: readonly number[],
  width: number,
  position: Int32Array,
  tree: Int32Array,
): number => {
  tree.fill(0, 0, width + 1);
  let crossings = 0;
  let seen = 0;
  const targets: number[] = [];
  for (const item of upper) {
    targets.length = 0;
    for (let at = links.belowStart[item] ?? 0; at < (links.belowStart[item + 1] ?? 0); at++) {
      targets.push(position[links.to[links.below[at] ?? 0] ?? 0] ?? 0);
    }
    for (const target of targets) {
      let before = 0;
      for (let i = target + 1; i > 0; i -= i & -i) before += tree[i] ?? 0;
      crossings += seen - before;
    }
    for (const target of targets) {
      for (let i = target + 1; i <= width; i += i & -i) tree[i] = (tree[i] ?? 0) + 1;
      seen++;
    }
  }
  return crossings;
};

/** Counts the crossings of links between neighbouring layers. */
export const countCrossings = (links: Links, layers: Layers, position: Int32Array): number => {
  const widest = layers.reduce((most, layer) => Math.max(most, layer.length), 0);
  const tree = new Int32Array(widest + 1);
  let crossings = 0;
  layers.forEach((layer, index) => {
    const width = layers[index + 1]?.length ?? 0;
    if (width > 0) crossings += between(links, layer, width, position, tree);
  });
  return crossings;
};

/** Writes each item's index in its layer into `position`. */
export const setPositions = (layers: Layers, position: Int32Array): void => {
  for (const layer of layers) layer.forEach((item, index) => (position[item] = index));
};

/** A first order: items as a depth-first walk from the sources meets them, so that what belongs together starts so. */
export const firstOrder = (links: Links, layer: Int32Array): number[][] => {
  const depth = layer.reduce((most, value) => Math.max(most, value), -1) + 1;
  const layers: number[][] = Array.from({ length: depth }, () => []);
  const seen = new Uint8Array(links.count);
  const stack: number[] = [];
  for (let root = 0; root < links.count; root++) {
    if (links.aboveStart[root] !== links.aboveStart[root + 1]) continue;
    stack.push(root);
    while (stack.length > 0) {
      const item = stack.pop() ?? 0;
      if (seen[item] === 1) continue;
      seen[item] = 1;
      layers[layer[item] ?? 0]?.push(item);
      for (let at = (links.belowStart[item + 1] ?? 0) - 1; at >= (links.belowStart[item] ?? 0); at--) {
        stack.push(links.to[links.below[at] ?? 0] ?? 0);
      }
    }
  }
  return layers;
};

/** Sorts one layer by the mean position of its neighbours on one side; items without any stay where they are. */
const sortLayer = (
  items: number[],
  ends: Int32Array,
  start: Int32Array,
  group: Int32Array,
  position: Int32Array,
  key: Float64Array,
): void => {
  for (const item of items) {
    const first = start[item] ?? 0;
    const last = start[item + 1] ?? 0;
    let total = 0;
    for (let at = first; at < last; at++) total += position[ends[group[at] ?? 0] ?? 0] ?? 0;
    key[item] = last > first ? total / (last - first) : (position[item] ?? 0);
  }
  items.sort((a, b) => (key[a] ?? 0) - (key[b] ?? 0) || (position[a] ?? 0) - (position[b] ?? 0));
  items.forEach((item, index) => (position[item] = index));
};

/**
 * Swaps neighbours within a layer as long as that removes crossings. Where it is `loose`, those whose swap changes
 * nothing change places at first, too: that leads out of orders that no single swap makes better.
 */
const swapNeighbours = (
  links: Links,
  layers: number[][],
  position: Int32Array,
  rounds: number,
  loose: boolean,
): void => {
  const inversions = (left: number, right: number, ends: Int32Array, start: Int32Array, group: Int32Array): number => {
    let crossings = 0;
    for (let a = start[left] ?? 0; a < (start[left + 1] ?? 0); a++) {
      for (let b = start[right] ?? 0; b < (start[right + 1] ?? 0); b++) {
        const one = position[ends[group[a] ?? 0] ?? 0] ?? 0;
        const two = position[ends[group[b] ?? 0] ?? 0] ?? 0;
        if (one > two) crossings++;
        else if (one < two) crossings--;
      }
    }
    return crossings;
  };
  for (let round = 0; round < rounds; round++) {
    let swapped = false;
    for (const layer of layers) {
      for (let i = 0; i + 1 < layer.length; i++) {
        const left = layer[i] ?? 0;
        const right = layer[i + 1] ?? 0;
        const gain =
          inversions(left, right, links.to, links.belowStart, links.below) +
          inversions(left, right, links.from, links.aboveStart, links.above);
        if (gain < 0 || (gain === 0 && !(loose && round < 3))) continue;
        layer[i] = right;
        layer[i + 1] = left;
        position[right] = i;
        position[left] = i + 1;
        swapped = true;
      }
    }
    if (!swapped) return;
  }
};

/** A graph with more items than this, bends of long edges among them, is ordered in a few plain sweeps. */
const DETAILED = 20_000;

/**
 * Orders each layer so that few links cross: sweeps down and up by barycentre (Sugiyama, Tagawa and Toda 1981), swaps of
 * neighbours after each (Gansner, Koutsofios, North and Vo 1993), the best order kept.
 */
export const reduceCrossings = (links: Links, layer: Int32Array): { layers: number[][]; crossings: number } => {
  const layers = firstOrder(links, layer);
  const position = new Int32Array(links.count);
  const key = new Float64Array(links.count);
  setPositions(layers, position);
  let best = layers.map((items) => items.slice());
  let fewest = countCrossings(links, layers, position);
  const sweeps = links.count < DETAILED ? 100 : 8;
  let idle = 0;
  const keep = (): void => {
    const crossings = countCrossings(links, layers, position);
    if (crossings >= fewest) idle++;
    else {
      fewest = crossings;
      best = layers.map((items) => items.slice());
      idle = 0;
    }
  };
  for (let sweep = 0; sweep < sweeps && fewest > 0 && idle < 12; sweep++) {
    if (sweep % 2 === 0) {
      for (const items of layers) sortLayer(items, links.from, links.aboveStart, links.above, position, key);
    } else {
      for (let at = layers.length - 1; at >= 0; at--) {
        sortLayer(layers[at] ?? [], links.to, links.belowStart, links.below, position, key);
      }
    }
    if (links.count < DETAILED) swapNeighbours(links, layers, position, 8, sweep % 4 < 2);
    keep();
  }
  return { layers: best, crossings: fewest };
};
