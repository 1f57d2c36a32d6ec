import type { FilePreview } from "../protocol/kernel/messages.gen.js";
import { size } from "../protocol/words/figures.js";

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
        preview.low === null ? "" : `range  ${preview.low} … ${preview.high ?? ""}, mean ${preview.mean ?? ""}\n`;
      const more = preview.truncated ? "\n…\n" : "\n";
      const head = `shape  (${preview.shape.join(", ")})\ndtype  ${preview.dtype}\n${range}size   ${size(file.size)}\n\n`;
      return { text: head + columns(preview.rows) + more, language: "plaintext" };
    }
    case "table": {
      const total = preview.total === null ? "" : `${preview.total} rows, ${preview.columns.length} columns\n\n`;
      return { text: `${total}${columns([preview.columns, ...preview.rows])}\n`, language: "plaintext" };
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

function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  return rows.map((row) => row.map((cell, index) => cell.padStart(widths[index] ?? 0)).join("  ")).join("\n");
}
