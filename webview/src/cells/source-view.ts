import { html, nothing, type TemplateResult } from "lit";
import type { StageView } from "../contract.js";
import { pythonLines, type Token } from "../text/python.js";

/** Lines shown of a long source until it is opened. */
export const SHORT = 18;

/** Colours a stage's source; keeps the last one, since a cell is drawn more often than its source changes. */
export class Source {
  #text = "";
  #lines: Token[][] = [];

  lines(text: string): readonly Token[][] {
    if (text !== this.#text) {
      this.#text = text;
      this.#lines = pythonLines(text.replace(/\s+$/, ""));
    }
    return this.#lines;
  }
}

/** The source with its line numbers. Beyond a few more than `SHORT` lines the rest is shown on demand. */
export const sourceView = (
  stage: StageView,
  source: Source,
  whole: boolean,
  toggle: (whole: boolean) => void,
): TemplateResult => {
  const lines = source.lines(stage.source);
  const long = lines.length > SHORT + 4;
  const shown = long && !whole ? lines.slice(0, SHORT) : lines;
  const width = (stage.line + lines.length).toString().length;
  return html`<div class="source">
      <pre tabindex="0" role="region" aria-label="Source of ${stage.name}"><code>${shown.map(
        (tokens, index) =>
          html`<span class="code-line"
            ><span class="line-number" aria-hidden="true">${(stage.line + index + 1).toString().padStart(width)}</span
            >${tokens.map((token) =>
              token.kind === "" ? token.text : html`<span class=${token.kind}>${token.text}</span>`,
            )}${"\n"}</span
          >`,
      )}</code></pre>
    </div>
    ${
      long
        ? html`<button
            class="more"
            type="button"
            aria-expanded=${whole ? "true" : "false"}
            @click=${() => {
              toggle(!whole);
            }}
          >
            ${whole ? "Show less" : `Show all ${lines.length.toString()} lines`}
          </button>`
        : nothing
    }`;
};
