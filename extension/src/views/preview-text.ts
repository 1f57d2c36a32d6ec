import type { FilePreview } from "../protocol/kernel/messages.gen.js";
import { plural, shortNumber, size } from "../protocol/words/figures.js";

/** What a preview says, as a text to read; null for a picture. */
export function previewText({
  file,
  preview,
  failure,
}: FilePreview): { readonly text: string; readonly language: string } | null {
  if (preview === null)
    return {
      text: failure === null ? "There is no preview.\n" : `${failure.message}\n${failure.advice}\n`,
      language: "plaintext",
    };
  switch (preview.is) {
    case "image":
      return null;
    case "array": {
      const range =
        preview.low === null ? "" : `range  ${told(preview.low)} … ${told(preview.high)}, mean ${told(preview.mean)}\n`;
      const more = preview.truncated ? "\n…\n" : "\n";
      const head = `shape  (${preview.shape.join(", ")}${preview.shape.length === 1 ? "," : ""})\ndtype  ${preview.dtype}\n${range}size   ${size(file.size)}\n\n`;
      return { text: head + columns(preview.rows) + more, language: "plaintext" };
    }
    case "table": {
      const total =
        preview.total === null
          ? ""
          : `${plural(preview.total, "row")}, ${plural(preview.columns.length, "column")}\n\n`;
      return { text: `${total}${columns([preview.columns, ...preview.rows], true)}\n`, language: "plaintext" };
    }
    case "text":
      return {
        text: preview.truncated ? `${preview.text}\n… the rest was left out\n` : preview.text,
        language: preview.language,
      };
    case "binary":
      return { text: `${preview.note}\n\n${preview.head}\n`, language: "plaintext" };
  }
}

function told(value: number | null): string {
  return value === null ? "" : shortNumber(value);
}

/** Texts begin, and figures end, one under the other. */
function columns(rows: readonly (readonly string[])[], headed = false): string {
  const widths: number[] = [];
  const texts = new Set<number>();
  rows.forEach((row, at) => {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
      if (!(headed && at === 0) && cell.trim() !== "" && Number.isNaN(Number(cell))) texts.add(column);
    });
  });
  const aligned = (cell: string, column: number): string =>
    texts.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(aligned).join("  ").trimEnd()).join("\n");
}
