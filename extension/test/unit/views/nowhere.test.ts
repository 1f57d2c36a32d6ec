import { readFileSync } from "node:fs";

import { expect, it, vi } from "vitest";

import { Nowhere } from "../../../src/views/nowhere.js";

const editor = vi.hoisted(() => ({
  commands: new Map<string, () => Promise<void>>(),
  executed: [] as string[],
  messages: [] as string[],
  answer: undefined as string | undefined,
}));

vi.mock("vscode", () => ({
  commands: {
    registerCommand: (name: string, run: () => Promise<void>) => {
      editor.commands.set(name, run);
      return { dispose: () => editor.commands.delete(name) };
    },
    executeCommand: (name: string) => Promise.resolve(editor.executed.push(name)),
  },
  window: {
    showInformationMessage: (message: string) => {
      editor.messages.push(message);
      return Promise.resolve(editor.answer);
    },
  },
}));

it("every command of the palette says that a folder is needed, and opens one", async () => {
  // safe: the manifest lists its commands so, and VS Code would not load it otherwise
  const manifest = JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8")) as {
    contributes: { commands: { command: string }[] };
  };
  const nowhere = new Nowhere(manifest);
  expect([...editor.commands.keys()]).toEqual(manifest.contributes.commands.map(({ command }) => command));
  const realize = editor.commands.get("stageloom.realize");
  await realize?.();
  expect(editor.messages).toEqual([expect.stringContaining("folder")]);
  expect(editor.executed).toEqual([]);
  editor.answer = "Open Folder …";
  await realize?.();
  expect(editor.executed).toEqual(["vscode.openFolder"]);
  await nowhere.dispose();
  expect(editor.commands.size).toBe(0);
});
