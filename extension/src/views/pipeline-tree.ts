import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { Stage } from "../pipelines/pipeline.js";
import { describeFailure, describeState } from "../protocol/words/states.js";
import { now, type ViewContext } from "./context.js";
import { foldersNote } from "./folders-note.js";
import { Paced } from "./paced.js";
import { stateIcon } from "./state-icon.js";

const AGES = 60_000;
/** A tree that is told of every percent asks for none. */
const PAUSE = 1000;

/** A node of the tree: a pipeline, or one of its stages. Commands take both. */
export type PipelineNode =
  | { readonly is: "pipeline"; readonly path: string }
  | { readonly is: "stage"; readonly path: string; readonly stage: string };

/** As many pipelines are shown with their stages from the start. */
const FEW = 4;

/** The sidebar's pipelines and their stages. */
export class PipelineTree implements vscode.TreeDataProvider<PipelineNode>, Disposable {
  readonly #context: ViewContext;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<PipelineNode | undefined>());
  readonly #nodes = new Map<string, PipelineNode>();
  readonly onDidChangeTreeData = this.#changes.event;

  constructor(context: ViewContext) {
    this.#context = context;
    const view = this.#lifetime.add(
      vscode.window.createTreeView("stageloom.pipelines", { treeDataProvider: this, showCollapseAll: true }),
    );
    const note = (): void => {
      const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
      view.message = foldersNote(folders.map(({ name }) => name));
    };
    this.#lifetime.add(vscode.workspace.onDidChangeWorkspaceFolders(note));
    note();
    const changed = new Set<string>();
    const telling = this.#lifetime.add(
      new Paced(() => {
        for (const path of changed) this.#changes.fire(this.#node({ is: "pipeline", path }));
        changed.clear();
      }, PAUSE),
    );
    this.#lifetime.add(
      context.model.onDidChange((change) => {
        if (change.is === "pipelines" || change.is === "kernel") this.#changes.fire(undefined);
        else if (change.is === "pipeline") {
          changed.add(change.path);
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
    const { model } = this.#context;
    if (node === undefined) return model.pipelines().map((path) => this.#node({ is: "pipeline", path }));
    if (node.is === "stage") return [];
    model.need(node.path);
    const stages = model.pipeline(node.path)?.stages ?? [];
    return stages.map(({ view }) => this.#node({ is: "stage", path: node.path, stage: view.name }));
  }

  getParent(node: PipelineNode): PipelineNode | null {
    return node.is === "stage" ? this.#node({ is: "pipeline", path: node.path }) : null;
  }

  getTreeItem(node: PipelineNode): vscode.TreeItem {
    if (node.is === "pipeline") return this.#pipelineItem(node.path);
    const stage = this.#context.model.stage(node.path, node.stage);
    return stage === null ? new vscode.TreeItem(node.stage) : this.#stageItem(node, stage);
  }

  /** VS Code refreshes a node by its identity. */
  #node(node: PipelineNode): PipelineNode {
    const key = node.is === "stage" ? `${node.path}:${node.stage}` : node.path;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    this.#nodes.set(key, node);
    return node;
  }

  #pipelineItem(path: string): vscode.TreeItem {
    const { root, model } = this.#context;
    const few = model.pipelines().length <= FEW;
    const item = new vscode.TreeItem(
      path.slice(path.lastIndexOf("/") + 1),
      few ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
    );
    const pipeline = model.pipeline(path);
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
    const failure = pipeline?.failure ?? null;
    item.id = path;
    item.description = [folder, failure === null ? "" : describeFailure(failure)].filter(Boolean).join(" · ");
    item.tooltip = failure === null ? path : `${path}\n${failure.message}\n${failure.advice}`;
    item.iconPath = new vscode.ThemeIcon(failure === null ? "type-hierarchy" : "warning");
    item.resourceUri = root.uri(path);
    item.contextValue = "pipeline";
    return item;
  }

  #stageItem(node: PipelineNode & { is: "stage" }, { view }: Stage): vscode.TreeItem {
    const { model } = this.#context;
    const item = new vscode.TreeItem(view.name, vscode.TreeItemCollapsibleState.None);
    const state = describeState(view, now());
    item.id = `${node.path}:${node.stage}`;
    // a sidebar is narrow
    item.description = model.trusted ? describeState(view, now(), { brief: true }) : "";
    item.iconPath = stateIcon(view.state);
    item.tooltip = tooltip(view, state);
    item.accessibilityInformation = { label: `${view.name}, ${state}` };
    item.contextValue = view.state.is === "running" || view.state.is === "waiting" ? "stage.running" : "stage";
    item.command = { title: "Go to Stage", command: "stageloom.goToStage", arguments: [node] };
    return item;
  }
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
