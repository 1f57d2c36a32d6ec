import assert from "node:assert/strict";
import path from "node:path";
import * as vscode from "vscode";
import type { StageloomApi } from "../../src/extension.js";

/** The extension under test, activated. */
async function activated(): Promise<StageloomApi> {
  const extension = vscode.extensions.getExtension<StageloomApi | null>("stageloom.stageloom");
  assert.ok(extension !== undefined, "VS Code doesn't know the extension");
  const api = await extension.activate();
  assert.ok(api !== null, "no workspace folder is open");
  return api;
}

async function openPipeline(): Promise<vscode.Uri> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder !== undefined, "the tests open a workspace");
  const uri = vscode.Uri.file(path.join(folder.uri.fsPath, "pipeline.py"));
  await vscode.window.showTextDocument(uri);
  return uri;
}

describe("activation", () => {
  it("offers its model to other extensions", async () => {
    const api = await activated();
    assert.match(api.version, /^\d+\.\d+\.\d+$/);
    await api.discovered;
  });

  it("registers every command of its manifest", async () => {
    await activated();
    const extension = vscode.extensions.getExtension("stageloom.stageloom");
    // safe: a manifest with commands has this shape, or VS Code refuses it
    const manifest = extension?.packageJSON as { contributes: { commands: { command: string }[] } };
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = manifest.contributes.commands
      .map(({ command }) => command)
      .filter((command) => !known.has(command));
    assert.deepEqual(missing, []);
  });

  it("puts Realize and Invalidate over every stage, before any kernel runs", async () => {
    await activated();
    const uri = await openPipeline();
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", uri, 100);
    const titles = lenses.map(({ command }) => command?.title ?? "");
    assert.equal(titles.filter((title) => title === "Realize").length, 3);
    assert.equal(titles.filter((title) => title === "Invalidate").length, 3);
  });
});
