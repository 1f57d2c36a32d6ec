import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { isRecord, type ViewContext } from "./context.js";
import { PipelinePanel } from "./panel.js";
import { panelColumn } from "./panel-column.js";
import { panelFolder } from "./panel-page.js";

const TYPE = "stageloom.pipeline";

/** The pipelines' panels, one each; restored when the window is loaded again. */
export class PipelinePanels implements vscode.WebviewPanelSerializer, Disposable {
  readonly #context: ViewContext;
  readonly #lifetime = new Lifetime();
  readonly #panels = new Map<string, PipelinePanel>();

  constructor(context: ViewContext) {
    this.#context = context;
    this.#lifetime.add(vscode.window.registerWebviewPanelSerializer(TYPE, this));
  }

  async dispose(): Promise<void> {
    for (const panel of this.#panels.values()) await panel.dispose();
    await this.#lifetime.dispose();
  }

  open(path: string, focus: string | null): void {
    const known = this.#panels.get(path);
    if (known !== undefined) {
      known.show(focus);
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      TYPE,
      path,
      { viewColumn: this.#column(), preserveFocus: focus === null },
      this.#options(),
    );
    this.#adopt(panel, path, focus);
  }

  #column(): vscode.ViewColumn {
    const groups = vscode.window.tabGroups.all.map(({ viewColumn }) => viewColumn);
    const panels = [...this.#panels.values()].flatMap(({ column }) => (column === undefined ? [] : [column]));
    const column = panelColumn(vscode.window.activeTextEditor?.viewColumn, groups, panels);
    if (column === "active") return vscode.ViewColumn.Active;
    return column === "beside" ? vscode.ViewColumn.Beside : column;
  }

  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const path = isRecord(state) && typeof state["path"] === "string" ? state["path"] : "";
    if (path === "" || this.#panels.has(path)) panel.dispose();
    else {
      panel.webview.options = this.#options();
      this.#adopt(panel, path, null);
    }
    return Promise.resolve();
  }

  #options(): vscode.WebviewOptions & vscode.WebviewPanelOptions {
    return {
      enableScripts: true,
      retainContextWhenHidden: true,
      localResourceRoots: [panelFolder(this.#context.extension)],
    };
  }

  #adopt(panel: vscode.WebviewPanel, path: string, focus: string | null): void {
    const made = new PipelinePanel(this.#context, panel, path, focus);
    this.#panels.set(path, made);
    panel.onDidDispose(() => this.#panels.delete(path));
  }
}
