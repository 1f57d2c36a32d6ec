import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countCrossings, firstOrder, reduceCrossings, setPositions } from "../../src/layout/crossings.js";
import { layout, type Layout, type LayoutEdge, type LayoutNode } from "../../src/layout/layered.js";
import { makeLinks } from "../../src/layout/links.js";
import { rank } from "../../src/layout/ranks.js";
import { random } from "../browser/data.js";

const boxes = (count: number): LayoutNode[] =>
  Array.from({ length: count }, (_, at) => ({ width: 100 + ((at * 37) % 90), height: 44 }));

/** Edges that only lead to later nodes: no cycles. */
const acyclic = fc.integer({ min: 1, max: 60 }).chain((count) =>
  fc.tuple(
    fc.constant(count),
    fc.array(
      fc.tuple(fc.nat(count - 1), fc.nat(count - 1)).map(([a, b]): LayoutEdge => [Math.min(a, b), Math.max(a, b)]),
      { maxLength: count * 3 },
    ),
  ),
);

const anyGraph = fc.integer({ min: 1, max: 40 }).chain((count) =>
  fc.tuple(
    fc.constant(count),
    fc.array(
      fc.tuple(fc.nat(count - 1), fc.nat(count - 1)).map(([a, b]): LayoutEdge => [a, b]),
      { maxLength: count * 3 },
    ),
  ),
);

const overlaps = (nodes: readonly LayoutNode[], { x, y }: Layout): [number, number][] => {
  const found: [number, number][] = [];
  nodes.forEach((one, a) => {
    nodes.slice(a + 1).forEach((two, at) => {
      const b = a + 1 + at;
      const apart =
        x[a]! + one.width <= x[b]! + 1e-6 ||
        x[b]! + two.width <= x[a]! + 1e-6 ||
        y[a]! + one.height <= y[b]! + 1e-6 ||
        y[b]! + two.height <= y[a]! + 1e-6;
      if (!apart) found.push([a, b]);
    });
  });
  return found;
};

/** The points of an edge's route, from its source to its target. */
const routeOf = ({ segments, parents, lastSegment }: Layout, edge: number): [x: number, y: number][] => {
  const points: [number, number][] = [];
  for (let at = lastSegment[edge]!; at >= 0; at = parents[at]!) {
    points.unshift([segments[at * 4]!, segments[at * 4 + 1]!], [segments[at * 4 + 2]!, segments[at * 4 + 3]!]);
  }
  return points;
};

describe("layered layout", () => {
  test("no two nodes overlap, whatever the graph", () => {
    fc.assert(
      fc.property(anyGraph, ([count, edges]) => {
        const nodes = boxes(count);
        expect(overlaps(nodes, layout(nodes, edges))).toEqual([]);
      }),
    );
  });

  test("every edge of a graph without cycles points down", () => {
    fc.assert(
      fc.property(acyclic, ([count, edges]) => {
        const nodes = boxes(count);
        const { y, layer } = layout(nodes, edges);
        for (const [from, to] of edges) {
          if (from === to) continue;
          expect(layer[to]!).toBeGreaterThan(layer[from]!);
          expect(y[to]!).toBeGreaterThanOrEqual(y[from]! + 44);
        }
      }),
    );
  });

  test("every route leaves its source, arrives at its target, never breaks and never turns back", () => {
    fc.assert(
      fc.property(acyclic, ([count, edges]) => {
        const nodes = boxes(count);
        const found = layout(nodes, edges);
        edges.forEach(([from, to], edge) => {
          if (from === to) {
            expect(found.lastSegment[edge]).toBe(-1);
            return;
          }
          const points = routeOf(found, edge);
          const [start, end] = [points[0]!, points.at(-1)!];
          expect(start[0]).toBeCloseTo(found.x[from]! + nodes[from]!.width / 2);
          expect(start[1]).toBeCloseTo(found.y[from]! + 44);
          expect(end[0]).toBeCloseTo(found.x[to]! + nodes[to]!.width / 2);
          expect(end[1]).toBeCloseTo(found.y[to]!);
          points.forEach((point, at) => {
            const before = points[at - 1];
            if (before === undefined) return;
            expect(point[1]).toBeGreaterThanOrEqual(before[1] - 1e-6);
            if (at % 2 === 0) expect(point).toEqual(before);
          });
        });
      }),
    );
  });

  test("the same graph gives the same picture", () => {
    fc.assert(
      fc.property(anyGraph, ([count, edges]) => {
        expect(layout(boxes(count), edges)).toEqual(layout(boxes(count), edges));
      }),
      { numRuns: 30 },
    );
  });

  test("all lies within the size that it tells", () => {
    fc.assert(
      fc.property(anyGraph, ([count, edges]) => {
        const nodes = boxes(count);
        const { x, y, width, height, segments } = layout(nodes, edges);
        nodes.forEach((node, at) => {
          expect(x[at]!).toBeGreaterThanOrEqual(-1e-6);
          expect(y[at]!).toBeGreaterThanOrEqual(-1e-6);
          expect(x[at]! + node.width).toBeLessThanOrEqual(width + 1e-6);
          expect(y[at]! + node.height).toBeLessThanOrEqual(height + 1e-6);
        });
        segments.forEach((value, at) => {
          expect(value).toBeGreaterThanOrEqual(-1e-6);
          expect(value).toBeLessThanOrEqual((at % 2 === 0 ? width : height) + 1e-6);
        });
      }),
    );
  });

  test("crossings: never more than the first order has, and none in a tree", () => {
    const next = random(5);
    for (const count of [30, 120, 500]) {
      const from: number[] = [];
      const to: number[] = [];
      const layerOf = (node: number): number => Math.floor(node / 10);
      for (let node = 10; node < count; node++) {
        for (let k = 0; k < 2; k++) {
          from.push((layerOf(node) - 1) * 10 + Math.floor(next() * 10));
          to.push(node);
        }
      }
      const links = makeLinks(count, Int32Array.from(from), Int32Array.from(to));
      const ranks = Int32Array.from({ length: count }, (_, node) => layerOf(node));
      const byIndex = Array.from({ length: Math.ceil(count / 10) }, (_, at) =>
        Array.from({ length: Math.min(10, count - at * 10) }, (_, one) => at * 10 + one),
      );
      const position = new Int32Array(count);
      setPositions(byIndex, position);
      const naive = countCrossings(links, byIndex, position);
      const walked = firstOrder(links, ranks);
      setPositions(walked, position);
      const reduced = reduceCrossings(links, ranks).crossings;
      expect(reduced).toBeLessThanOrEqual(countCrossings(links, walked, position));
      expect(reduced).toBeLessThan(naive * 0.75);
    }
    const tree = Array.from({ length: 62 }, (_, at): LayoutEdge => [Math.floor(at / 2), at + 1]);
    expect(layout(boxes(63), tree).crossings).toBe(0);
  });

  test("crossings are counted as a brute count does", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 30 }), (pairs) => {
        const links = makeLinks(
          16,
          Int32Array.from(pairs, ([a]) => a),
          Int32Array.from(pairs, ([, b]) => b + 8),
        );
        const layers = [Array.from({ length: 8 }, (_, at) => at), Array.from({ length: 8 }, (_, at) => at + 8)];
        const position = new Int32Array(16);
        setPositions(layers, position);
        let brute = 0;
        pairs.forEach(([a, b], one) => {
          pairs.slice(one + 1).forEach(([c, d]) => {
            if ((a - c) * (b - d) < 0) brute++;
          });
        });
        expect(countCrossings(links, layers, position)).toBe(brute);
      }),
    );
  });

  test("a node that only later ones need stands just above them", () => {
    // 0 -> 1 -> 2 -> 3, and 4 -> 3: 4 belongs beside 2, not at the top
    const links = makeLinks(5, Int32Array.from([0, 1, 2, 4]), Int32Array.from([1, 2, 3, 3]));
    expect([...rank(links)]).toEqual([0, 1, 2, 3, 2]);
  });

  test("a cycle is laid out, with the edge that closes it drawn upwards", () => {
    const nodes = boxes(3);
    const { y, lastSegment } = layout(nodes, [
      [0, 1],
      [1, 2],
      [2, 0],
    ]);
    expect(y[0]!).toBeLessThan(y[1]!);
    expect(y[1]!).toBeLessThan(y[2]!);
    expect(lastSegment[2]).toBeGreaterThanOrEqual(0);
  });

  test("nothing, one node, and many apart", () => {
    expect(layout([], []).width).toBe(0);
    expect([...layout(boxes(1), []).x]).toEqual([0]);
    const apart = layout(boxes(400), []);
    expect(apart.height).toBeGreaterThan(apart.width / 4);
  });

  test("a stage that every later one needs does not make the picture explode", () => {
    const count = 2000;
    const edges = Array.from({ length: count - 1 }, (_, at): LayoutEdge => [at, at + 1]).concat(
      Array.from({ length: count - 2 }, (_, at): LayoutEdge => [0, at + 2]),
    );
    const { parents } = layout(boxes(count), edges);
    expect(parents.length).toBeLessThan(count * 5);
  });

  test("10,000 nodes take no time that grows with their square", () => {
    const next = random(1);
    const edges = Array.from({ length: 14_000 }, (_, at): LayoutEdge => {
      const to = 100 + (at % 9_900);
      const layer = Math.floor(to / 100);
      return [(layer - 1) * 100 + Math.floor(next() * 100), to];
    });
    const start = performance.now();
    layout(boxes(10_000), edges);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
