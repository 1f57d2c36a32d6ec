import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { Declared } from "../pipelines/project.js";
import { mentionsOf, stageAt, whyNotName } from "../pipelines/rename.js";
import type { Stretch } from "../pipelines/syntax.js";
import type { ViewContext } from "./context.js";

/** Go to definition and rename, from a stage or from any parameter that names it. */
export class StageNavigation
  implements vscode.DefinitionProvider, vscode.RenameProvider, vscode.ReferenceProvider, Disposable
{
  readonly #context: ViewContext;
  readonly #lifetime = new Lifetime();

  constructor(context: ViewContext) {
    this.#context = context;
    const where = { language: "python", pattern: new vscode.RelativePattern(context.root.folder, "**/*.py") };
    this.#lifetime.add(vscode.languages.registerDefinitionProvider(where, this));
    this.#lifetime.add(vscode.languages.registerReferenceProvider(where, this));
    this.#lifetime.add(vscode.languages.registerRenameProvider(where, this));
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  provideDefinition(document: vscode.TextDocument, position: vscode.Position): vscode.LocationLink[] {
    const found = this.#at(document, position);
    const source = found === null ? null : this.#context.model.project.source(found.target.path);
    if (found === null || source === null) return [];
    const { stage, path } = found.target;
    return [
      {
        originSelectionRange: rangeIn(document, found.at),
        targetUri: this.#context.root.uri(path),
        targetRange: this.#range(path, stage.whole),
        targetSelectionRange: this.#range(path, stage.at),
      },
    ];
  }

  provideReferences(document: vscode.TextDocument, position: vscode.Position): vscode.Location[] {
    const found = this.#at(document, position);
    if (found === null) return [];
    const mentions = mentionsOf(this.#context.model.project, found.target);
    return mentions.map(({ path, at }) => new vscode.Location(this.#context.root.uri(path), this.#range(path, at)));
  }

  prepareRename(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): { range: vscode.Range; placeholder: string } {
    const found = this.#at(document, position);
    // VS Code asks the next provider only where this one fails, and shows this sentence where there is none
    if (found === null) throw new Error("There is no stage's name here.");
    const range = rangeIn(document, found.at);
    if (document.getText(range) !== found.target.stage.name)
      throw new Error(
        `This file calls the stage "${found.target.stage.name}" by a name of its own; rename it where it is defined.`,
      );
    return { range, placeholder: found.target.stage.name };
  }

  provideRenameEdits(document: vscode.TextDocument, position: vscode.Position, name: string): vscode.WorkspaceEdit {
    const found = this.#at(document, position);
    if (found === null) throw new Error("There is no stage's name here.");
    const { project } = this.#context.model;
    const why = whyNotName(project, found.target, name);
    if (why !== null) throw new Error(why);
    const edit = new vscode.WorkspaceEdit();
    for (const { path, at } of mentionsOf(project, found.target))
      edit.replace(this.#context.root.uri(path), this.#range(path, at), name);
    return edit;
  }

  #at(document: vscode.TextDocument, position: vscode.Position): { target: Declared; at: Stretch } | null {
    const { root, model } = this.#context;
    const path = root.path(document.uri);
    if (path === null || !root.owns(document.uri)) return null;
    model.see(path, document.getText());
    return stageAt(model.project, path, document.offsetAt(position));
  }

  #range(path: string, at: Stretch): vscode.Range {
    const lines = this.#context.model.project.source(path)?.lines;
    const from = lines?.place(at.from) ?? { line: 0, column: 0 };
    const to = lines?.place(at.to) ?? from;
    return new vscode.Range(from.line, from.column, to.line, to.column);
  }
}

function rangeIn(document: vscode.TextDocument, at: Stretch): vscode.Range {
  return new vscode.Range(document.positionAt(at.from), document.positionAt(at.to));
}
