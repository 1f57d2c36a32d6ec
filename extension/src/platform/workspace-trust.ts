import * as vscode from "vscode";

import { Emitter, Lifetime, type Disposable } from "../lifetime.js";
import type { Trust } from "../pipelines/model.js";

/** Workspace trust, as VS Code's user has given it. */
export class VsCodeTrust implements Trust, Disposable {
  readonly #lifetime = new Lifetime();
  readonly #granted = this.#lifetime.add(new Emitter<void>());
  readonly onDidGrant = this.#granted.event;

  constructor() {
    this.#lifetime.add(
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.#granted.fire();
      }),
    );
  }

  get trusted(): boolean {
    return vscode.workspace.isTrusted;
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }
}
