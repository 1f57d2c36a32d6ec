import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { Stage } from "../pipelines/pipeline.js";
import { describeFailure, describeState } from "../protocol/words/states.js";
import { now } from "./context.js";
import type { FolderHost, Folders } from "./folders.js";
import { Paced } from "./paced.js";
import { stateIcon } from "./state-icon.js";

const AGES = 60_000;
/** A tree that is told of every percent asks for none. */
const PAUSE = 1000;

/** A node of the tree: a folder where there are several, a pipeline, or one of its stages. Commands take the latter. */
export type PipelineNode =
  | { readonly is: "folder"; readonly folder: string }
  | { readonly is: "pipeline"; readonly folder: string; readonly path: string }
  | { readonly is: "stage"; readonly folder: string; readonly path: string; readonly stage: string };

/** As many pipelines are shown with their stages from the start. */
const FEW = 4;

/** The sidebar's pipelines and their stages. */
export class PipelineTree implements vscode.TreeDataProvider<PipelineNode>, Disposable {
  readonly #folders: Folders;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<PipelineNode | undefined>());
  readonly #nodes = new Map<string, PipelineNode>();
  readonly onDidChangeTreeData = this.#changes.event;

  constructor(folders: Folders) {
    this.#folders = folders;
    this.#lifetime.add(
      vscode.window.createTreeView("stageloom.pipelines", { treeDataProvider: this, showCollapseAll: true }),
    );
    this.#lifetime.add(
      folders.onDidChange(() => {
        this.#changes.fire(undefined);
      }),
    );
    const changed = new Set<PipelineNode>();
    const telling = this.#lifetime.add(
      new Paced(() => {
        for (const node of changed) this.#changes.fire(node);
        changed.clear();
      }, PAUSE),
    );
    this.#lifetime.add(
      folders.onDidTell(({ host, change }) => {
        if (change.is === "pipelines" || change.is === "kernel") this.#changes.fire(undefined);
        else if (change.is === "pipeline") {
          changed.add(this.#node({ is: "pipeline", folder: host.root.key, path: change.path }));
          telling.happened();
        }
      }),
    );
    this.#age();
  }

  /** Ages are told in words, which go out of date. */
  #age(): void {
    const timer = setInterval(() => {
      this.#changes.fire(undefined);
    }, AGES);
    this.#lifetime.defer(() => {
      clearInterval(timer);
    });
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  getChildren(node?: PipelineNode): PipelineNode[] {
    if (node === undefined) {
      const hosts = this.#folders.all.filter(({ model }) => model.pipelines().length > 0);
      if (this.#folders.several) return hosts.map(({ root }) => this.#node({ is: "folder", folder: root.key }));
      return hosts.flatMap((host) => this.#pipelines(host));
    }
    const host = this.#folders.named(node.folder);
    if (host === null || node.is === "stage") return [];
    if (node.is === "folder") return this.#pipelines(host);
    const { folder, path } = node;
    host.model.need(path);
    const stages = host.model.pipeline(path)?.stages ?? [];
    return stages.map(({ view }) => this.#node({ is: "stage", folder, path, stage: view.name }));
  }

  #pipelines({ model, root }: FolderHost): PipelineNode[] {
    return model.pipelines().map((path) => this.#node({ is: "pipeline", folder: root.key, path }));
  }

  getParent(node: PipelineNode): PipelineNode | null {
    const { folder } = node;
    if (node.is === "stage") return this.#node({ is: "pipeline", folder, path: node.path });
    return node.is === "pipeline" && this.#folders.several ? this.#node({ is: "folder", folder }) : null;
  }

  getTreeItem(node: PipelineNode): vscode.TreeItem {
    const host = this.#folders.named(node.folder);
    // a folder that has just gone
    if (host === null) return new vscode.TreeItem("");
    if (node.is === "folder") return folderItem(host);
    if (node.is === "pipeline") return this.#pipelineItem(host, node);
    const stage = host.model.stage(node.path, node.stage);
    return stage === null ? new vscode.TreeItem(node.stage) : stageItem(host, node, stage);
  }

  /** VS Code refreshes a node by its identity. */
  #node(node: PipelineNode): PipelineNode {
    const key = idOf(node);
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    this.#nodes.set(key, node);
    return node;
  }

  #pipelineItem({ root, model }: FolderHost, node: PipelineNode & { is: "pipeline" }): vscode.TreeItem {
    const { path } = node;
    const count = this.#folders.all.reduce((sum, host) => sum + host.model.pipelines().length, 0);
    const item = new vscode.TreeItem(
      path.slice(path.lastIndexOf("/") + 1),
      count <= FEW ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
    );
    const pipeline = model.pipeline(path);
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
    const failure = pipeline?.failure ?? null;
    item.id = idOf(node);
    item.description = [folder, failure === null ? "" : describeFailure(failure)].filter(Boolean).join(" · ");
    item.tooltip = failure === null ? path : `${path}\n${failure.message}\n${failure.advice}`;
    item.iconPath = new vscode.ThemeIcon(failure === null ? "type-hierarchy" : "warning");
    item.resourceUri = root.uri(path);
    item.contextValue = "pipeline";
    return item;
  }
}

function idOf(node: PipelineNode): string {
  if (node.is === "folder") return node.folder;
  return node.is === "stage" ? `${node.folder} ${node.path}:${node.stage}` : `${node.folder} ${node.path}`;
}

/** The node of a folder, in either tree. */
export function folderItem({ root }: FolderHost): vscode.TreeItem {
  const item = new vscode.TreeItem(root.folder.name, vscode.TreeItemCollapsibleState.Expanded);
  item.id = root.key;
  item.tooltip = root.fsPath;
  item.iconPath = new vscode.ThemeIcon("root-folder");
  item.contextValue = "folder";
  return item;
}

function stageItem({ model }: FolderHost, node: PipelineNode & { is: "stage" }, { view }: Stage): vscode.TreeItem {
  const item = new vscode.TreeItem(view.name, vscode.TreeItemCollapsibleState.None);
  const state = describeState(view, now());
  item.id = idOf(node);
  // a sidebar is narrow
  item.description = model.trusted ? describeState(view, now(), { brief: true }) : "";
  item.iconPath = stateIcon(view.state);
  item.tooltip = tooltip(view, state);
  item.accessibilityInformation = { label: `${view.name}, ${state}` };
  item.contextValue = view.state.is === "running" || view.state.is === "waiting" ? "stage.running" : "stage";
  item.command = { title: "Go to Stage", command: "stageloom.goToStage", arguments: [node] };
  return item;
}

function tooltip(view: Stage["view"], state: string): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendMarkdown(`**${escape(view.name)}** — ${escape(state)}\n\n`);
  if (view.doc !== "") text.appendText(`${view.doc.split("\n\n")[0] ?? ""}\n\n`);
  if (view.parameters.length > 0)
    text.appendCodeblock(view.parameters.map(({ name, text: value }) => `${name} = ${value}`).join("\n"), "python");
  if (view.dependencies.length > 0) text.appendText(`Needs ${view.dependencies.join(", ")}`);
  if (view.guessed) text.appendText("\n\nGuessed from the source: only running the file can tell.");
  return text;
}

function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>]/g, "\\$&");
}
