import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { ViewContext } from "./context.js";

/** What `when` clauses of the manifest ask: whether there is a run to cancel, whether the editor shows a pipeline. */
export class ContextKeys implements Disposable {
  readonly #context: ViewContext;
  readonly #lifetime = new Lifetime();
  readonly #set = new Map<string, boolean>();

  constructor(context: ViewContext) {
    this.#context = context;
    this.#lifetime.add(
      context.model.onDidChange((change) => {
        if (change.is !== "log" && change.is !== "points") this.#update();
      }),
    );
    this.#lifetime.add(
      vscode.window.onDidChangeActiveTextEditor(() => {
        this.#update();
      }),
    );
    this.#put("stageloom.active", true);
    this.#update();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #update(): void {
    const { model, root } = this.#context;
    const editor = vscode.window.activeTextEditor;
    const path = editor === undefined ? null : root.path(editor.document.uri);
    this.#put("stageloom.running", model.running().length > 0);
    this.#put("stageloom.pipelineOpen", path !== null && model.pipelines().includes(path));
  }

  #put(key: string, value: boolean): void {
    if (this.#set.get(key) === value) return;
    this.#set.set(key, value);
    void vscode.commands.executeCommand("setContext", key, value);
  }
}
