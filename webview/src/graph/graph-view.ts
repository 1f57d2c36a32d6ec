import { html, nothing, type TemplateResult } from "lit";
import type { Layouter } from "../layout/layouter.js";
import { button } from "../kit.js";
import { Part, type Desk } from "../part.js";
import type { Order } from "../state/order.js";
import { describeState } from "../../../extension/src/protocol/words/states.js";
import { watchGestures } from "./gestures.js";
import { readGlyphs } from "./glyphs.js";
import { paint, type Glyphs } from "./painter.js";
import { NODE_HEIGHT, Scene, nodeWidth } from "./scene.js";
import { Viewpoint } from "./viewpoint.js";

const unknown = { state: { is: "unknown" }, function: "" } as const;

/** The graph of stages, painted; keys walk along its edges. */
export class GraphView extends Part {
  static override properties = { scene: { state: true } };
  declare desk: Desk;
  declare layouter: Layouter;
  declare go: (stage: string) => void;
  declare private scene: Scene | null;
  #seenFrom: Viewpoint | null = null;
  #frame = 0;
  #hovered: number | null = null;
  #kin: { node: number; family: Set<number>; routes: Set<number> } | null = null;
  #glyphs: Glyphs = () => "";

  constructor() {
    super();
    this.scene = null;
  }

  get #viewpoint(): Viewpoint {
    this.#seenFrom ??= new Viewpoint(this.desk, () => this.scene?.layout ?? null);
    return this.#seenFrom;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const { store, ui, theme } = this.desk;
    this.#glyphs = readGlyphs(this);
    this.own(
      store.watch(
        (view) => view.order,
        (order) => void this.#arrange(order),
      ),
    );
    this.own(
      store.watch(
        (view) => view.stages,
        () => {
          this.#repaint();
        },
      ),
    );
    this.own(
      theme.watch(() => {
        this.#repaint();
      }),
    );
    this.own(
      ui.watch((now, before) => {
        if (now.selected !== before.selected) this.#show(now.selected);
        else if (now.look !== before.look) this.#repaint();
      }),
    );
    void this.#arrange(store.view.order);
  }

  protected override firstUpdated(): void {
    const canvas = this.#canvas();
    const ending = new AbortController();
    watchGestures(canvas, this.#gestures(), ending.signal);
    const observer = new ResizeObserver(() => {
      this.#resize();
    });
    observer.observe(canvas);
    this.own(() => {
      ending.abort();
      observer.disconnect();
      cancelAnimationFrame(this.#frame);
    });
    this.#resize();
  }

  /** The middle of a stage's node on the page, for whoever points at it from outside. */
  placeOf(stage: string): { x: number; y: number } | null {
    const node = this.scene?.order.names.indexOf(stage) ?? -1;
    if (this.scene === null || node < 0) return null;
    const box = this.scene.box(node);
    const { look, size } = this.#viewpoint;
    const { left, top } = this.#canvas().getBoundingClientRect();
    return {
      x: left + size.width / 2 + ((box.left + box.right) / 2 - look.x) * look.scale,
      y: top + size.height / 2 + ((box.top + box.bottom) / 2 - look.y) * look.scale,
    };
  }

  #canvas(): HTMLCanvasElement {
    const canvas = this.querySelector("canvas");
    if (canvas === null) throw new Error("the graph has not been drawn yet");
    return canvas;
  }

  #gestures(): Parameters<typeof watchGestures>[1] {
    const at = (x: number, y: number): number | null => {
      const point = this.#viewpoint.worldAt(x, y);
      return this.scene?.at(point.x, point.y) ?? null;
    };
    const name = (node: number | null): string | undefined =>
      node === null ? undefined : this.scene?.order.names[node];
    return {
      pan: (dx, dy) => {
        this.#viewpoint.pan(dx, dy);
      },
      zoom: (x, y, factor) => {
        this.#viewpoint.zoomAt(x, y, factor);
      },
      hover: (x, y) => {
        this.#hover(at(x, y));
      },
      leave: () => {
        this.#hover(null);
      },
      press: (x, y) => {
        const stage = name(at(x, y));
        if (stage !== undefined) this.go(stage);
      },
      open: (x, y) => {
        const stage = name(at(x, y));
        if (stage !== undefined) this.desk.send({ is: "reveal", stage });
      },
    };
  }

  async #arrange(order: Order): Promise<void> {
    const measure = document.createElement("canvas").getContext("2d");
    if (measure === null) return;
    measure.font = `600 13px ${this.desk.theme.colours.font}`;
    const widths = order.names.map((name) => nodeWidth(measure.measureText(name).width));
    const layout = await this.layouter.layout(
      widths.map((width) => ({ width, height: NODE_HEIGHT })),
      order.edges,
    );
    // a newer order may have come while this one was laid out
    if (this.desk.store.view.order !== order) return;
    this.scene = new Scene(order, layout, widths);
    this.#kin = null;
    this.#hovered = null;
    this.dataset["crossings"] = layout.crossings.toString();
    this.#repaint();
  }

  #hover(node: number | null): void {
    if (node === this.#hovered) return;
    this.#hovered = node;
    const scene = this.scene;
    const family = node === null ? undefined : scene?.kin.family(node);
    this.#kin =
      node === null || scene === null || family === undefined ? null : { node, family, routes: scene.routes(family) };
    this.#canvas().classList.toggle("over-node", node !== null);
    this.#repaint();
  }

  #resize(): void {
    const canvas = this.#canvas();
    const ratio = window.devicePixelRatio;
    const size = { width: canvas.clientWidth, height: canvas.clientHeight };
    this.#viewpoint.size = size;
    canvas.width = Math.max(1, Math.round(size.width * ratio));
    canvas.height = Math.max(1, Math.round(size.height * ratio));
    // at once: a canvas that was given a size is empty until it is painted
    this.#paint(performance.now());
  }

  #repaint(): void {
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame((time) => {
        this.#paint(time);
      });
  }

  #paint(now: number): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { theme, store, ui } = this.desk;
    const canvas = this.#canvas();
    const context = canvas.getContext("2d");
    const scene = this.scene;
    if (context === null || scene === null || this.#viewpoint.size.width === 0) return;
    const selected = ui.ui.selected === null ? -1 : scene.order.names.indexOf(ui.ui.selected);
    const moving = paint(
      context,
      {
        scene,
        look: this.#viewpoint.look,
        view: this.#viewpoint.size,
        ratio: window.devicePixelRatio,
        colours: theme.colours,
        standing: (node) => store.view.stages.get(scene.order.names[node] ?? "") ?? unknown,
        selected: selected < 0 ? null : selected,
        focused: canvas.matches(":focus-visible"),
        family: this.#kin?.family ?? null,
        routes: this.#kin?.routes ?? null,
        time: theme.calm ? null : now / 1000,
      },
      this.#glyphs,
    );
    if (moving) this.#repaint();
  }

  /** Brings a stage into sight. */
  #show(stage: string | null): void {
    const node = stage === null ? -1 : (this.scene?.order.names.indexOf(stage) ?? -1);
    if (this.scene === null || node < 0 || !this.#viewpoint.reveal(this.scene.box(node))) this.#repaint();
  }

  /** Up and down along edges, left and right within a row. */
  #neighbour(key: string): number | null {
    const scene = this.scene;
    if (scene === null) return null;
    const selected = this.desk.ui.ui.selected;
    const node = selected === null ? -1 : scene.order.names.indexOf(selected);
    if (node < 0) return scene.order.names.length > 0 ? 0 : null;
    switch (key) {
      case "ArrowUp":
        return scene.kin.above[node]?.[0] ?? null;
      case "ArrowDown":
        return scene.kin.below[node]?.[0] ?? null;
      case "ArrowLeft":
        return scene.beside(node, -1);
      case "ArrowRight":
        return scene.beside(node, 1);
      default:
        return null;
    }
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const selected = this.desk.ui.ui.selected;
    const actions: Readonly<Record<string, () => void>> = {
      "+": () => {
        this.#viewpoint.zoom(1.3);
      },
      "=": () => {
        this.#viewpoint.zoom(1.3);
      },
      "-": () => {
        this.#viewpoint.zoom(1 / 1.3);
      },
      "0": () => {
        this.#viewpoint.fit();
      },
      Enter: () => {
        if (selected !== null) this.go(selected);
      },
    };
    const next = this.#neighbour(event.key);
    const name = next === null ? undefined : this.scene?.order.names[next];
    const action = actions[event.key];
    if (name !== undefined && event.key.startsWith("Arrow")) this.desk.ui.change({ selected: name });
    else if (action !== undefined) action();
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    this.requestUpdate();
  }

  #said(): string {
    const stage = this.desk.store.view.stages.get(this.desk.ui.ui.selected ?? "");
    return stage === undefined ? "" : `${stage.name}, ${describeState(stage, this.desk.clock.now(), { since: true })}`;
  }

  protected override render(): TemplateResult {
    const count = this.scene?.order.names.length ?? 0;
    return html`<canvas
        tabindex="0"
        role="application"
        aria-label="Graph of ${count} stages. Arrow keys walk along its edges, Enter goes to the cell, plus and minus zoom, 0 shows all."
        @keydown=${(event: KeyboardEvent) => {
          this.#key(event);
        }}
        @focus=${() => {
          this.#repaint();
        }}
        @blur=${() => {
          this.#repaint();
        }}
      ></canvas>
      <div class="visually-hidden" aria-live="polite">${this.#said()}</div>
      ${
        count === 0
          ? nothing
          : html`<div class="graph-tools" role="toolbar" aria-label="Zoom">
              ${button({
                kind: "icon",
                label: "Zoom in",
                icon: "zoom-in",
                name: "zoom-in",
                press: () => {
                  this.#viewpoint.zoom(1.3);
                },
              })}
              ${button({
                kind: "icon",
                label: "Zoom out",
                icon: "zoom-out",
                name: "zoom-out",
                press: () => {
                  this.#viewpoint.zoom(1 / 1.3);
                },
              })}
              ${button({
                kind: "icon",
                label: "Show all",
                icon: "screen-full",
                name: "zoom-fit",
                press: () => {
                  this.#viewpoint.fit();
                },
              })}
            </div>`
      }`;
  }
}

customElements.define("stage-graph", GraphView);
