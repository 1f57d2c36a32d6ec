import * as vscode from "vscode";

import { Emitter, Lifetime, type Disposable } from "../lifetime.js";
import type { FileChange, WorkspaceFiles } from "../pipelines/files.js";
import type { Root } from "./root.js";

/** Folders that hold no source of the project, whoever opens a file of theirs. */
const NEVER = [".*", "node_modules", "site-packages", "__pycache__"];
/** Folders that are not searched; a file in one counts once it is opened. */
const NOT_SEARCHED = ["venv", "virtualenv", "build", "dist"];
const LARGEST = 2_000_000;
const MOST = 20_000;

/** The workspace's files through VS Code: what is open counts as it is typed, the rest as it is on disk. */
export class VsCodeFiles implements WorkspaceFiles, Disposable {
  readonly #root: Root;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new Emitter<FileChange>());
  readonly onDidChange = this.#changes.event;
  #environments: readonly string[] = [];

  constructor(root: Root) {
    this.#root = root;
    this.#lifetime.add(
      vscode.workspace.onDidChangeTextDocument((event) => {
        this.#typed(event.document);
      }),
    );
    this.#lifetime.add(
      vscode.workspace.onDidOpenTextDocument((document) => {
        this.#typed(document);
      }),
    );
    this.#lifetime.add(
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.#onDisk(document.uri);
      }),
    );
    const watcher = this.#lifetime.add(
      vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(root.folder, "**/*")),
    );
    for (const event of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete])
      this.#lifetime.add(
        event((uri) => {
          this.#onDisk(uri);
        }),
      );
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  async list(): Promise<readonly string[]> {
    const pattern = new vscode.RelativePattern(this.#root.folder, "**/*.py");
    const found = await vscode.workspace.findFiles(pattern, `**/{${[...NEVER, ...NOT_SEARCHED].join(",")}}/**`, MOST);
    this.#environments = await this.#findEnvironments();
    return found.flatMap((uri) => {
      const path = this.#root.path(uri);
      return path === null || this.#leftOut(path) ? [] : [path];
    });
  }

  holds(path: string): boolean {
    return !this.#leftOut(path);
  }

  async read(path: string): Promise<string | null> {
    const uri = this.#root.uri(path);
    const open = documents().find((document) => document.uri.toString() === uri.toString());
    if (open !== undefined) return open.getText();
    try {
      const { size, type } = await vscode.workspace.fs.stat(uri);
      if (size > LARGEST || (type & vscode.FileType.File) === 0) return null;
      return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    } catch {
      return null;
    }
  }

  dirty(): ReadonlyMap<string, string> {
    return new Map(
      this.#project().flatMap((document) => {
        const path = this.#root.path(document.uri);
        return document.isDirty && path !== null ? [[path, document.getText()]] : [];
      }),
    );
  }

  async save(): Promise<boolean> {
    const saved = await Promise.all(
      this.#project()
        .filter((document) => document.isDirty)
        .map((document) => document.save()),
    );
    return saved.every(Boolean);
  }

  #project(): readonly vscode.TextDocument[] {
    return documents().filter(
      (document) => document.languageId === "python" && !document.isUntitled && this.#root.path(document.uri) !== null,
    );
  }

  #typed(document: vscode.TextDocument): void {
    const path = document.uri.path.endsWith(".py") ? this.#root.path(document.uri) : null;
    if (path !== null && !this.#leftOut(path)) this.#changes.fire({ path, text: document.getText() });
  }

  #onDisk(uri: vscode.Uri): void {
    const path = this.#root.path(uri);
    if (path !== null && !this.#leftOut(path)) this.#changes.fire({ path, text: null });
  }

  #leftOut(path: string): boolean {
    const folders = path.split("/").slice(0, -1);
    if (folders.some((part) => part.startsWith(".") || NEVER.includes(part))) return true;
    return this.#environments.some((folder) => path.startsWith(folder));
  }

  /** Folders of virtual environments, by the file that each has. */
  async #findEnvironments(): Promise<readonly string[]> {
    const found = await vscode.workspace.findFiles(
      new vscode.RelativePattern(this.#root.folder, "**/pyvenv.cfg"),
      "**/node_modules/**",
      100,
    );
    return found.flatMap((uri) => {
      const path = this.#root.path(uri);
      return path?.includes("/") === true ? [path.slice(0, path.lastIndexOf("/") + 1)] : [];
    });
  }
}

function documents(): readonly vscode.TextDocument[] {
  return vscode.workspace.textDocuments.filter((document) => !document.isClosed);
}
