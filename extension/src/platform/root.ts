import { realpathSync } from "node:fs";
import * as path from "node:path";

import * as vscode from "vscode";

/** The workspace's folder, and how files are named within it: relative, with `/`. */
export class Root {
  readonly folder: vscode.WorkspaceFolder;
  /** Where the folder is when symbolic links are followed: what runs names its files so. */
  readonly #real: string;

  constructor(folder: vscode.WorkspaceFolder) {
    this.folder = folder;
    this.#real = real(folder.uri.fsPath);
  }

  /** What commands name the folder by. */
  get key(): string {
    return this.folder.uri.toString();
  }

  get fsPath(): string {
    return this.folder.uri.fsPath;
  }

  uri(relative: string): vscode.Uri {
    return vscode.Uri.joinPath(this.folder.uri, ...relative.split("/"));
  }

  /** The name of a file within the workspace; null for one outside it. */
  path(uri: vscode.Uri): string | null {
    if (uri.scheme !== this.folder.uri.scheme || uri.authority !== this.folder.uri.authority) return null;
    return within(this.fsPath, uri.fsPath) ?? within(this.#real, uri.fsPath);
  }

  /** A file's name without its folders; where the workspace has several folders, with this one's. */
  title(relative: string): string {
    const name = path.posix.basename(relative);
    const several = (vscode.workspace.workspaceFolders ?? []).length > 1;
    return several ? `${name} · ${this.folder.name}` : name;
  }

  /** Whether a file is this folder's own, and not that of a folder within it which the workspace names, too. */
  owns(uri: vscode.Uri): boolean {
    const owner = vscode.workspace.getWorkspaceFolder(uri);
    return owner === undefined || owner.uri.toString() === this.key;
  }

  /** The file that a traceback names by its whole path, by the name that the workspace has it under. */
  file(whole: string): vscode.Uri {
    const uri = vscode.Uri.file(whole);
    const relative = this.path(uri);
    return relative === null ? uri : this.uri(relative);
  }
}

function within(folder: string, file: string): string | null {
  const relative = path.relative(folder, file);
  if (relative === "" || relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative))
    return null;
  return relative.split(path.sep).join("/");
}

function real(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch {
    return folder;
  }
}
