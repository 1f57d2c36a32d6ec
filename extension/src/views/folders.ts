import * as vscode from "vscode";

import { Lifetime, type Disposable, type Event } from "../lifetime.js";
import type { ModelChange } from "../pipelines/model.js";
import type { ArtifactCommands } from "./artifact-commands.js";
import type { ViewContext } from "./context.js";
import type { ProfileChoice } from "./profile-choice.js";
import type { Realizing } from "./realizing.js";
import type { StageCommands } from "./stage-commands.js";
import type { StoreCommands } from "./store-commands.js";

/** One folder of the workspace: its engine, store and model, and what can be done in it. */
export interface FolderHost extends ViewContext, Disposable {
  readonly realizing: Realizing;
  readonly stages: StageCommands;
  readonly artifactCommands: ArtifactCommands;
  readonly store: StoreCommands;
  readonly profiles: ProfileChoice;
  readonly kernel: { restart(): Promise<unknown> };
}

/** What a folder's model told. */
export interface FolderChange {
  readonly host: FolderHost;
  readonly change: ModelChange;
}

/** The workspace's folders, in their order, each with a host of its own as long as it is there. */
export class Folders implements Disposable {
  readonly #make: (folder: vscode.WorkspaceFolder) => FolderHost;
  readonly #hosts = new Map<string, FolderHost>();
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<void>());
  readonly #told = this.#lifetime.add(new vscode.EventEmitter<FolderChange>());
  #all: readonly FolderHost[] = [];

  /** Whether folders came or went. */
  readonly onDidChange: Event<void> = this.#changes.event;
  /** What any of their models tells. */
  readonly onDidTell: Event<FolderChange> = this.#told.event;

  constructor(make: (folder: vscode.WorkspaceFolder) => FolderHost) {
    this.#make = make;
    this.#lifetime.defer(() => Promise.all(this.#all.map((host) => host.dispose())));
    this.#lifetime.add(
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.#follow();
        this.#changes.fire();
      }),
    );
    this.#follow();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  get all(): readonly FolderHost[] {
    return this.#all;
  }

  /** Whether a view has to say which folder something is in. */
  get several(): boolean {
    return this.#all.length > 1;
  }

  /** The host of the folder with this key. */
  named(key: unknown): FolderHost | null {
    return typeof key === "string" ? (this.#hosts.get(key) ?? null) : null;
  }

  /** The host of the folder that a file is in: the innermost, or the one that a symbolic link leads to. */
  of(uri: vscode.Uri): FolderHost | null {
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    const host = folder === undefined ? null : this.named(folder.uri.toString());
    return host ?? this.#all.find(({ root }) => root.path(uri) !== null) ?? null;
  }

  #follow(): void {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
    const keys = new Set(folders.map(({ uri }) => uri.toString()));
    for (const [key, host] of this.#hosts)
      if (!keys.has(key)) {
        this.#hosts.delete(key);
        void host.dispose();
      }
    this.#all = folders.map((folder) => {
      const key = folder.uri.toString();
      const host = this.#hosts.get(key) ?? this.#begin(folder);
      this.#hosts.set(key, host);
      return host;
    });
  }

  #begin(folder: vscode.WorkspaceFolder): FolderHost {
    const host = this.#make(folder);
    // ends with the host's model
    host.model.onDidChange((change) => {
      this.#told.fire({ host, change });
    });
    return host;
  }
}
