import * as assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { before, describe, it } from "mocha";
import * as vscode from "vscode";
import type { StageloomApi } from "../../src/extension.js";
import type { RunOutcome } from "../../src/pipelines/runs.js";

const text = `import time

from stageloom import report, stage


@stage
def base(n=3):
    print("making the base")
    return list(range(n))


@stage
def slow(base):
    for step in range(600):
        report(step=step, total=600, value=step)
        time.sleep(0.1)
    return base


@stage
def bad(base):
    return {}["lost"]
`;

describe("realizing", () => {
  const path = "realize.py";
  let api: StageloomApi;
  let document: vscode.TextDocument;

  const state = (stage: string): string => api.model.stage(path, stage)?.view.state.is ?? "nothing";
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    const end = Date.now() + 40_000;
    while (!holds()) {
      if (Date.now() > end) throw new Error(`${what} did not come`);
      await wait(20);
    }
  };
  const realize = (stage: string): Thenable<RunOutcome> =>
    vscode.commands.executeCommand<RunOutcome>("stageloom.realize", { path, stage });

  before(async () => {
    const found = vscode.extensions.getExtension<StageloomApi | null>("stageloom.stageloom");
    const activated = await found?.activate();
    assert.ok(activated, "the extension is not active");
    api = activated;
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    const uri = vscode.Uri.joinPath(folder.uri, path);
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
    document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document);
    await until("the stages", () => api.model.stage(path, "base") !== null);
    api.model.need(path);
  });

  it("runs what is missing, then nothing", async () => {
    const first = await realize("base");
    assert.deepEqual([first.is, first.is === "done" && first.made], ["done", ["base"]]);
    assert.equal(state("base"), "cached");
    assert.equal(api.model.recorded(path, "base")?.log, "making the base\n");
    const second = await realize("base");
    assert.deepEqual([second.is, second.is === "done" && second.made], ["done", []]);
  });

  it("saves first, and goes stale with what is typed", async () => {
    const edit = new vscode.WorkspaceEdit();
    const at = document.getText().indexOf("n=3") + 2;
    edit.replace(document.uri, new vscode.Range(document.positionAt(at), document.positionAt(at + 1)), "4");
    await vscode.workspace.applyEdit(edit);
    await until("the stale state", () => state("base") === "stale");
    assert.ok(document.isDirty);
    assert.equal((await realize("base")).is, "done");
    assert.ok(!document.isDirty);
  });

  it("is cancelled at once, and leaves what was finished", async () => {
    const outcome = realize("slow");
    await until("the first report", () => (api.model.recorded(path, "slow")?.points.length ?? 0) > 2);
    assert.equal(state("slow"), "running");
    const started = Date.now();
    await vscode.commands.executeCommand("stageloom.cancel", { path });
    assert.equal((await outcome).is, "cancelled");
    assert.ok(Date.now() - started < 5000, `cancelling took ${Date.now() - started} ms`);
    assert.deepEqual([state("base"), state("slow")], ["cached", "cancelled"]);
  });

  it("says of a stage that it waits while no worker is free", async () => {
    const { uri } = document;
    const crowd = "crowd.py";
    const stages = ["a", "b", "c"].map((name) => `@stage\ndef ${name}():\n    time.sleep(2)\n    return 1\n`);
    const source = `import time\nfrom stageloom import stage\n${stages.join("\n")}`;
    const beside = vscode.Uri.joinPath(uri, "..", crowd);
    await vscode.workspace.fs.writeFile(beside, new TextEncoder().encode(source));
    await until("the crowd", () => api.model.stage(crowd, "c") !== null);
    api.model.need(crowd);
    const states = (): string[] =>
      ["a", "b", "c"].map((name) => {
        const standing = api.model.stage(crowd, name)?.view.state;
        return standing?.is === "waiting" ? `waiting for a ${standing.awaits ?? "stage"}` : (standing?.is ?? "");
      });
    const outcome = vscode.commands.executeCommand<RunOutcome>("stageloom.realizeAll", { path: crowd });
    await until("two that run", () => states().filter((is) => is === "running").length === 2);
    assert.ok(states().includes("waiting for a worker"), states().join(", "));
    assert.deepEqual([...states()].sort(), ["running", "running", "waiting for a worker"]);
    assert.equal((await outcome).is, "done");
    assert.deepEqual(states(), ["cached", "cached", "cached"]);
    await vscode.workspace.fs.delete(beside);
  });

  it("fails with the line of the stage under the error", async () => {
    const outcome = await realize("bad");
    assert.equal(outcome.is, "failed");
    assert.equal(state("bad"), "failed");
    await until("the diagnostic", () =>
      vscode.languages
        .getDiagnostics(document.uri)
        .some(({ range }) => document.lineAt(range.start.line).text.includes('{}["lost"]')),
    );
  });

  it("forgets and remembers", async () => {
    const hidden = await api.model.invalidate(path, ["base"], true);
    assert.ok(hidden.is === "done" && hidden.result.rrefs.length >= 1);
    await until("the invalidated state", () => state("base") !== "cached");
    const back = await api.model.undo(hidden.result.sequence);
    assert.equal(back.is, "done");
    await until("the cached state", () => state("base") === "cached");
  });

  it("lists what it made, and shows a preview of it", async () => {
    const listed = await api.artifacts.list();
    assert.ok(listed?.is === "done");
    const made = listed.result.stages.find((one) => one.path === path && one.stage === "base")?.realizations[0];
    assert.ok(made);
    const outputs = await api.artifacts.outputs(path, "base");
    assert.equal(outputs.log, "making the base\n");
    const [file] = made.files;
    assert.ok(file);
    await vscode.commands.executeCommand("stageloom.artifact.preview", {
      rref: made.realization.rref,
      file: file.path,
    });
    assert.equal(vscode.window.activeTextEditor?.document.uri.scheme, "stageloom");
  });
});
