import { assignX } from "./coordinates.js";
import { reduceCrossings } from "./crossings.js";
import { makeLinks, type Links } from "./links.js";
import { rank, withoutCycles } from "./ranks.js";
import { addTrunks, type Layered } from "./trunks.js";

/** One connected piece, laid out from (0, 0). Segments are x1, y1, x2, y2; a parent of -1 starts at a node. */
export interface Piece {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly layer: Int32Array;
  readonly segments: number[];
  readonly parents: number[];
  readonly lastSegment: Int32Array;
  readonly width: number;
  readonly height: number;
  readonly crossings: number;
}

const MOST_DUMMIES = 30_000;
const ROW_GAP = 44;

/** Top and height of each layer's row; the gap grows a little where many links pass it. */
const rows = (
  layered: Layered,
  layers: readonly (readonly number[])[],
  heights: Float64Array,
): { top: number[]; tall: number[] } => {
  const passing = new Int32Array(layers.length + 1);
  for (const start of layered.from) {
    const at = layered.layer[start] ?? 0;
    passing[at] = (passing[at] ?? 0) + 1;
  }
  const top: number[] = [];
  const tall: number[] = [];
  let y = 0;
  layers.forEach((items, index) => {
    const height = items.reduce((most, item) => Math.max(most, item < layered.nodes ? (heights[item] ?? 0) : 0), 0);
    top.push(y);
    tall.push(height);
    y += height + ROW_GAP + Math.min(56, (passing[index] ?? 0) * 0.5);
  });
  return { top, tall };
};

/** The lines to draw: one a link, and one through the row of each dummy. */
const segmentsOf = (
  layered: Layered,
  links: Links,
  x: Float64Array,
  bottomOf: (item: number) => number,
  topOf: (item: number) => number,
): { segments: number[]; parents: number[]; ofLink: Int32Array } => {
  const segments: number[] = [];
  const parents: number[] = [];
  const ofLink = new Int32Array(links.from.length).fill(-1);
  const through = new Int32Array(layered.count).fill(-1);
  const draw = (link: number): void => {
    const start = links.from[link] ?? 0;
    const end = links.to[link] ?? 0;
    parents.push(start < layered.nodes ? -1 : (through[start] ?? -1));
    ofLink[link] = parents.length - 1;
    segments.push(x[start] ?? 0, bottomOf(start), x[end] ?? 0, topOf(end));
    if (end < layered.nodes) return;
    parents.push(parents.length - 1);
    through[end] = parents.length - 1;
    segments.push(x[end] ?? 0, topOf(end), x[end] ?? 0, bottomOf(end));
  };
  // addTrunks lists every trunk from its top down before the links that branch off: parents come first
  for (let link = 0; link < links.from.length; link++) draw(link);
  return { segments, parents, ofLink };
};

/** Lays out one connected graph. `from` and `to` index its nodes; edges may form cycles. */
export const layoutComponent = (
  widths: Float64Array,
  heights: Float64Array,
  from: Int32Array,
  to: Int32Array,
): Piece => {
  const nodes = widths.length;
  const { links: edges } = withoutCycles(nodes, from, to);
  const layered = addTrunks(edges, rank(edges), Math.max(MOST_DUMMIES, nodes * 2));
  const links = makeLinks(layered.count, layered.from, layered.to);
  const { layers, crossings } = reduceCrossings(links, layered.layer);
  const width = new Float64Array(layered.count);
  width.set(widths);
  const x = assignX({ nodes, width }, links, layers);
  const { top, tall } = rows(layered, layers, heights);
  const rowOf = (item: number): [top: number, height: number] => {
    const layer = layered.layer[item] ?? 0;
    return [top[layer] ?? 0, tall[layer] ?? 0];
  };
  const topOf = (item: number): number => {
    const [start, height] = rowOf(item);
    return item < nodes ? start + (height - (heights[item] ?? 0)) / 2 : start;
  };
  const bottomOf = (item: number): number => {
    const [start, height] = rowOf(item);
    return item < nodes ? topOf(item) + (heights[item] ?? 0) : start + height;
  };
  const { segments, parents, ofLink } = segmentsOf(layered, links, x, bottomOf, topOf);
  const lastSegment = layered.lastLink.map((link, edge) => {
    if (link >= 0) return ofLink[link] ?? -1;
    const start = edges.from[edge] ?? 0;
    const end = edges.to[edge] ?? 0;
    segments.push(x[start] ?? 0, bottomOf(start), x[end] ?? 0, topOf(end));
    return parents.push(-1) - 1;
  });
  let right = 0;
  for (let item = 0; item < layered.count; item++) right = Math.max(right, (x[item] ?? 0) + (width[item] ?? 0) / 2);
  return {
    x: Float64Array.from({ length: nodes }, (_, node) => (x[node] ?? 0) - (widths[node] ?? 0) / 2),
    y: Float64Array.from({ length: nodes }, (_, node) => topOf(node)),
    layer: layered.layer.slice(0, nodes),
    segments,
    parents,
    lastSegment,
    width: right,
    height: (top.at(-1) ?? 0) + (tall.at(-1) ?? 0),
    crossings,
  };
};
