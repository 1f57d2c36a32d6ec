import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { adviceText } from "../pipelines/describe.js";
import type { PipelineModel } from "../pipelines/model.js";
import type { ArtifactFile, RealizationFiles, StageArtifacts } from "../protocol/kernel/messages.gen.js";
import { ago, duration, size } from "../protocol/words/figures.js";
import { now } from "./context.js";
import type { FolderHost, Folders } from "./folders.js";
import { folderItem } from "./pipeline-tree.js";

const AGES = 60_000;

/** A node of the tree: a folder where there are several, a stage, one of its realizations, one of that one's files. */
export type ArtifactNode =
  | { readonly is: "folder"; readonly folder: string }
  | {
      readonly is: "stage";
      readonly folder: string;
      readonly path: string;
      readonly stage: string;
      readonly made: StageArtifacts;
    }
  | {
      readonly is: "realization";
      readonly folder: string;
      readonly path: string;
      readonly stage: string;
      readonly rref: string;
      readonly made: RealizationFiles;
    }
  | {
      readonly is: "file";
      readonly folder: string;
      readonly path: string;
      readonly stage: string;
      readonly rref: string;
      readonly file: string;
      readonly about: ArtifactFile;
    };

/** The sidebar's cached artifacts: stage, realizations, files. */
export class ArtifactTree implements vscode.TreeDataProvider<ArtifactNode>, Disposable {
  readonly #folders: Folders;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<undefined>());
  readonly #view: vscode.TreeView<ArtifactNode>;
  /** By folder. */
  readonly #failures = new Map<string, string>();
  readonly onDidChangeTreeData = this.#changes.event;

  constructor(folders: Folders) {
    this.#folders = folders;
    this.#view = this.#lifetime.add(
      vscode.window.createTreeView("stageloom.artifacts", { treeDataProvider: this, showCollapseAll: true }),
    );
    this.#lifetime.add(
      folders.onDidTell(({ change }) => {
        if (change.is === "store" || change.is === "kernel" || change.is === "pipelines") this.#changes.fire(undefined);
      }),
    );
    this.#lifetime.add(
      folders.onDidChange(() => {
        this.#changes.fire(undefined);
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
    switch (node?.is) {
      case undefined:
        return this.#top();
      case "folder":
        return this.#stages(this.#folders.named(node.folder));
      case "stage":
        return node.made.realizations.map((made) => ({
          is: "realization",
          folder: node.folder,
          path: node.path,
          stage: node.stage,
          rref: made.realization.rref,
          made,
        }));
      case "realization":
        return node.made.files.map((about) => ({
          is: "file",
          folder: node.folder,
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
      case "folder": {
        const host = this.#folders.named(node.folder);
        return host === null ? new vscode.TreeItem("") : folderItem(host);
      }
      case "stage":
        return stageItem(node);
      case "realization":
        return realizationItem(node);
      case "file":
        return fileItem(node);
    }
  }

  async #top(): Promise<ArtifactNode[]> {
    // without a pipeline in sight there is no reason to start a kernel
    const hosts = this.#folders.all.filter(({ model }) => model.pipelines().length > 0);
    this.#failures.clear();
    this.#tell();
    if (this.#folders.several) return hosts.map(({ root }) => ({ is: "folder", folder: root.key }));
    return (await Promise.all(hosts.map((host) => this.#stages(host)))).flat();
  }

  async #stages(host: FolderHost | null): Promise<ArtifactNode[]> {
    if (host === null) return [];
    const folder = host.root.key;
    const answer = await host.artifacts.list();
    if (answer?.is === "failed") this.#failures.set(folder, adviceText(answer.failure));
    else this.#failures.delete(folder);
    this.#tell();
    if (answer?.is !== "done") return [];
    return [...answer.result.stages]
      .filter((made) => made.realizations.length > 0)
      .sort(inOrder(host.model))
      .map((made) => ({ is: "stage", folder, path: made.path, stage: made.stage, made }));
  }

  /** Why the artifacts of a folder can't be told. */
  #tell(): void {
    this.#view.message = [...new Set(this.#failures.values())].join("\n");
  }
}

/** By file, then as the source has the stages; those that it has no more come last, `step_9` before `step_10`. */
function inOrder(model: PipelineModel): (one: StageArtifacts, other: StageArtifacts) => number {
  const places = new Map<string, ReadonlyMap<string, number>>();
  const place = ({ path, stage }: StageArtifacts): number => {
    const known =
      places.get(path) ??
      new Map((model.pipeline(path)?.stages ?? []).map(({ view }, at): [string, number] => [view.name, at]));
    places.set(path, known);
    return known.get(stage) ?? Infinity;
  };
  const words = new Intl.Collator("en", { numeric: true });
  return (one, other) => {
    if (one.path !== other.path) return words.compare(one.path, other.path);
    const [before, after] = [place(one), place(other)];
    return before === after ? words.compare(one.stage, other.stage) : before - after;
  };
}

function stageItem({ folder, path, stage, made }: ArtifactNode & { is: "stage" }): vscode.TreeItem {
  const item = new vscode.TreeItem(stage, vscode.TreeItemCollapsibleState.Collapsed);
  const total = made.realizations.reduce((sum, { realization }) => sum + realization.size, 0);
  item.id = `${folder} ${path}:${stage}`;
  item.description = `${path} · ${size(total)}`;
  item.iconPath = new vscode.ThemeIcon("archive");
  item.contextValue = "artifacts";
  return item;
}

function realizationItem({ folder, path, stage, rref, made }: ArtifactNode & { is: "realization" }): vscode.TreeItem {
  const { at, took, size: bytes, pinned } = made.realization;
  const item = new vscode.TreeItem(ago(at, now()), vscode.TreeItemCollapsibleState.Collapsed);
  // two pipelines may hold the same realization
  item.id = `${folder} ${path}:${stage}:${rref}`;
  item.description = `${pinned ? "pinned · " : ""}${size(bytes)} · took ${duration(took)}`;
  item.tooltip = `${new Date(at * 1000).toLocaleString()}\n${rref}`;
  item.iconPath = new vscode.ThemeIcon(pinned ? "pinned" : "package");
  item.contextValue = pinned ? "realization.pinned" : "realization";
  return item;
}

function fileItem(node: ArtifactNode & { is: "file" }): vscode.TreeItem {
  const { about, folder, path, stage, rref } = node;
  const item = new vscode.TreeItem(about.label === "" ? about.path : about.label, vscode.TreeItemCollapsibleState.None);
  item.id = `${folder} ${path}:${stage}:${rref}/${about.path}`;
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
