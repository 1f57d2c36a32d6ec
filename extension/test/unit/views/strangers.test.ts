import { expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { Strangers } from "../../../src/views/strangers.js";

const editor = vi.hoisted(() => ({ folders: [] as unknown[] }));

vi.mock("vscode", async () => {
  const { Emitter } = await import("../../../src/lifetime.js");
  const nothing = { dispose: () => undefined };
  return {
    EventEmitter: Emitter,
    Range: class {
      readonly start: unknown;
      constructor(start: unknown) {
        this.start = start;
      }
    },
    CodeLens: class {
      readonly command: unknown;
      constructor(_: unknown, command: unknown) {
        this.command = command;
      }
    },
    Uri: { file: (fsPath: string) => ({ fsPath }) },
    languages: { registerCodeLensProvider: () => nothing },
    workspace: {
      get workspaceFolders() {
        return editor.folders;
      },
      onDidChangeWorkspaceFolders: () => nothing,
    },
  };
});

const STAGES =
  "from stageloom import stage\n\n\n@stage\ndef one():\n    return 1\n\n\n@stage\ndef two(one):\n    return 2\n";

const documentOf = (text: string): vscode.TextDocument => {
  const document = { uri: { fsPath: "/elsewhere/pipeline.py" }, getText: () => text, positionAt: (at: number) => at };
  // safe: of a document these are the parts that are asked
  return document as unknown as vscode.TextDocument;
};

it("a file of stages in no open folder says once what to do; its own window keeps what it works on", () => {
  const strangers = new Strangers(() => false);
  const command = (): unknown => strangers.provideCodeLenses(documentOf(STAGES)).map((lens) => lens.command);
  const open = (forceNewWindow: boolean): unknown =>
    expect.objectContaining({
      command: "vscode.openFolder",
      arguments: [{ fsPath: "/elsewhere" }, { forceNewWindow }],
    });
  expect(command()).toEqual([open(false)]);
  editor.folders = [{}];
  expect(command()).toEqual([open(true)]);
});

it("files without stages, and those of open folders, are let be", () => {
  expect(new Strangers(() => false).provideCodeLenses(documentOf("def one():\n    return 1\n"))).toEqual([]);
  expect(new Strangers(() => true).provideCodeLenses(documentOf(STAGES))).toEqual([]);
});
