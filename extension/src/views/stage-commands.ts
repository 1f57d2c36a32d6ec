import * as vscode from "vscode";

import { comparable, comparedName, failureText } from "../pipelines/describe.js";
import type { Reason } from "../protocol/kernel/messages.gen.js";
import { offerUndo } from "./artifact-commands.js";
import { isRecord, type StageRef, type ViewContext } from "./context.js";
import type { Documents } from "./documents.js";
import type { Failures } from "./failures.js";

/** What can be done with a stage besides realizing it. */
export class StageCommands {
  readonly #context: ViewContext;
  readonly #documents: Documents;
  readonly #failures: Failures;

  constructor(context: ViewContext, documents: Documents, failures: Failures) {
    this.#context = context;
    this.#documents = documents;
    this.#failures = failures;
  }

  async invalidate({ path, stage }: StageRef, dependents: boolean): Promise<void> {
    const answer = await this.#context.model.invalidate(path, [stage], dependents);
    if (answer.is === "failed") await this.#failures.show(answer.failure);
    else await offerUndo(this.#context.root.key, answer.result.rrefs.length, answer.result.sequence);
  }

  async undo(argument: unknown): Promise<void> {
    const sequence = isRecord(argument) && typeof argument["sequence"] === "number" ? argument["sequence"] : 0;
    const answer = await this.#context.model.undo(sequence);
    if (answer.is === "failed") {
      await this.#failures.show(answer.failure);
      return;
    }
    const back = answer.result.rrefs.length;
    const message =
      back === 0
        ? "There is no invalidation to undo."
        : `${back} realization${back === 1 ? " is" : "s are"} visible again`;
    void vscode.window.showInformationMessage(message);
  }

  async cancel(argument: unknown): Promise<void> {
    const path = isRecord(argument) ? argument["path"] : undefined;
    const run = isRecord(argument) ? argument["run"] : undefined;
    for (const pipeline of this.#context.model.running()) {
      if (pipeline.run === null || (typeof path === "string" && pipeline.path !== path)) continue;
      if (typeof run === "string" && pipeline.run.run !== run) continue;
      const failure = await this.#context.model.cancel(pipeline.run.run);
      if (failure !== null) void this.#failures.show(failure);
    }
  }

  async goTo({ path, stage }: StageRef): Promise<void> {
    const found = this.#context.model.stage(path, stage);
    if (found === null) return;
    const document = await vscode.workspace.openTextDocument(this.#context.root.uri(found.view.path));
    const { declaration, view } = found;
    const at = declaration === null ? new vscode.Position(view.line, 0) : document.positionAt(declaration.at.from);
    const selection = new vscode.Range(at, at.translate(0, declaration === null ? 0 : view.name.length));
    await vscode.window.showTextDocument(document, { selection });
  }

  /** A click on the state: the difference for what is stale, the failure for what failed, else the panel. */
  async showState(ref: StageRef): Promise<void> {
    const state = this.#context.model.stage(ref.path, ref.stage)?.view.state;
    const failure = this.#context.model.pipeline(ref.path)?.failure ?? null;
    if (state?.is === "stale") await this.why(ref);
    else if (state?.is === "failed") await this.#failures.show(state.failure, ref);
    else if (state?.is === "unknown" && failure !== null) await this.#failures.show(failure);
    else await vscode.commands.executeCommand("stageloom.openPanel", { ...ref, folder: this.#context.root.key });
  }

  /** Why a stage is stale; where texts can be compared, in the diff editor. */
  async why(ref: StageRef): Promise<void> {
    const answer = await this.#context.model.why(ref.path, ref.stage);
    if (answer.is === "failed") {
      await this.#failures.show(answer.failure);
      return;
    }
    const { reasons } = answer.result;
    const texts = comparable(reasons);
    const [only] = texts;
    if (only !== undefined && texts.length === 1) await this.#compare(ref, only);
    else if (texts.length > 1) await this.#pick(ref, texts);
    else
      await vscode.window.showInformationMessage(
        reasons.length === 0 ? `"${ref.stage}" is cached.` : whyText(ref, reasons),
      );
  }

  /** The traceback or the reasons as a text to read, where there is no panel. */
  async traceback(ref: StageRef): Promise<void> {
    const state = this.#context.model.stage(ref.path, ref.stage)?.view.state;
    if (state?.is === "failed") await this.#documents.show("failure", `${ref.stage}.txt`, failureText(state.failure));
  }

  async #pick(ref: StageRef, texts: ReturnType<typeof comparable>): Promise<void> {
    const items = texts.map((reason) => ({ label: reason.summary, description: reason.subject, reason }));
    const picked = await vscode.window.showQuickPick(items, {
      title: `Why "${ref.stage}" is stale`,
      placeHolder: "Compare",
    });
    if (picked !== undefined) await this.#compare(ref, picked.reason);
  }

  async #compare(ref: StageRef, reason: ReturnType<typeof comparable>[number]): Promise<void> {
    const name = comparedName(reason, ref.stage);
    const file = `${name.replace(/[^\p{L}\p{N}_.-]+/gu, "_").replace(/\.py$/, "")}.py`;
    await this.#documents.diff(`${name}: as realized ↔ now`, file, reason.before, reason.after);
  }
}

function whyText(ref: StageRef, reasons: readonly Reason[]): string {
  return `"${ref.stage}" is stale: ${reasons.map((reason) => reason.summary).join("; ")}.`;
}
