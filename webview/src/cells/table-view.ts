import { html, nothing, type TemplateResult } from "lit";

const isFigure = (text = ""): boolean => text.trim() !== "" && Number.isFinite(Number(text));

/** A plain table of texts; the first column heads the rows where `numbered` is true. */
export const tableView = (options: {
  readonly label: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly numbered: boolean;
}): TemplateResult => {
  const { label, columns, rows, numbered } = options;
  // a column's name stands over its figures
  const figures = columns.map(
    (_, at) => rows.some((row) => isFigure(row[at])) && rows.every((row) => isFigure(row[at]) || row[at] === ""),
  );
  return html`<div class="table-box" tabindex="0" role="region" aria-label=${label}>
    <table class="data">
      ${
        columns.length === 0
          ? nothing
          : html`<thead>
              <tr>
                ${numbered ? html`<th scope="col"><span class="visually-hidden">Row</span></th>` : nothing}
                ${columns.map((column, at) => html`<th scope="col" class=${figures[at] === true ? "figure" : ""}>${column}</th>`)}
              </tr>
            </thead>`
      }
      <tbody>
        ${rows.map(
          (row, index) =>
            html`<tr>
              ${numbered ? html`<th scope="row">${index}</th>` : nothing}
              ${row.map((value) => html`<td class=${isFigure(value) ? "figure" : ""}>${value}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
};
