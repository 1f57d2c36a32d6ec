import { html, nothing, type TemplateResult } from "lit";

/** A plain table of texts; the first column heads the rows where `numbered` is true. */
export const tableView = (options: {
  readonly label: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly numbered: boolean;
}): TemplateResult => {
  const { label, columns, rows, numbered } = options;
  return html`<div class="table-box" tabindex="0" role="region" aria-label=${label}>
    <table class="data">
      ${
        columns.length === 0
          ? nothing
          : html`<thead>
              <tr>
                ${numbered ? html`<th scope="col"><span class="visually-hidden">Row</span></th>` : nothing}
                ${columns.map((column) => html`<th scope="col">${column}</th>`)}
              </tr>
            </thead>`
      }
      <tbody>
        ${rows.map(
          (row, index) =>
            html`<tr>
              ${numbered ? html`<th scope="row">${index}</th>` : nothing}
              ${row.map((value) => html`<td class=${value.trim() !== "" && Number.isFinite(Number(value)) ? "figure" : ""}>${value}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
};
