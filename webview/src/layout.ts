/** The layout worker: one request, one answer. Built on its own, since a webview starts it from a blob. */
import { layout } from "./layout/layered.js";
import type { LayoutAnswer, LayoutRequest } from "./layout/messages.js";

// a worker's global scope, of which the DOM's types know nothing but what it shares with a window
const scope = globalThis as unknown as {
  addEventListener(type: "message", listener: (event: MessageEvent<LayoutRequest>) => void): void;
  postMessage(answer: LayoutAnswer, transfer: Transferable[]): void;
};

scope.addEventListener("message", ({ data: { id, nodes, edges } }) => {
  const start = performance.now();
  const found = layout(nodes, edges);
  const { x, y, layer, segments, parents, lastSegment } = found;
  scope.postMessage({ id, layout: found, took: performance.now() - start }, [
    x.buffer,
    y.buffer,
    layer.buffer,
    segments.buffer,
    parents.buffer,
    lastSegment.buffer,
  ]);
});
