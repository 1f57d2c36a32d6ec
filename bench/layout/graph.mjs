/** The graphs that are laid out, and how crossings are counted in what comes back. */

/** @typedef {{ nodes: number; edges: readonly (readonly [from: number, to: number])[] }} Graph */
/** @typedef {readonly (readonly [x: number, y: number])[]} Route a broken line */
/** @typedef {[x1: number, y1: number, x2: number, y2: number, edge: number]} Segment y1 <= y2 */

export const nodeSize = { width: 160, height: 40 };

/** Numbers in [0, 1) that are the same in every run. @param {number} seed */
const random = (seed) => () => {
  // mulberry32
  seed = (seed + 0x6d2b79f5) | 0;
  let bits = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
};

/** A pipeline: most stages take one or two of the stages written shortly before, a few reach far back. @param {number} nodes @returns {Graph} */
export const makeGraph = (nodes) => {
  const next = random(nodes);
  /** @type {Map<string, readonly [number, number]>} */
  const edges = new Map();
  for (let node = 1; node < nodes; node += 1) {
    const parents = next() < 0.5 ? 1 : 2;
    for (let parent = 0; parent < parents; parent += 1) {
      const reach = next() < 0.03 ? node : Math.min(node, 40);
      const from = node - 1 - Math.floor(next() * reach);
      edges.set(`${from} ${node}`, [from, node]);
    }
  }
  return { nodes, edges: [...edges.values()] };
};

/** @param {Segment} a @param {Segment} b */
const cross = (a, b) => {
  const side = (/** @type {Segment} */ [x1, y1, x2, y2], /** @type {number} */ x, /** @type {number} */ y) =>
    Math.sign((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1));
  return side(a, b[0], b[1]) * side(a, b[2], b[3]) < 0 && side(b, a[0], a[1]) * side(b, a[2], a[3]) < 0;
};

/**
 * Counts the points where lines of two edges cross that share no end. A line that edges of one source have in common
 * counts once for each of them.
 *
 * @param {Graph} graph
 * @param {readonly Route[]} routes of each edge
 */
export const countCrossings = ({ edges }, routes) => {
  /** @type {Segment[]} */
  const segments = routes.flatMap((route, edge) =>
    route.slice(1).map(([x2, y2], at) => {
      const [x1, y1] = route[at] ?? [x2, y2];
      return /** @type {Segment} */ (y1 <= y2 ? [x1, y1, x2, y2, edge] : [x2, y2, x1, y1, edge]);
    }),
  );
  segments.sort((a, b) => a[1] - b[1]);
  let crossings = 0;
  /** @type {Segment[]} */
  let open = [];
  for (const segment of segments) {
    open = open.filter((other) => other[3] > segment[1]);
    const [from, to] = edges[segment[4]] ?? [-1, -1];
    const [left, right] = segment[0] < segment[2] ? [segment[0], segment[2]] : [segment[2], segment[0]];
    for (const other of open) {
      if (Math.max(other[0], other[2]) <= left || Math.min(other[0], other[2]) >= right) continue;
      const [otherFrom, otherTo] = edges[other[4]] ?? [-2, -2];
      if (from === otherFrom || from === otherTo || to === otherFrom || to === otherTo) continue;
      if (cross(segment, other)) crossings += 1;
    }
    open.push(segment);
  }
  return crossings;
};
