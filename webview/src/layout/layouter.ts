import { layout, type Layout, type LayoutEdge, type LayoutNode } from "./layered.js";
import type { LayoutAnswer, LayoutRequest } from "./messages.js";

type Waiting = { readonly request: LayoutRequest; readonly resolve: (layout: Layout) => void };

/**
 * Lays out graphs beside the page's thread. A webview's page and its scripts have different origins, so the worker's
 * script is fetched and started from a blob. Where that is refused, the page's own thread does the work.
 */
export class Layouter {
  readonly #worker: Promise<Worker | null>;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #here = false;

  constructor(script: string | undefined) {
    this.#worker = this.#start(script);
  }

  /** Whether the page's own thread has had to do it. */
  get here(): boolean {
    return this.#here;
  }

  async layout(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]): Promise<Layout> {
    const worker = await this.#worker;
    if (worker === null || this.#here) return layout(nodes, edges);
    const request: LayoutRequest = { id: this.#next++, nodes, edges };
    return new Promise((resolve) => {
      this.#waiting.set(request.id, { request, resolve });
      worker.postMessage(request);
    });
  }

  async #start(script: string | undefined): Promise<Worker | null> {
    try {
      if (script === undefined || script === "") throw new Error("the page names no layout script");
      const answer = await fetch(script);
      if (!answer.ok) throw new Error(`the layout script is not there: ${answer.status.toString()}`);
      const url = URL.createObjectURL(new Blob([await answer.text()], { type: "text/javascript" }));
      const worker = new Worker(url);
      URL.revokeObjectURL(url);
      worker.addEventListener("message", ({ data }: MessageEvent<LayoutAnswer>) => {
        this.#waiting.get(data.id)?.resolve(data.layout);
        this.#waiting.delete(data.id);
      });
      worker.addEventListener("error", () => {
        this.#giveUp();
      });
      return worker;
    } catch {
      this.#here = true;
      return null;
    }
  }

  #giveUp(): void {
    this.#here = true;
    for (const { request, resolve } of this.#waiting.values()) resolve(layout(request.nodes, request.edges));
    this.#waiting.clear();
  }
}
