import { expect, it } from "vitest";

import { foldersNote } from "../../../src/views/folders-note.js";

it("a workspace with several folders is told whose pipelines it shows, and what to do for the others", () => {
  expect(foldersNote([])).toBe("");
  expect(foldersNote(["model"])).toBe("");
  expect(foldersNote(["model", "data"])).toMatch(
    /^Pipelines of “model” alone.*“data”.*Open it in a window of its own\.$/,
  );
  expect(foldersNote(["model", "data", "paper"])).toMatch(/“data”, “paper”.*Open each/);
});
