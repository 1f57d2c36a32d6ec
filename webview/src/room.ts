import { html, type TemplateResult } from "lit";
import { styled } from "./styled.js";
import type { StageCells } from "./cells/cells.js";
import { icon } from "./kit.js";
import type { Layouter } from "./layout/layouter.js";
import { Part, type Desk } from "./part.js";
import "./bar.js";
import "./cells/cells.js";
import "./graph/graph-view.js";
import "./graph/stage-list.js";

/** The whole panel: the bar, the graph with its list, and the cells. */
export class PanelRoom extends Part {
  declare desk: Desk;
  declare layouter: Layouter;

  override connectedCallback(): void {
    super.connectedCallback();
    const { store, ui } = this.desk;
    this.own(
      store.watch(
        (view) => view.head?.path,
        (path) => {
          ui.enter(path ?? "");
          this.requestUpdate();
        },
      ),
    );
    this.own(
      store.watch(
        (view) => view.order.names.length === 0,
        () => {
          this.requestUpdate();
        },
      ),
    );
    this.own(
      store.watch(
        (view) => view.focus,
        (focus) => {
          if (focus !== null)
            void this.updateComplete.then(() => {
              this.#go(focus.stage);
            });
        },
      ),
    );
    this.own(
      ui.watch((now, before) => {
        if (now.split !== before.split || now.folds["/list"] !== before.folds["/list"]) this.requestUpdate();
      }),
    );
  }

  #go(stage: string): void {
    this.desk.ui.change({ selected: stage });
    this.querySelector<StageCells>("stage-cells")?.show(stage);
  }

  #drag(event: PointerEvent): void {
    const handle = event.currentTarget;
    const main = this.querySelector(".main");
    if (!(handle instanceof HTMLElement) || main === null) return;
    handle.setPointerCapture(event.pointerId);
    const move = ({ clientX }: PointerEvent): void => {
      const { left, width } = main.getBoundingClientRect();
      this.#split(((clientX - left) / Math.max(1, width)) * 100);
    };
    const end = (): void => {
      handle.removeEventListener("pointermove", move);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end, { once: true });
  }

  #split(percent: number): void {
    this.desk.ui.change({ split: Math.min(75, Math.max(15, Math.round(percent * 10) / 10)) });
  }

  #empty(): TemplateResult {
    const { head } = this.desk.store.view;
    const broken = (head?.problems.length ?? 0) > 0;
    return html`<main class="welcome">
      ${icon("type-hierarchy-sub")}
      <h2>${broken ? "No stage can be read" : "No stages here yet"}</h2>
      <p>
        ${
          broken
            ? "The problem above keeps the stages from being read. They appear here when it is mended."
            : html`Write <code>@stage</code> above a function in this file. A parameter named like another stage makes
                it depend on that stage.`
        }
      </p>
    </main>`;
  }

  #graph(): TemplateResult {
    const { ui } = this.desk;
    const open = ui.ui.folds["/list"] ?? true;
    const go = (stage: string): void => {
      this.#go(stage);
    };
    return html`<nav class="graph-side" aria-label="Graph of stages">
      <stage-graph .desk=${this.desk} .layouter=${this.layouter} .go=${go}></stage-graph>
      <section class="list-side ${open ? "" : "folded"}">
        <button
          type="button"
          class="section-head"
          aria-expanded=${open ? "true" : "false"}
          @click=${() => {
            ui.change({ folds: { ...ui.ui.folds, "/list": !open } });
          }}
        >
          ${icon(open ? "chevron-down" : "chevron-right")}<span class="section-title">Stages</span>
        </button>
        ${open ? html`<stage-list .desk=${this.desk} .go=${go}></stage-list>` : ""}
      </section>
    </nav>`;
  }

  protected override render(): TemplateResult {
    const { view } = this.desk.store;
    if (view.head === null) return html`<div class="welcome" role="status"><p>Reading the pipeline …</p></div>`;
    const { split } = this.desk.ui.ui;
    return html`<stage-bar role="banner" .desk=${this.desk}></stage-bar> ${
        view.order.names.length === 0
          ? this.#empty()
          : html`<main class="main" ${styled({ "--split": `${split.toString()}%` })}>
              ${this.#graph()}
              <div
                class="handle"
                role="separator"
                tabindex="0"
                aria-orientation="vertical"
                aria-label="Width of the graph"
                aria-valuenow=${Math.round(split)}
                aria-valuemin="15"
                aria-valuemax="75"
                @pointerdown=${(event: PointerEvent) => {
                  this.#drag(event);
                }}
                @keydown=${(event: KeyboardEvent) => {
                  if (event.key === "ArrowLeft") this.#split(split - 2);
                  else if (event.key === "ArrowRight") this.#split(split + 2);
                }}
              ></div>
              <stage-cells .desk=${this.desk} role="region" aria-label="Stages with source and outputs"></stage-cells>
            </main>`
      }`;
  }
}

customElements.define("panel-room", PanelRoom);
