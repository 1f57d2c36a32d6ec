import { test as base } from "vitest";
import { EmbeddedEditor, type OpenOptions } from "./embedded-editor.js";

/**
 * A test with an editor: `test("…", async ({ open }) => { const editor = await open({ example: "annealing" }); … })`.
 * Every editor it opened is ended after it, with traces left in test-results/failures where it failed.
 */
export const test = base.extend<{ open: (options: OpenOptions) => Promise<EmbeddedEditor> }>({
  open: async ({ task }, use) => {
    const editors: EmbeddedEditor[] = [];
    await use(async (options) => {
      const editor = await EmbeddedEditor.start(options);
      editors.push(editor);
      return editor;
    });
    for (const editor of editors) {
      // hooks for failed tests come after this, when there is nothing left to look at
      if (task.result?.state === "fail") await editor.keepTraces(task.name);
      await editor.stop();
    }
  },
});
