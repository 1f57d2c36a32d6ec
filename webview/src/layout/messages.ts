import type { Layout, LayoutEdge, LayoutNode } from "./layered.js";

/** What the layout worker is asked. */
export interface LayoutRequest {
  readonly id: number;
  readonly nodes: readonly LayoutNode[];
  readonly edges: readonly LayoutEdge[];
}

/** What it answers. */
export interface LayoutAnswer {
  readonly id: number;
  readonly layout: Layout;
  readonly took: number;
}
