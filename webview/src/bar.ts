import { html, nothing, type TemplateResult } from "lit";
import type { RunView } from "./contract.js";
import { button, icon, progressRing } from "./kit.js";
import { Part, type Desk } from "./part.js";
import { duration, plural } from "../../extension/src/protocol/words/figures.js";
import { isBusy, problemPlace, runWords, standWords } from "./text/states.js";

/** The top of the panel: what it shows, how the run goes, and what can be done with all of it. */
export class TopBar extends Part {
  declare desk: Desk;

  override connectedCallback(): void {
    super.connectedCallback();
    const { store } = this.desk;
    const redraw = (): void => {
      this.requestUpdate();
    };
    this.own(store.watch((view) => view.head, redraw));
    this.own(store.watch((view) => view.run, redraw));
    this.own(store.watch((view) => view.stages, redraw));
    this.own(store.watch((view) => view.order, redraw));
  }

  /** The run under way, else how all stages stand. */
  #state(run: RunView | null): TemplateResult | typeof nothing {
    if (run !== null && isBusy(run)) {
      const words = runWords(run);
      return html`<div class="run" role="status" data-run=${run.is} title=${words}>
        ${progressRing(words)}<span>${words}</span>
      </div>`;
    }
    const stages = [...this.desk.store.view.stages.values()];
    const expected = stages.reduce((seconds, { expects }) => seconds + (expects ?? 0), 0);
    const stand = standWords(
      stages.map(({ state }) => state),
      expected,
    );
    if (stand === null) return nothing;
    const { look, words, forecast } = stand;
    return html`<div class="run" role="status" title=${forecast === "" ? words : `${words}. ${forecast}`}>
      <span class="state-icon tone-${look.tone}">${icon(look.icon)}</span
      ><span>${expected < 1 ? words : `${words} · about ${duration(expected)}`}</span>
    </div>`;
  }

  #actions(run: RunView | null, trusted: boolean, count: number): TemplateResult {
    const { send } = this.desk;
    const busy = isBusy(run);
    return html`<div class="bar-actions" role="toolbar" aria-label="Pipeline">
      ${button({
        kind: "icon",
        label: "Undo invalidation",
        icon: "discard",
        name: "undo",
        disabled: !trusted || busy,
        press: () => {
          send({ is: "undo" });
        },
      })}
      ${
        busy
          ? button({
              kind: "secondary",
              label: "Cancel",
              icon: "debug-stop",
              name: "cancel",
              disabled: run?.is === "cancelling",
              press: () => {
                send({ is: "cancel" });
              },
            })
          : button({
              kind: "primary",
              label: "Realize all",
              icon: "run-all",
              name: "realize-all",
              disabled: !trusted || count === 0,
              press: () => {
                send({ is: "realize", stages: [] });
              },
            })
      }
    </div>`;
  }

  #problems(): TemplateResult | typeof nothing {
    const problems = this.desk.store.view.head?.problems ?? [];
    if (problems.length === 0) return nothing;
    const worst = problems.some((problem) => problem.severity === "error") ? "error" : "warning";
    return html`<details class="problems ${worst}" open>
      <summary>${icon(worst)} ${plural(problems.length, "problem")} in the source</summary>
      <ul>
        ${problems.map(
          (problem) =>
            html`<li>
              <span>${problem.message}</span>
              <button
                type="button"
                class="link"
                @click=${() => {
                  this.desk.send({ is: "open-frame", path: problem.span.path, line: problem.span.line });
                }}
              >
                ${problemPlace(problem)}
              </button>
            </li>`,
        )}
      </ul>
    </details>`;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { head, run, order } = this.desk.store.view;
    if (head === null) return nothing;
    const count = order.names.length;
    const busy = isBusy(run);
    return html`<div class="bar">
        <div class="bar-title">
          <h1 title=${head.path}>${head.title}</h1>
          <span class="bar-count">${plural(count, "stage")}</span>
        </div>
        ${this.#state(run)} ${this.#actions(run, head.trusted, count)}
      </div>
      ${
        busy && run !== null
          ? html`<progress
              class="bar-progress"
              aria-label=${runWords(run)}
              max=${Math.max(1, run.total)}
              .value=${run.is === "planning" ? 0 : run.finished}
            ></progress>`
          : nothing
      }
      ${
        head.trusted
          ? nothing
          : html`<p class="strip" role="note">
              ${icon("shield")}<span
                >This folder is not trusted, so nothing runs here. Trust the workspace to realize its stages.</span
              >
            </p>`
      }
      ${this.#problems()}`;
  }
}

customElements.define("stage-bar", TopBar);
