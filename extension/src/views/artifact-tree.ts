import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { adviceText } from "../pipelines/describe.js";
import type { ArtifactFile, RealizationFiles, StageArtifacts } from "../protocol/kernel/messages.gen.js";
import { ago, duration, size } from "../protocol/words/figures.js";
import { now, type ViewContext } from "./context.js";

const AGES = 60_000;

/** A node of the tree: a stage, one of its realizations, one of that one's files. */
export type ArtifactNode =
  | { readonly is: "stage"; readonly path: string; readonly stage: string; readonly made: StageArtifacts }
  | {
      readonly is: "realization";
      readonly path: string;
      readonly stage: string;
      readonly rref: string;
      readonly made: RealizationFiles;
    }
  | {
      readonly is: "file";
      readonly path: string;
      readonly stage: string;
      readonly rref: string;
      readonly file: string;
      readonly about: ArtifactFile;
    };

/** The sidebar's cached artifacts: stage, realizations, files. */
export class ArtifactTree implements vscode.TreeDataProvider<ArtifactNode>, Disposable {
  readonly #context: ViewContext;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<undefined>());
  readonly #view: vscode.TreeView<ArtifactNode>;
  readonly onDidChangeTreeData = this.#changes.event;

  constructor(context: ViewContext) {
    this.#context = context;
    this.#view = this.#lifetime.add(
      vscode.window.createTreeView("stageloom.artifacts", { treeDataProvider: this, showCollapseAll: true }),
    );
    this.#lifetime.add(
      context.model.onDidChange((change) => {
        if (change.is === "store" || change.is === "kernel" || change.is === "pipelines") this.#changes.fire(undefined);
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

  async getChildren(node?: ArtifactNode): Promise<ArtifactNode[]> {
    if (node === undefined) return this.#stages();
    switch (node.is) {
      case "stage":
        return node.made.realizations.map((made) => ({
          is: "realization",
          path: node.path,
          stage: node.stage,
          rref: made.realization.rref,
          made,
        }));
      case "realization":
        return node.made.files.map((about) => ({
          is: "file",
          path: node.path,
          stage: node.stage,
          rref: node.rref,
          file: about.path,
          about,
        }));
      case "file":
        return [];
    }
  }

  getTreeItem(node: ArtifactNode): vscode.TreeItem {
    switch (node.is) {
      case "stage":
        return stageItem(node);
      case "realization":
        return realizationItem(node);
      case "file":
        return fileItem(node);
    }
  }

  async #stages(): Promise<ArtifactNode[]> {
    const { model, artifacts } = this.#context;
    // without a pipeline in sight there is no reason to start a kernel
    if (model.pipelines().length === 0) return [];
    const answer = await artifacts.list();
    this.#view.message = answer?.is === "failed" ? adviceText(answer.failure) : "";
    if (answer?.is !== "done") return [];
    return answer.result.stages
      .filter((made) => made.realizations.length > 0)
      .map((made) => ({ is: "stage", path: made.path, stage: made.stage, made }));
  }
}

function stageItem({ path, stage, made }: ArtifactNode & { is: "stage" }): vscode.TreeItem {
  const item = new vscode.TreeItem(stage, vscode.TreeItemCollapsibleState.Collapsed);
  const total = made.realizations.reduce((sum, { realization }) => sum + realization.size, 0);
  item.id = `${path}:${stage}`;
  item.description = `${path} · ${size(total)}`;
  item.iconPath = new vscode.ThemeIcon("archive");
  item.contextValue = "artifacts";
  return item;
}

function realizationItem({ path, stage, rref, made }: ArtifactNode & { is: "realization" }): vscode.TreeItem {
  const { at, took, size: bytes, pinned } = made.realization;
  const item = new vscode.TreeItem(ago(at, now()), vscode.TreeItemCollapsibleState.Collapsed);
  // two pipelines may hold the same realization
  item.id = `${path}:${stage}:${rref}`;
  item.description = `${pinned ? "pinned · " : ""}${size(bytes)} · took ${duration(took)}`;
  item.tooltip = `${new Date(at * 1000).toLocaleString()}\n${rref}`;
  item.iconPath = new vscode.ThemeIcon(pinned ? "pinned" : "package");
  item.contextValue = pinned ? "realization.pinned" : "realization";
  return item;
}

function fileItem(node: ArtifactNode & { is: "file" }): vscode.TreeItem {
  const { about, path, stage, rref } = node;
  const item = new vscode.TreeItem(about.label === "" ? about.path : about.label, vscode.TreeItemCollapsibleState.None);
  item.id = `${path}:${stage}:${rref}/${about.path}`;
  item.description = size(about.size);
  item.tooltip = `${about.path}\n${about.media}`;
  item.iconPath = new vscode.ThemeIcon(mediaIcon(about.media));
  item.contextValue = "file";
  item.command = { title: "Preview", command: "stageloom.artifact.preview", arguments: [node] };
  return item;
}

function mediaIcon(media: string): string {
  if (media.startsWith("image/")) return "file-media";
  if (media.includes("json")) return "json";
  if (media.startsWith("text/")) return "file-text";
  return media.includes("npy") || media.includes("numpy") ? "symbol-array" : "file-binary";
}
