/**
 * Lays a graph out once and writes how long that took, and its crossings, as JSON:
 * `node one.mjs <stageloom | dagre | elkjs> <nodes> <the bundled layout> <the folder of the peers>`.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { countCrossings, makeGraph, nodeSize } from "./graph.mjs";

/** @typedef {import("./graph.mjs").Graph} Graph */
/** @typedef {import("./graph.mjs").Route} Route */
/** @typedef {{ took: number; routes: Route[] }} Laid */
/** @typedef {{ segments: Float64Array; parents: Int32Array; lastSegment: Int32Array }} OwnLayout */
/** @typedef {{ layout: (nodes: readonly object[], edges: Graph["edges"]) => OwnLayout }} Own */
/** @typedef {{ x: number; y: number }} Point */

const [, , who = "", size = "", bundled = "", peers = ""] = process.argv;
const require = createRequire(path.join(peers, "package.json"));

/** @returns {Promise<(graph: Graph) => Laid>} */
const stageloom = async () => {
  /** @type {unknown} */
  const module = await import(pathToFileURL(bundled).href);
  // safe: it is that module, bundled
  const { layout } = /** @type {Own} */ (module);
  return (graph) => {
    const nodes = Array.from({ length: graph.nodes }, () => nodeSize);
    const begun = performance.now();
    const { segments, parents, lastSegment } = layout(nodes, graph.edges);
    const took = performance.now() - begun;
    const routes = graph.edges.map((_, edge) => {
      /** @type {[number, number][]} */
      const route = [];
      for (let at = lastSegment[edge] ?? -1; at >= 0; at = parents[at] ?? -1) {
        const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = segments.subarray(at * 4, at * 4 + 4);
        if (route.length === 0) route.push([x2, y2]);
        route.push([x1, y1]);
      }
      return route;
    });
    return { took, routes };
  };
};

/**
 * @typedef {object} DagreGraph
 * @property {(options: object) => void} setGraph
 * @property {(label: () => object) => void} setDefaultEdgeLabel
 * @property {(name: string, options: object) => void} setNode
 * @property {(from: string, to: string, options: object) => void} setEdge
 * @property {(from: string, to: string) => { points: Point[] }} edge
 */

/** @typedef {{ graphlib: { Graph: new () => DagreGraph }; layout: (graph: DagreGraph) => void }} Dagre */

/** @returns {(graph: Graph) => Laid} */
const dagre = () => {
  /** @type {unknown} */
  const found = require("@dagrejs/dagre");
  // safe: what of the package is used
  const { graphlib, layout } = /** @type {Dagre} */ (found);
  return (graph) => {
    const begun = performance.now();
    const drawn = new graphlib.Graph();
    drawn.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 44 });
    drawn.setDefaultEdgeLabel(() => ({}));
    for (let node = 0; node < graph.nodes; node += 1) drawn.setNode(String(node), { ...nodeSize });
    for (const [from, to] of graph.edges) drawn.setEdge(String(from), String(to), {});
    layout(drawn);
    const took = performance.now() - begun;
    const routes = graph.edges.map(([from, to]) =>
      drawn.edge(String(from), String(to)).points.map(({ x, y }) => /** @type {const} */ ([x, y])),
    );
    return { took, routes };
  };
};

/** @typedef {{ startPoint: Point; endPoint: Point; bendPoints?: Point[] }} ElkSection */
/** @typedef {{ layout: (graph: object) => Promise<{ edges: { sections: ElkSection[] }[] }> }} Elk */

/** @returns {(graph: Graph) => Promise<Laid>} */
const elkjs = () => {
  /** @type {unknown} */
  const found = require("elkjs");
  // safe: what of the package is used
  const Elk = /** @type {new () => Elk} */ (found);
  const elk = new Elk();
  return async (graph) => {
    const begun = performance.now();
    const drawn = await elk.layout({
      id: "graph",
      layoutOptions: { "elk.algorithm": "layered", "elk.direction": "DOWN", "elk.edgeRouting": "POLYLINE" },
      children: Array.from({ length: graph.nodes }, (_, node) => ({ id: String(node), ...nodeSize })),
      edges: graph.edges.map(([from, to], at) => ({ id: `e${at}`, sources: [String(from)], targets: [String(to)] })),
    });
    const took = performance.now() - begun;
    const routes = drawn.edges.map(({ sections }) =>
      sections.flatMap(({ startPoint, bendPoints = [], endPoint }) =>
        [startPoint, ...bendPoints, endPoint].map(({ x, y }) => /** @type {const} */ ([x, y])),
      ),
    );
    return { took, routes };
  };
};

const layouters = { stageloom, dagre, elkjs };
const layouter = await layouters[/** @type {keyof typeof layouters} */ (who)]();
await layouter(makeGraph(20)); // code is compiled on first use
const graph = makeGraph(Number(size));
const { took, routes } = await layouter(graph);
process.stdout.write(JSON.stringify({ took, edges: graph.edges.length, crossings: countCrossings(graph, routes) }));
