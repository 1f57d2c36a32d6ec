import * as vscode from "vscode";

import { describeState } from "../protocol/words/states.js";
import { isRecord, isStageRef, now } from "./context.js";
import type { FolderHost, Folders } from "./folders.js";

/** A pipeline, and the folder that it is in. */
export interface PickedPipeline {
  readonly host: FolderHost;
  readonly path: string;
}

/** A stage of it. */
export interface PickedStage extends PickedPipeline {
  readonly stage: string;
}

/** Finds out which folder, pipeline or stage a command is about: what it was given, or what the user picks. */
export class StagePicker {
  readonly #folders: Folders;
  readonly #panels: { readonly active: PickedPipeline | null };

  constructor(folders: Folders, panels: { readonly active: PickedPipeline | null }) {
    this.#folders = folders;
    this.#panels = panels;
  }

  /** The folder that a command was called with, else that of the editor or panel in use, else one that the user picks. */
  async folder(argument: unknown, title: string): Promise<FolderHost | null> {
    const told = this.#told(argument) ?? this.#open()?.host ?? null;
    if (told !== null) return told;
    const items = this.#folders.all.map((host) => ({ label: host.root.folder.name, host }));
    return (await vscode.window.showQuickPick(items, { title, placeHolder: "Folder" }))?.host ?? null;
  }

  /** The stage that a command was called with, else one that the user picks; the cursor's comes first. */
  async stage(argument: unknown, title: string): Promise<PickedStage | null> {
    const told = isStageRef(argument) ? (this.#told(argument) ?? this.#holding(argument.path)) : null;
    if (isStageRef(argument) && told !== null) return { host: told, path: argument.path, stage: argument.stage };
    const picked = await this.pipeline(argument, title);
    const pipeline = picked === null ? null : picked.host.model.pipeline(picked.path);
    if (picked === null || pipeline === null) return null;
    const here = underCursor(picked);
    const items = pipeline.stages
      .map(({ view }) => ({ label: view.name, description: describeState(view, now()) }))
      .sort((left, right) => Number(right.label === here) - Number(left.label === here));
    const stage = await vscode.window.showQuickPick(items, { title, placeHolder: "Stage" });
    return stage === undefined ? null : { ...picked, stage: stage.label };
  }

  /** The pipeline that a command was called with, else that of the editor or panel in use, else one that the user picks. */
  async pipeline(argument: unknown, title: string): Promise<PickedPipeline | null> {
    // a Uri has a path too, but not one within the workspace
    if (argument instanceof vscode.Uri) return this.#at(argument);
    if (isRecord(argument) && typeof argument["path"] === "string") {
      const path = argument["path"];
      const host = this.#told(argument) ?? this.#holding(path);
      return host === null ? null : { host, path };
    }
    const open = this.#open();
    if (open?.host.model.pipelines().includes(open.path) === true) return open;
    const known = this.#folders.all.flatMap((host) => host.model.pipelines().map((path) => ({ host, path })));
    const [only] = known;
    if (only === undefined) {
      void vscode.window.showInformationMessage(
        "There is no pipeline in this workspace yet: decorate a function with @stage in a Python file.",
      );
      return null;
    }
    if (known.length === 1) return only;
    const several = this.#folders.several;
    const items = known.map(({ host, path }) => ({
      label: path,
      ...(several ? { description: host.root.folder.name } : {}),
      found: { host, path },
    }));
    return (await vscode.window.showQuickPick(items, { title, placeHolder: "Pipeline" }))?.found ?? null;
  }

  /** The folder that an argument names; the only one where there is no other. */
  #told(argument: unknown): FolderHost | null {
    const [first] = this.#folders.all;
    if (first !== undefined && !this.#folders.several) return first;
    return isRecord(argument) ? this.#folders.named(argument["folder"]) : null;
  }

  /** The first folder that has such a pipeline: other extensions may name no folder. */
  #holding(path: string): FolderHost | null {
    return this.#folders.all.find(({ model }) => model.pipelines().includes(path)) ?? null;
  }

  #open(): PickedPipeline | null {
    const uri = vscode.window.activeTextEditor?.document.uri;
    return uri === undefined ? this.#panels.active : this.#at(uri);
  }

  #at(uri: vscode.Uri): PickedPipeline | null {
    const host = this.#folders.of(uri);
    const path = host?.root.path(uri) ?? null;
    return host === null || path === null ? null : { host, path };
  }
}

function underCursor({ host, path }: PickedPipeline): string | null {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined || host.root.path(editor.document.uri) !== path) return null;
  const at = editor.document.offsetAt(editor.selection.active);
  const found = host.model
    .pipeline(path)
    ?.stages.find(
      ({ declaration }) => declaration !== null && declaration.whole.from <= at && at <= declaration.whole.to,
    );
  return found?.view.name ?? null;
}
