import { test as base } from "vitest";
import { EmbeddedEditor, type OpenOptions } from "./embedded-editor.js";

/**
 * A test with an editor: `test("…", async ({ open }) => { const editor = await open({ example: "annealing" }); … })`.
 * Every editor it opened is ended after it, with traces left in test-results/failures where it failed.
 */
export const test = base.extend<{ open: (options: OpenOptions) => Promise<EmbeddedEditor> }>({
  open: async ({ task, onTestFailed }, use) => {
    const editors: EmbeddedEditor[] = [];
    onTestFailed(async () => {
      for (const editor of editors) await editor.keepTraces(task.name);
    });
    await use(async (options) => {
      const editor = await EmbeddedEditor.start(options);
      editors.push(editor);
      return editor;
    });
    for (const editor of editors) await editor.stop();
  },
});
