import { chmodSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const one = `from stageloom import stage


@stage
def one():
    return 1
`;

/** Deletes a store as the guide says: its trees are read-only. */
const deleteStore = (folder: string): void => {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(path.join(entry.parentPath, entry.name), 0o755);
  }
  rmSync(folder, { recursive: true });
};

test("a store that is deleted under the editor is begun anew, without a hand", async ({ open }) => {
  const editor = await open({ files: { "one.py": one }, open: "one.py" });
  const { lenses } = editor;
  await lenses.read("def one(", /never realized/, startPatience);
  await lenses.click("def one(", /^Realize$/);
  await lenses.read("def one(", /cached/, startPatience);
  deleteStore(path.join(editor.workspace, ".stageloom"));
  await lenses.read("def one(", /never realized/, startPatience);
  await lenses.click("def one(", /^Realize$/);
  await lenses.read("def one(", /cached/, startPatience);
});
