import { describe, expect, it } from "vitest";

import { failure } from "../../../src/kernels/answer.js";
import type { FilePreview } from "../../../src/protocol/kernel/messages.gen.js";
import { previewText } from "../../../src/views/preview-text.js";

const file = { path: "return/xs.npy", size: 1200, label: "xs", media: "application/x-npy" };
const shown = (preview: FilePreview["preview"], failed: FilePreview["failure"] = null): string | undefined =>
  previewText({ file, preview, failure: failed })?.text;

describe("a preview as text", () => {
  it("tells an array's shape, type and range, and its first values in columns", () => {
    const rows = [
      ["1", "20"],
      ["300", "4"],
    ];
    expect(
      shown({
        is: "array",
        shape: [100, 2],
        dtype: "float64",
        low: 1,
        high: 300,
        mean: 81.25,
        rows,
        truncated: true,
        line: [],
      }),
    ).toBe("shape  (100, 2)\ndtype  float64\nrange  1 … 300, mean 81.25\nsize   1.2 kB\n\n  1  20\n300   4\n…\n");
  });

  it("lays out a table", () => {
    expect(shown({ is: "table", columns: ["a", "bb"], rows: [["10", "2"]], total: 1 })).toBe(
      "1 row, 2 columns\n\n a  bb\n10   2\n",
    );
    const rows = [
      ["x", "2"],
      ["longer", "10"],
    ];
    expect(shown({ is: "table", columns: ["name", "n"], rows, total: null })).toBe(
      "name     n\nx        2\nlonger  10\n",
    );
  });

  it("leaves a picture to the picture viewer", () => {
    expect(shown({ is: "image", media: "image/png", data: "" })).toBeUndefined();
  });

  it("says that text was cut, why bytes are not shown, and why there is nothing", () => {
    expect(shown({ is: "text", text: "a", language: "json", truncated: true })).toContain("left out");
    expect(shown({ is: "binary", note: "A pickle is never opened.", head: "80 04" })).toBe(
      "A pickle is never opened.\n\n80 04\n",
    );
    expect(shown(null, failure("damaged", "Damaged.", { advice: "Realize again." }))).toBe(
      "Damaged.\nRealize again.\n",
    );
  });
});
