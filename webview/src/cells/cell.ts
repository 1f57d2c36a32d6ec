import { html, nothing, type TemplateResult } from "lit";
import type { Failure, RunView, StageState, StageView } from "../contract.js";
import { button, icon } from "../kit.js";
import { Part, type Desk } from "../part.js";
import type { Output } from "../state/view.js";
import { plural } from "../../../extension/src/protocol/words/figures.js";
import { describeState } from "../../../extension/src/protocol/words/states.js";
import { isBusy, lookOf } from "../text/states.js";
import { failureView } from "./failure-view.js";
import { fileView } from "./preview-view.js";
import { reasonsView } from "./reasons-view.js";
import { Source, sourceView } from "./source-view.js";
import { tableView } from "./table-view.js";
import "./chart-view.js";
import "./log-view.js";

const sources = { default: "default", set: "set for this run", bind: "bound", input: "input file" } as const;

/** Whether what the host holds for a stage is worth asking for, and under which name it was asked. */
const wanted = (state: StageState, output: Output | undefined): string | null => {
  switch (state.is) {
    case "cached":
      return output?.rref === state.realization.rref ? null : state.realization.rref;
    case "running":
    case "failed":
    case "cancelled":
      return output === undefined ? state.is : null;
    default:
      return null;
  }
};

/** One stage as in a notebook. Away from the window it is an empty box of about its size. */
export class StageCell extends Part {
  static override properties = { near: { state: true } };
  declare desk: Desk;
  declare name: string;
  declare near: boolean;
  readonly #source = new Source();
  #asked: string | null = null;
  #watching = false;
  /** Whether the log was seen growing: then it stays open when the stage is done. */
  #live = false;

  constructor() {
    super();
    this.near = false;
  }

  protected override willUpdate(): void {
    if (this.near && !this.#watching) this.#watch();
    this.#ask();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // moved within the list: what it watched was given up when it left
    if (this.hasUpdated) this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watching = false;
  }

  #watch(): void {
    this.#watching = true;
    const { store, ui, clock } = this.desk;
    const redraw = (): void => {
      this.requestUpdate();
    };
    this.own(store.watch((view) => view.stages.get(this.name), redraw));
    this.own(store.watch((view) => view.outputs.get(this.name), redraw));
    this.own(store.watch((view) => view.head?.trusted, redraw));
    this.own(store.watch((view) => isBusy(view.run), redraw));
    this.own(clock.watch(redraw));
    this.own(
      ui.watch((now, before) => {
        if (now.folds !== before.folds || (now.selected === this.name) !== (before.selected === this.name)) redraw();
      }),
    );
  }

  /** Asks for the outputs once for each realization, when the cell comes near. */
  #ask(): void {
    const { view } = this.desk.store;
    const stage = view.stages.get(this.name);
    if (!this.near || stage === undefined) return;
    const want = wanted(stage.state, view.outputs.get(this.name));
    if (want !== null && want !== this.#asked) this.desk.send({ is: "outputs", stage: this.name });
    this.#asked = want;
  }

  #isOpen(part: string, otherwise: boolean): boolean {
    return this.desk.ui.ui.folds[`${this.name}/${part}`] ?? otherwise;
  }

  #fold(part: string, open: boolean): void {
    const { ui } = this.desk;
    ui.change({ folds: { ...ui.ui.folds, [`${this.name}/${part}`]: open } });
  }

  #section(part: string, title: string, summary: string, open: boolean, content: () => unknown): TemplateResult {
    const shown = this.#isOpen(part, open);
    return html`<section class="section ${part}">
      <button
        type="button"
        class="section-head"
        aria-expanded=${shown ? "true" : "false"}
        @click=${() => {
          this.#fold(part, !shown);
        }}
      >
        ${icon(shown ? "chevron-down" : "chevron-right")}<span class="section-title">${title}</span>
        <span class="section-summary">${summary}</span>
      </button>
      ${shown ? html`<div class="section-body">${content()}</div>` : nothing}
    </section>`;
  }

  #actions(stage: StageView, run: RunView | null, trusted: boolean): TemplateResult {
    const { send, store } = this.desk;
    const idle = trusted && !isBusy(run);
    const made = stage.state.is === "cached";
    const hasDependents = store.view.order.edges.some(([from]) => store.view.order.names[from] === stage.name);
    return html`<div class="cell-actions" role="toolbar" aria-label="What to do with ${stage.name}">
      ${button({
        kind: "secondary",
        label: "Realize",
        icon: "play",
        name: "realize",
        title: `Realize ${stage.name} and what it needs`,
        disabled: !idle || stage.state.is === "broken",
        press: () => {
          send({ is: "realize", stages: [stage.name] });
        },
      })}
      ${button({
        kind: "icon",
        label: `Invalidate ${stage.name}`,
        icon: "trash",
        name: "invalidate",
        disabled: !idle || !made,
        press: () => {
          send({ is: "invalidate", stage: stage.name, dependents: false });
        },
      })}
      ${
        hasDependents
          ? button({
              kind: "icon",
              label: `Invalidate ${stage.name} and all that depends on it`,
              icon: "clear-all",
              name: "invalidate-dependents",
              disabled: !idle,
              press: () => {
                send({ is: "invalidate", stage: stage.name, dependents: true });
              },
            })
          : nothing
      }
      ${button({
        kind: "icon",
        label: `Go to the source of ${stage.name}`,
        icon: "go-to-file",
        name: "reveal",
        press: () => {
          send({ is: "reveal", stage: stage.name });
        },
      })}
    </div>`;
  }

  #header(stage: StageView): TemplateResult {
    const { view } = this.desk.store;
    const look = lookOf(stage.state);
    const doc = stage.doc.split("\n")[0] ?? "";
    return html`<header class="cell-head">
      <span class="state-icon tone-${look.tone} ${stage.state.is === "running" ? "turning" : ""}"
        >${icon(look.icon)}</span
      >
      <div class="cell-title">
        <h2 id="title-${stage.name}" tabindex="-1">
          ${stage.name}${stage.guessed ? html`<span class="guess" title="Read from the source without running it: the planner may still correct this">guess</span>` : nothing}
        </h2>
        <p class="state-line tone-text-${look.tone}">${describeState(stage, this.desk.clock.now(), { since: true })}</p>
      </div>
      ${this.#actions(stage, view.run, view.head?.trusted ?? false)}
      ${doc === "" ? nothing : html`<p class="doc">${doc}</p>`}
    </header>`;
  }

  #progress(state: StageState): TemplateResult | typeof nothing {
    if (state.is !== "running") return nothing;
    const known = state.fraction !== undefined;
    return html`<progress
      class="cell-progress"
      aria-label="Progress of ${this.name}"
      max="1"
      .value=${known ? state.fraction : nothing}
      ?data-open=${!known}
    ></progress>`;
  }

  #parameters(stage: StageView): TemplateResult | typeof nothing {
    if (stage.parameters.length === 0) return nothing;
    const from = (text: string, source: keyof typeof sources): string =>
      source === "input" && text.startsWith("Env(") ? "environment" : sources[source];
    const rows = stage.parameters.map(({ name, text, source }) => [name, text, from(text, source)]);
    return this.#section("parameters", "Parameters", stage.parameters.map(({ name }) => name).join(", "), true, () =>
      tableView({ label: `Parameters of ${stage.name}`, columns: ["Name", "Value", "From"], rows, numbered: false }),
    );
  }

  #unread(failure: Failure): TemplateResult {
    const { send } = this.desk;
    return html`${failureView(failure, send, this.name)}
    ${button({
      kind: "secondary",
      label: "Read the outputs again",
      icon: "refresh",
      name: "read-again",
      press: () => {
        send({ is: "outputs", stage: this.name });
      },
    })}`;
  }

  #made(stage: StageView, output: Output | undefined): unknown {
    if (output === undefined) return nothing;
    this.#live ||= stage.state.is === "running";
    const live = this.#live || stage.state.is !== "cached";
    const { send } = this.desk;
    const parts: unknown[] = [];
    if (output.failure !== null) parts.push(this.#unread(output.failure));
    if (output.log.size > 0) {
      parts.push(
        this.#section(
          "log",
          "Log",
          "",
          live || output.previews.length === 0,
          () => html`<stage-log .log=${output.log} .send=${send} label="Log of ${stage.name}"></stage-log>`,
        ),
      );
    }
    if (output.curve.points.length > 0) {
      parts.push(
        this.#section(
          "curve",
          "Reported values",
          "",
          true,
          () =>
            html`<stage-chart
              .curve=${output.curve}
              .desk=${this.desk}
              label="Values reported by ${stage.name}"
            ></stage-chart>`,
        ),
      );
    }
    const { rref } = output;
    if (output.previews.length > 0 && rref !== null) {
      parts.push(
        this.#section(
          "outputs",
          "Outputs",
          plural(output.previews.length, "file"),
          true,
          () =>
            html`<div class="output-list">
              ${output.previews.map((preview) => fileView(preview, rref, send, stage.name))}
            </div>`,
        ),
      );
    }
    return parts;
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!this.near) return nothing;
    const { store, ui, send } = this.desk;
    const stage = store.view.stages.get(this.name);
    if (stage === undefined) return nothing;
    const { state } = stage;
    return html`<article
      class="cell tone-edge-${lookOf(state).tone} ${ui.ui.selected === stage.name ? "selected" : ""}"
      aria-labelledby="title-${stage.name}"
      @focusin=${() => {
        if (ui.ui.selected !== stage.name) ui.change({ selected: stage.name });
      }}
      @click=${() => {
        if (ui.ui.selected !== stage.name) ui.change({ selected: stage.name });
      }}
    >
      ${this.#progress(state)} ${this.#header(stage)}
      ${state.is === "failed" ? failureView(state.failure, send, stage.name) : nothing}
      ${state.is === "stale" && state.reasons.length > 0 ? reasonsView(stage.name, state.reasons, send) : nothing}
      ${this.#section("source", "Source", stage.function === stage.name ? "" : stage.function, true, () =>
        sourceView(stage, this.#source, this.#isOpen("whole", false), (whole) => {
          this.#fold("whole", whole);
        }),
      )}
      ${this.#parameters(stage)} ${this.#made(stage, store.view.outputs.get(stage.name))}
    </article>`;
  }
}

customElements.define("stage-cell", StageCell);
