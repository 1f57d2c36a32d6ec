import { dirname } from "node:path";

import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { Project } from "../pipelines/project.js";

/** Says over the stages of a file that is in none of the window's folders why nothing else is there, and what to do. */
export class Strangers implements vscode.CodeLensProvider, Disposable {
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<void>());
  readonly #isOwn: (uri: vscode.Uri) => boolean;
  readonly onDidChangeCodeLenses = this.#changes.event;

  /** `isOwn` tells the files that have lenses of their own. */
  constructor(isOwn: (uri: vscode.Uri) => boolean) {
    this.#isOwn = isOwn;
    this.#lifetime.add(
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.#changes.fire();
      }),
    );
    this.#lifetime.add(vscode.languages.registerCodeLensProvider({ language: "python", scheme: "file" }, this));
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (this.#isOwn(document.uri)) return [];
    const project = new Project();
    project.set("file.py", document.getText());
    const [first] = project.resolved("file.py").stages;
    if (first === undefined) return [];
    const at = document.positionAt(first.whole.from);
    const folder = dirname(document.uri.fsPath);
    // a window that works on something else keeps it
    const forceNewWindow = (vscode.workspace.workspaceFolders ?? []).length > 0;
    return [
      new vscode.CodeLens(new vscode.Range(at, at), {
        title: "Open this file's folder to realize its stages",
        tooltip: `Stages are realized in a folder that is open, and this file is in none. Opens ${folder}.`,
        command: "vscode.openFolder",
        arguments: [vscode.Uri.file(folder), { forceNewWindow }],
      }),
    ];
  }
}
