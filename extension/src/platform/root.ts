import * as path from "node:path";

import * as vscode from "vscode";

/** The workspace's folder, and how files are named within it: relative, with `/`. */
export class Root {
  readonly folder: vscode.WorkspaceFolder;

  constructor(folder: vscode.WorkspaceFolder) {
    this.folder = folder;
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
    const relative = path.relative(this.fsPath, uri.fsPath);
    if (relative === "" || relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative))
      return null;
    return relative.split(path.sep).join("/");
  }
}
