import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { Folders } from "./folders.js";

/** What `when` clauses of the manifest ask: whether there is a run to cancel, whether the editor shows a pipeline. */
export class ContextKeys implements Disposable {
  readonly #folders: Folders;
  readonly #lifetime = new Lifetime();
  readonly #set = new Map<string, boolean>();

  constructor(folders: Folders) {
    this.#folders = folders;
    this.#lifetime.add(
      folders.onDidTell(({ change }) => {
        if (change.is !== "log" && change.is !== "points") this.#update();
      }),
    );
    for (const changed of [folders.onDidChange, vscode.window.onDidChangeActiveTextEditor])
      this.#lifetime.add(
        changed(() => {
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
    const uri = vscode.window.activeTextEditor?.document.uri;
    const host = uri === undefined ? null : this.#folders.of(uri);
    const path = uri === undefined || host === null ? null : host.root.path(uri);
    const running = this.#folders.all.some(({ model }) => model.running().length > 0);
    this.#put("stageloom.running", running);
    this.#put("stageloom.pipelineOpen", path !== null && host?.model.pipelines().includes(path) === true);
  }

  #put(key: string, value: boolean): void {
    if (this.#set.get(key) === value) return;
    this.#set.set(key, value);
    void vscode.commands.executeCommand("setContext", key, value);
  }
}
