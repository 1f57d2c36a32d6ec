import type { Links } from "./links.js";

/** Items of a layered graph: the nodes first, then the dummies that long edges pass through. */
export interface Layered {
  readonly count: number;
  readonly nodes: number;
  readonly layer: Int32Array;
  /** Links between neighbouring layers alone. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** For each edge the link that arrives at its target, or -1 for one drawn straight. */
  readonly lastLink: Int32Array;
}

const spanOf = (links: Links, ranks: Int32Array, link: number): number =>
  (ranks[links.to[link] ?? 0] ?? 0) - (ranks[links.from[link] ?? 0] ?? 0);

/** How many layers below each node its trunk must reach so that edges of at most `longest` layers hang on it. */
const reaches = (links: Links, ranks: Int32Array, longest: number): Int32Array => {
  const reach = new Int32Array(links.count);
  for (let link = 0; link < links.from.length; link++) {
    const span = spanOf(links, ranks, link);
    const source = links.from[link] ?? 0;
    if (span <= longest) reach[source] = Math.max(reach[source] ?? 0, span - 1);
  }
  return reach;
};

const sum = (values: Int32Array): number => values.reduce((total, value) => total + value, 0);

/**
 * Puts dummies where an edge passes a layer. The edges of one source share theirs: one trunk leaves it and each edge
 * branches off a layer above its target, which keeps both the picture and the work small. Where there would be more
 * than `limit` dummies, the longest edges go without.
 */
export const addTrunks = (links: Links, ranks: Int32Array, limit: number): Layered => {
  let longest = 1;
  for (let link = 0; link < links.from.length; link++) longest = Math.max(longest, spanOf(links, ranks, link));
  let reach = reaches(links, ranks, longest);
  while (longest > 1 && sum(reach) > limit) {
    longest = Math.floor(longest / 2);
    reach = reaches(links, ranks, longest);
  }
  const count = links.count + sum(reach);
  const layer = new Int32Array(count);
  layer.set(ranks);
  const from: number[] = [];
  const to: number[] = [];
  const trunk = new Int32Array(links.count);
  let next = links.count;
  for (let node = 0; node < links.count; node++) {
    trunk[node] = next;
    let above = node;
    for (let step = 1; step <= (reach[node] ?? 0); step++) {
      layer[next] = (ranks[node] ?? 0) + step;
      from.push(above);
      to.push(next);
      above = next++;
    }
  }
  const lastLink = new Int32Array(links.from.length).fill(-1);
  for (let link = 0; link < links.from.length; link++) {
    const span = spanOf(links, ranks, link);
    if (span > longest) continue;
    const source = links.from[link] ?? 0;
    lastLink[link] = from.length;
    from.push(span === 1 ? source : (trunk[source] ?? 0) + span - 2);
    to.push(links.to[link] ?? 0);
  }
  return { count, nodes: links.count, layer, from: Int32Array.from(from), to: Int32Array.from(to), lastLink };
};
