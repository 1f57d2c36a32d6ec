import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { failure } from "../../../src/kernels/answer.js";
import { Failures } from "../../../src/views/failures.js";

const editor = vi.hoisted(() => ({
  terminals: [] as Record<string, unknown>[],
  sent: [] as string[],
  said: [] as string[],
  executed: [] as unknown[][],
  /** What the user clicks; null: the first there is. */
  click: null as Promise<string | undefined> | null,
}));

vi.mock("vscode", () => ({
  commands: { executeCommand: (...words: unknown[]) => Promise.resolve(editor.executed.push(words)) },
  window: {
    showErrorMessage: (message: string, ...actions: string[]) => {
      editor.said.push(message);
      return editor.click ?? Promise.resolve(actions[0]);
    },
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
  editor.said.length = 0;
  editor.executed.length = 0;
  editor.click = null;
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

it("several failures of a run are told together, the first one first", async () => {
  const broken = failure("exception", "ValueError: no", { advice: "Look at the traceback." });
  const stages = ["a", "b", "c"].map((stage) => ({ stage, failure: broken }));
  await new Failures(log).showSeveral({ folder: "f", path: "p.py" }, stages);
  expect(editor.said).toEqual(['3 stages failed: a, b, c. First "a": ValueError: no. Look at the traceback.']);
  expect(editor.executed).toEqual([["stageloom.openPanel", { folder: "f", path: "p.py", stage: "a" }]]);
  const more = Array.from({ length: 7 }, (_, at) => ({ stage: `s${at}`, failure: broken }));
  await new Failures(log).showSeveral({ folder: "f", path: "p.py" }, more);
  expect(editor.said[1]).toMatch(/^7 stages failed: s0, s1, s2, s3, s4 and 2 more\. First "s0"/);
});

it("what is told of an earlier run goes when another begins, and nothing else does", async () => {
  const failures = new Failures(log);
  await failures.hide();
  expect(editor.executed).toEqual([]);
  let dismiss: () => void = () => undefined;
  editor.click = new Promise((done) => {
    dismiss = () => {
      done(undefined);
    };
  });
  const first = failures.show(failure("exception", "no"));
  await failures.hide();
  await failures.hide();
  expect(editor.executed).toEqual([["notifications.hideToasts"]]);
  // VS Code ends a message when the same is said again, which is then in sight
  const earlier = dismiss;
  editor.click = new Promise((done) => {
    dismiss = () => {
      done(undefined);
    };
  });
  const second = failures.show(failure("exception", "no"));
  earlier();
  await first;
  await failures.hide();
  expect(editor.executed).toEqual([["notifications.hideToasts"], ["notifications.hideToasts"]]);
  dismiss();
  await second;
  await failures.hide();
  expect(editor.executed.length).toBe(2);
});
