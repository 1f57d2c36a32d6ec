import * as assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";

const patience = 30_000;

/** The workspace that the tests were given. */
function folder(): vscode.Uri {
  const [first] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(first, "the tests need a workspace");
  return first.uri;
}

async function eventually<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + patience;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} did not come within ${patience / 1000} s`);
    await wait(100);
  }
}

async function open(name: string, text?: string): Promise<vscode.TextDocument> {
  const uri = vscode.Uri.joinPath(folder(), name);
  if (text !== undefined) await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document);
  return document;
}

async function replace(document: vscode.TextDocument, before: string, after: string): Promise<void> {
  const at = document.getText().indexOf(before);
  assert.ok(at >= 0, `there is no ${before}`);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(document.positionAt(at), document.positionAt(at + before.length)), after);
  assert.ok(await vscode.workspace.applyEdit(edit));
}

function place(document: vscode.TextDocument, text: string, into = 0): vscode.Position {
  const at = document.getText().indexOf(text);
  assert.ok(at >= 0, `there is no ${text}`);
  return document.positionAt(at + into);
}

async function rawLenses({ uri }: vscode.TextDocument): Promise<readonly vscode.CodeLens[]> {
  const found = await vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", uri, 100);
  return found.filter(({ command }) => command?.command.startsWith("_stageloom.lens."));
}

/** The titles over each stage, by the line that they stand over. */
async function lenses(document: vscode.TextDocument): Promise<Map<number, string[]>> {
  const lines = new Map<number, string[]>();
  for (const { range, command } of await rawLenses(document)) {
    if (command === undefined) continue;
    lines.set(range.start.line, [...(lines.get(range.start.line) ?? []), command.title]);
  }
  return lines;
}

async function linesWithLenses(document: vscode.TextDocument): Promise<string[]> {
  const lines = await lenses(document);
  return [...lines.keys()].sort((left, right) => left - right).map((line) => document.lineAt(line + 1).text);
}

function problems(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter(({ source }) => source === "stageloom");
}

const steps = `from stageloom import stage


@stage
def first():
    return 1


@stage
def second(first, k=1):
    return first * k


quick = second.bind(first=first, k=2)
`;

const user = `from stageloom import stage
from steps import first


@stage
def third(first):
    return first
`;

describe("stages in the source", () => {
  before(async () => {
    await vscode.extensions.getExtension("stageloom.stageloom")?.activate();
  });

  after(async () => {
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
  });

  it("have Realize, Invalidate and their state over them", async () => {
    const document = await open("pipeline.py");
    assert.deepEqual(
      (await linesWithLenses(document)).map((line) => /def (\w+)/.exec(line)?.[1]),
      ["params", "anneal", "plot"],
    );
    for (const [first, second, state, ...rest] of (await lenses(document)).values()) {
      assert.deepEqual([first, second, rest], ["Realize", "Invalidate", []]);
      assert.notEqual(state, "");
    }
  });

  it("have lenses that still act when VS Code shows them past their time", async () => {
    const document = await open("pipeline.py");
    const first = await rawLenses(document);
    const again = await rawLenses(document);
    // the arguments of a command go with the lens that VS Code gives up: none has any
    assert.deepEqual(
      [...first, ...again].filter(({ command }) => (command?.arguments ?? []).length > 0),
      [],
    );
    const realize = first.find(({ command }) => command?.title === "Realize")?.command;
    assert.ok(again.some(({ command }) => command?.command === realize?.command));
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    await open("pipeline.py");
    const state = (await rawLenses(document)).find(({ command }) => /realized|cached/.test(command?.title ?? ""));
    await vscode.commands.executeCommand(state?.command?.command ?? "");
    const panels = (): boolean =>
      vscode.window.tabGroups.all.some(({ tabs }) => tabs.some(({ input }) => input instanceof vscode.TabInputWebview));
    for (let waited = 0; !panels() && waited < 10_000; waited += 50)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(panels());
  });

  it("follow what is typed, and stay through a syntax error", async () => {
    const document = await open("typed.py", steps);
    assert.equal((await lenses(document)).size, 3);
    await replace(
      document,
      "@stage\ndef second",
      "@stage\ndef between(first):\n    return first\n\n\n@stage\ndef second",
    );
    assert.equal((await lenses(document)).size, 4);
    await replace(document, "def second(first, k=1):", "def second(first, k=(");
    assert.deepEqual(await linesWithLenses(document), [
      "def first():",
      "def between(first):",
      "def second(first, k=(",
      "",
    ]);
  });

  it("lead from a parameter, or a use of it, to the stage", async () => {
    const document = await open("steps.py", steps);
    const target = place(document, "def first", 4);
    for (const [text, into] of [
      ["second(first", 8],
      ["return first", 8],
    ] as const) {
      const links = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>(
        "vscode.executeDefinitionProvider",
        document.uri,
        place(document, text, into),
      );
      const [link] = links.filter((one) => "targetUri" in one);
      assert.ok(link, `nothing at ${text}`);
      assert.equal(link.targetUri.toString(), document.uri.toString());
      assert.deepEqual(link.targetSelectionRange?.start, target);
    }
  });

  it("are renamed from either end, in every file that imports them", async () => {
    const document = await open("steps.py", steps);
    const other = await open("user.py", user);
    for (const [where, at] of [
      [document, place(document, "def first", 4)],
      [document, place(document, "second(first", 8)],
      [other, place(other, "third(first", 7)],
    ] as const) {
      const edit = await eventually("the rename", async () => {
        const made = await vscode.commands.executeCommand<vscode.WorkspaceEdit>(
          "vscode.executeDocumentRenameProvider",
          where.uri,
          at,
          "start",
        );
        return made.entries().length === 2 ? made : undefined;
      });
      const counts = new Map(edit.entries().map(([uri, edits]) => [uri.path.split("/").at(-1), edits.length]));
      assert.deepEqual(
        counts,
        new Map([
          ["steps.py", 5],
          ["user.py", 3],
        ]),
      );
      assert.ok(edit.entries().every(([, edits]) => edits.every(({ newText }) => newText === "start")));
    }
  });

  it("refuse a name that is taken", async () => {
    const document = await open("steps.py", steps);
    const rename = vscode.commands.executeCommand(
      "vscode.executeDocumentRenameProvider",
      document.uri,
      place(document, "def first", 4),
      "second",
    );
    await assert.rejects(Promise.resolve(rename), /Another stage/);
  });

  it("have their problems under the text, as typed", async () => {
    const document = await open("faults.py", steps);
    await eventually("a file without problems", () => (problems(document.uri).length === 0 ? true : undefined));
    await replace(document, "def second(first", "def second(frist");
    const [unknown] = await eventually("the problem", () => {
      const found = problems(document.uri);
      return found.length > 0 ? found : undefined;
    });
    assert.ok(unknown);
    assert.equal(unknown.code, "unknown-dependency");
    assert.match(unknown.message, /"frist".*Did you mean "first"\?/);
    assert.equal(document.getText(unknown.range), "frist");

    await replace(document, "second(frist", "second(first");
    await replace(document, "def first()", "def first(second)");
    const [cycle] = await eventually("the cycle", () => {
      const found = problems(document.uri).filter(({ code }) => code === "cycle");
      return found.length > 0 ? found : undefined;
    });
    assert.match(cycle?.message ?? "", /"first" needs "second", which needs "first"/);

    await replace(document, "def first(second)", "def second()");
    await eventually("the duplicate", () => problems(document.uri).find(({ code }) => code === "duplicate-stage"));
  });
});
