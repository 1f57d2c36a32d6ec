import { isAbsolute } from "node:path";

import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { isRecord } from "./context.js";
import type { FolderHost, Folders } from "./folders.js";
import { PipelinePanel } from "./panel.js";
import { panelColumn } from "./panel-column.js";
import { panelFolder } from "./panel-page.js";
import type { PickedPipeline } from "./stage-picker.js";

const TYPE = "stageloom.pipeline";

/** The pipelines' panels, one each; restored when the window is loaded again. */
export class PipelinePanels implements vscode.WebviewPanelSerializer, Disposable {
  readonly #folders: Folders;
  readonly #extension: vscode.Uri;
  readonly #lifetime = new Lifetime();
  readonly #panels = new Map<string, PickedPipeline & { readonly panel: PipelinePanel }>();

  constructor(folders: Folders, extension: vscode.Uri) {
    this.#folders = folders;
    this.#extension = extension;
    this.#lifetime.add(vscode.window.registerWebviewPanelSerializer(TYPE, this));
    this.#lifetime.add(
      folders.onDidChange(() => {
        for (const { host, panel } of [...this.#panels.values()]) if (!folders.all.includes(host)) panel.close();
      }),
    );
  }

  async dispose(): Promise<void> {
    for (const { panel } of this.#panels.values()) await panel.dispose();
    await this.#lifetime.dispose();
  }

  /** The pipeline whose panel has the focus. */
  get active(): PickedPipeline | null {
    return [...this.#panels.values()].find(({ panel }) => panel.active) ?? null;
  }

  open(host: FolderHost, path: string, focus: string | null): void {
    const known = this.#panels.get(keyOf(host, path));
    if (known !== undefined) {
      known.panel.show(focus);
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      TYPE,
      path,
      { viewColumn: this.#column(), preserveFocus: focus === null },
      this.#options(),
    );
    this.#adopt(panel, host, path, focus);
  }

  #column(): vscode.ViewColumn {
    const groups = vscode.window.tabGroups.all.map(({ viewColumn }) => viewColumn);
    const columns = [...this.#panels.values()].map(({ panel }) => panel.column);
    const panels = columns.flatMap((column) => (column === undefined ? [] : [column]));
    const column = panelColumn(vscode.window.activeTextEditor?.viewColumn, groups, panels);
    if (column === "active") return vscode.ViewColumn.Active;
    return column === "beside" ? vscode.ViewColumn.Beside : column;
  }

  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const kept = isRecord(state) && typeof state["path"] === "string" ? state["path"] : "";
    const host = isAbsolute(kept) ? this.#folders.of(vscode.Uri.file(kept)) : null;
    const path = host?.root.path(vscode.Uri.file(kept)) ?? null;
    if (host === null || path === null || this.#panels.has(keyOf(host, path))) panel.dispose();
    else {
      panel.webview.options = this.#options();
      this.#adopt(panel, host, path, null);
    }
    return Promise.resolve();
  }

  #options(): vscode.WebviewOptions & vscode.WebviewPanelOptions {
    return {
      enableScripts: true,
      retainContextWhenHidden: true,
      localResourceRoots: [panelFolder(this.#extension)],
    };
  }

  #adopt(panel: vscode.WebviewPanel, host: FolderHost, path: string, focus: string | null): void {
    const key = keyOf(host, path);
    this.#panels.set(key, { host, path, panel: new PipelinePanel(host, panel, path, focus) });
    panel.onDidDispose(() => this.#panels.delete(key));
  }
}

function keyOf({ root }: FolderHost, path: string): string {
  return `${root.key} ${path}`;
}
