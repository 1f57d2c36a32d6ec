import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { failure } from "../../../src/kernels/answer.js";
import { Failures } from "../../../src/views/failures.js";

const editor = vi.hoisted(() => ({ terminals: [] as Record<string, unknown>[], sent: [] as string[] }));

vi.mock("vscode", () => ({
  window: {
    showErrorMessage: (_: string, ...actions: string[]) => Promise.resolve(actions[0]),
    createTerminal: (options: Record<string, unknown>) => {
      editor.terminals.push(options);
      return { show: () => undefined, sendText: (text: string) => editor.sent.push(text) };
    },
  },
}));

// safe: the log's errors are all that is written
const log = { error: () => undefined } as unknown as vscode.LogOutputChannel;
const command = '"C:\\Program Files\\Python\\python.exe" -m pip install numpy';
const lacking = failure("missing-package", 'No module named "numpy"', { package: "numpy", command });

beforeEach(() => {
  vi.stubEnv("ComSpec", "C:\\Windows\\System32\\cmd.exe");
});
afterEach(() => {
  vi.unstubAllEnvs();
  editor.terminals.length = 0;
  editor.sent.length = 0;
});

it("a package is installed in the shell that the command is quoted for", async () => {
  await new Failures(log, "win32").show(lacking);
  await new Failures(log, "linux").show(lacking);
  expect(editor.terminals).toEqual([
    { name: "Stageloom", shellPath: "C:\\Windows\\System32\\cmd.exe" },
    { name: "Stageloom" },
  ]);
  expect(editor.sent).toEqual([command, command]);
});
