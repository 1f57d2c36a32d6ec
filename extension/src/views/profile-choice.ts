import * as vscode from "vscode";

import type { ViewContext } from "./context.js";

const KEY = "profile";
const NONE = "No profile";
const EDIT = "Edit stageloom.json";

const EXAMPLE = `{
  "profiles": {
    "quick": { "pipeline.py": { "stage.parameter": 1 } }
  }
}
`;

/** The parameter profile that the user has chosen; the workspace remembers it. */
export class ProfileChoice {
  readonly #context: ViewContext;
  readonly #memory: vscode.Memento;

  constructor(context: ViewContext, memory: vscode.Memento) {
    this.#context = context;
    this.#memory = memory;
    // of a window's first folder it was kept without its name, once
    context.model.useProfile(memory.get(this.#key, memory.get(KEY, "")));
  }

  get #key(): string {
    return `${KEY} ${this.#context.root.key}`;
  }

  async choose(): Promise<void> {
    const { model } = this.#context;
    const answer = await model.profiles();
    if (answer.is === "failed") {
      const picked = await vscode.window.showErrorMessage(answer.failure.message, EDIT);
      if (picked !== undefined) await this.#edit();
      return;
    }
    const marked = (label: string, name: string): vscode.QuickPickItem & { name: string | null } => ({
      label: name === model.profile ? `$(check) ${label}` : label,
      name,
    });
    const items = [
      marked(NONE, ""),
      ...answer.result.names.map((name) => marked(name, name)),
      { label: `$(edit) ${EDIT}`, name: null },
    ];
    const picked = await vscode.window.showQuickPick(items, { title: "Parameter profile" });
    if (picked === undefined) return;
    if (picked.name === null) {
      await this.#edit();
      return;
    }
    await this.#memory.update(this.#key, picked.name);
    model.useProfile(picked.name);
  }

  async #edit(): Promise<void> {
    const uri = vscode.Uri.joinPath(this.#context.root.folder.uri, "stageloom.json");
    try {
      await vscode.workspace.fs.stat(uri);
    } catch {
      await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(EXAMPLE));
    }
    await vscode.window.showTextDocument(uri);
  }
}
