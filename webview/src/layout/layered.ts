import { layoutComponent, type Piece } from "./component.js";

/** A box to place. */
export interface LayoutNode {
  readonly width: number;
  readonly height: number;
}

/** From the index of the node above to that of the node below. */
export type LayoutEdge = readonly [from: number, to: number];

/**
 * Where everything goes. `x` and `y` are the upper left corners of the nodes. `segments` holds x1, y1, x2, y2 of each
 * line; edges of one source share the lines they have in common. The route of an edge is its last segment
 * (`lastSegment`, -1 for an edge from a node to itself) and then `parents` up to -1.
 */
export interface Layout {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly layer: Int32Array;
  readonly segments: Float64Array;
  readonly parents: Int32Array;
  readonly lastSegment: Int32Array;
  readonly width: number;
  readonly height: number;
  readonly crossings: number;
}

const PIECE_GAP = 64;

/** The root of each node's connected piece, by union-find with path halving. */
const roots = (count: number, edges: readonly LayoutEdge[]): Int32Array => {
  const parent = Int32Array.from({ length: count }, (_, node) => node);
  const find = (node: number): number => {
    let at = node;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] ?? 0] ?? 0;
      at = parent[at] ?? 0;
    }
    return at;
  };
  for (const [from, to] of edges) {
    const one = find(from);
    const two = find(to);
    if (one !== two) parent[Math.max(one, two)] = Math.min(one, two);
  }
  return parent.map((_, node) => find(node));
};

interface Part {
  readonly nodes: number[];
  readonly edges: number[];
  piece: Piece;
  x: number;
  y: number;
}

/** The connected pieces, largest first, each laid out by itself. */
const layoutParts = (nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]): Part[] => {
  const root = roots(nodes.length, edges);
  const byRoot = new Map<number, { nodes: number[]; edges: number[] }>();
  const local = new Int32Array(nodes.length);
  nodes.forEach((_, node) => {
    const key = root[node] ?? 0;
    const found = byRoot.get(key);
    if (found === undefined) byRoot.set(key, { nodes: [node], edges: [] });
    else local[node] = found.nodes.push(node) - 1;
  });
  edges.forEach(([from, to], edge) => {
    if (from !== to) byRoot.get(root[from] ?? 0)?.edges.push(edge);
  });
  const parts = [...byRoot.values()].sort((a, b) => b.nodes.length - a.nodes.length);
  return parts.map((part) => {
    const piece = layoutComponent(
      Float64Array.from(part.nodes, (node) => nodes[node]?.width ?? 0),
      Float64Array.from(part.nodes, (node) => nodes[node]?.height ?? 0),
      Int32Array.from(part.edges, (edge) => local[edges[edge]?.[0] ?? 0] ?? 0),
      Int32Array.from(part.edges, (edge) => local[edges[edge]?.[1] ?? 0] ?? 0),
    );
    return { ...part, piece, x: 0, y: 0 };
  });
};

/** Puts the pieces on shelves of about the same width, so that many small ones do not make one endless row. */
const pack = (parts: readonly Part[]): { width: number; height: number } => {
  let widest = 0;
  let area = 0;
  for (const { piece } of parts) {
    widest = Math.max(widest, piece.width);
    area += (piece.width + PIECE_GAP) * (piece.height + PIECE_GAP);
  }
  const shelf = Math.max(widest, Math.sqrt(area) * 1.2);
  let x = 0;
  let y = 0;
  let tall = 0;
  let width = 0;
  for (const part of parts) {
    if (x > 0 && x + part.piece.width > shelf) {
      x = 0;
      y += tall + PIECE_GAP;
      tall = 0;
    }
    part.x = x;
    part.y = y;
    x += part.piece.width + PIECE_GAP;
    tall = Math.max(tall, part.piece.height);
    width = Math.max(width, x - PIECE_GAP);
  }
  return { width, height: y + tall };
};

/**
 * A layered layout, top to bottom, the same for the same input: longest-path layers, shared trunks for long edges,
 * crossings reduced by barycentre, coordinates by priority. Edges of a cycle are drawn upwards where they close it.
 */
export const layout = (nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]): Layout => {
  const parts = layoutParts(nodes, edges);
  const size = pack(parts);
  const x = new Float64Array(nodes.length);
  const y = new Float64Array(nodes.length);
  const layer = new Int32Array(nodes.length);
  const lastSegment = new Int32Array(edges.length).fill(-1);
  const total = parts.reduce((count, { piece }) => count + piece.parents.length, 0);
  const segments = new Float64Array(total * 4);
  const parents = new Int32Array(total);
  let first = 0;
  let crossings = 0;
  for (const { piece, nodes: members, edges: inside, x: left, y: top } of parts) {
    members.forEach((node, index) => {
      x[node] = (piece.x[index] ?? 0) + left;
      y[node] = (piece.y[index] ?? 0) + top;
      layer[node] = piece.layer[index] ?? 0;
    });
    inside.forEach((edge, index) => (lastSegment[edge] = (piece.lastSegment[index] ?? 0) + first));
    piece.segments.forEach((value, index) => (segments[first * 4 + index] = value + (index % 2 === 0 ? left : top)));
    piece.parents.forEach((parent, index) => (parents[first + index] = parent < 0 ? -1 : parent + first));
    first += piece.parents.length;
    crossings += piece.crossings;
  }
  return { x, y, layer, segments, parents, lastSegment, ...size, crossings };
};
