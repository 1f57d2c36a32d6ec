import * as vscode from "vscode";

import { describeState } from "../protocol/words/states.js";
import { isRecord, isStageRef, now, type StageRef, type ViewContext } from "./context.js";

/** Finds out which pipeline or stage a command is about: what it was given, or what the user picks. */
export class StagePicker {
  readonly #context: ViewContext;

  constructor(context: ViewContext) {
    this.#context = context;
  }

  /** The stage that a command was called with, else one that the user picks; the cursor's comes first. */
  async stage(argument: unknown, title: string): Promise<StageRef | null> {
    if (isStageRef(argument)) return { path: argument.path, stage: argument.stage };
    const path = await this.pipeline(argument, title);
    const pipeline = path === null ? null : this.#context.model.pipeline(path);
    if (pipeline === null) return null;
    const here = this.#underCursor();
    const items = pipeline.stages
      .map(({ view }) => ({
        label: view.name,
        description: describeState(view, now()),
        ref: { path: pipeline.path, stage: view.name },
      }))
      .sort((left, right) => Number(right.label === here?.stage) - Number(left.label === here?.stage));
    const picked = await vscode.window.showQuickPick(items, { title, placeHolder: "Stage" });
    return picked?.ref ?? null;
  }

  /** The pipeline that a command was called with, else that of the editor, else one that the user picks. */
  async pipeline(argument: unknown, title: string): Promise<string | null> {
    const { model, root } = this.#context;
    // a Uri has a path too, but not one within the workspace
    if (argument instanceof vscode.Uri) return root.path(argument);
    if (isRecord(argument) && typeof argument["path"] === "string") return argument["path"];
    const known = model.pipelines();
    const editor = vscode.window.activeTextEditor;
    const open = editor === undefined ? null : root.path(editor.document.uri);
    if (open !== null && known.includes(open)) return open;
    const [only] = known;
    if (only === undefined) {
      void vscode.window.showInformationMessage(
        "There is no pipeline in this workspace yet: decorate a function with @stage in a Python file.",
      );
      return null;
    }
    if (known.length === 1) return only;
    return (await vscode.window.showQuickPick(known, { title, placeHolder: "Pipeline" })) ?? null;
  }

  #underCursor(): StageRef | null {
    const editor = vscode.window.activeTextEditor;
    const path = editor === undefined ? null : this.#context.root.path(editor.document.uri);
    if (editor === undefined || path === null) return null;
    const at = editor.document.offsetAt(editor.selection.active);
    const stages = this.#context.model.pipeline(path)?.stages ?? [];
    const found = stages.find(
      ({ declaration }) => declaration !== null && declaration.whole.from <= at && at <= declaration.whole.to,
    );
    return found === undefined ? null : { path, stage: found.view.name };
  }
}
