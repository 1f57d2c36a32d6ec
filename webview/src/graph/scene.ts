import type { Layout } from "../layout/layered.js";
import type { Order } from "../state/order.js";
import type { Rect } from "./camera.js";
import { Kin } from "./kin.js";
import { SpatialIndex } from "./spatial.js";

export const NODE_HEIGHT = 46;
const LEAST_WIDTH = 132;
const MOST_WIDTH = 240;
const BESIDE_NAME = 48;

/** The width of a node for the width of its name. */
export const nodeWidth = (name: number): number =>
  Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, Math.ceil(name) + BESIDE_NAME));

/** The room that a node leaves its name. */
export const nameRoom = (width: number): number => width - BESIDE_NAME;

/** A laid out graph, ready to be painted and asked. */
export class Scene {
  readonly order: Order;
  readonly layout: Layout;
  readonly widths: readonly number[];
  readonly kin: Kin;
  readonly nodes: SpatialIndex;
  readonly segments: SpatialIndex;

  constructor(order: Order, layout: Layout, widths: readonly number[]) {
    this.order = order;
    this.layout = layout;
    this.widths = widths;
    this.kin = new Kin(order);
    const boxes = new Float64Array(order.names.length * 4);
    order.names.forEach((_, node) => {
      const { left, top, right, bottom } = this.box(node);
      boxes.set([left, top, right, bottom], node * 4);
    });
    this.nodes = new SpatialIndex(boxes, layout.width, layout.height);
    const spans = new Float64Array(layout.segments.length);
    for (let at = 0; at < spans.length; at += 4) {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = layout.segments.subarray(at, at + 4);
      spans.set([Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)], at);
    }
    this.segments = new SpatialIndex(spans, layout.width, layout.height);
  }

  box(node: number): Rect {
    const left = this.layout.x[node] ?? 0;
    const top = this.layout.y[node] ?? 0;
    return { left, top, right: left + (this.widths[node] ?? 0), bottom: top + NODE_HEIGHT };
  }

  /** The node at a point of the world. */
  at(x: number, y: number): number | null {
    let hit: number | null = null;
    this.nodes.query({ left: x, right: x, top: y, bottom: y }, (node) => (hit = node));
    return hit;
  }

  /** The segments of the edges between members of a family. */
  routes(family: ReadonlySet<number>): Set<number> {
    const found = new Set<number>();
    this.order.edges.forEach(([from, to], edge) => {
      if (!family.has(from) || !family.has(to)) return;
      let segment = this.layout.lastSegment[edge] ?? -1;
      while (segment >= 0 && !found.has(segment)) {
        found.add(segment);
        segment = this.layout.parents[segment] ?? -1;
      }
    });
    return found;
  }

  /** The node of the same row to the left (-1) or right (1). */
  beside(node: number, direction: -1 | 1): number | null {
    const y = this.layout.y[node] ?? 0;
    const x = this.layout.x[node] ?? 0;
    let best: number | null = null;
    let nearest = Infinity;
    this.nodes.query({ left: -Infinity, right: Infinity, top: y, bottom: y + NODE_HEIGHT }, (other) => {
      const distance = ((this.layout.x[other] ?? 0) - x) * direction;
      if (other === node || distance <= 0 || distance >= nearest) return;
      nearest = distance;
      best = other;
    });
    return best;
  }
}
