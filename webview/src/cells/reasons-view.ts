import { html, nothing, type TemplateResult } from "lit";
import type { Reason, Send } from "../contract.js";
import { button } from "../kit.js";

const comparable = (reason: Reason): boolean =>
  reason.before !== null || reason.after !== null || ["code", "parameter", "input"].includes(reason.kind);

/** Why a stage is stale, and the way to the difference. */
export const reasonsView = (stage: string, reasons: readonly Reason[], send: Send): TemplateResult =>
  html`<section class="reasons" aria-label="Why ${stage} is stale">
    <ul>
      ${reasons.map((reason) => html`<li>${reason.summary}</li>`)}
    </ul>
    ${
      reasons.some(comparable)
        ? button({
            kind: "secondary",
            label: "Show difference",
            icon: "diff",
            name: "diff",
            press: () => {
              send({ is: "diff", stage });
            },
          })
        : nothing
    }
  </section>`;
