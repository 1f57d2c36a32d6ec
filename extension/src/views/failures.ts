import * as vscode from "vscode";

import { adviceText, failureText } from "../pipelines/describe.js";
import type { Failure } from "../protocol/kernel/messages.gen.js";
import type { StageRef } from "./context.js";

/** Tells of failures, each with what can be done about it. */
export class Failures {
  readonly #log: vscode.LogOutputChannel;

  constructor(log: vscode.LogOutputChannel) {
    this.#log = log;
  }

  /** Shows a failure; `ref` is the stage it is of, where there is one. */
  async show(failure: Failure, ref: StageRef | null = null): Promise<void> {
    if (failure.kind === "cancelled") return;
    this.#log.error(`${ref === null ? "" : `${ref.path}:${ref.stage}: `}${failureText(failure)}`);
    const actions = new Map<string, () => unknown>();
    if (failure.command !== "")
      actions.set(failure.package === "" ? "Run in Terminal" : `Install ${failure.package}`, () => {
        runInTerminal(failure.command);
      });
    if (failure.kind === "no-interpreter" || failure.kind === "old-interpreter")
      actions.set("Choose Interpreter", () => vscode.commands.executeCommand("stageloom.chooseInterpreter"));
    if (failure.kind === "store")
      actions.set("Choose Store Folder", () =>
        vscode.commands.executeCommand("workbench.action.openSettings", "stageloom.store"),
      );
    if (ref !== null && (failure.frames.length > 0 || failure.detail !== ""))
      actions.set("Show Traceback", () => vscode.commands.executeCommand("stageloom.openPanel", ref));
    actions.set("Open Log", () => {
      this.#log.show(true);
    });
    const message = `${ref === null ? "" : `"${ref.stage}" failed: `}${adviceText(failure)}`;
    const picked = await vscode.window.showErrorMessage(message, ...actions.keys());
    if (picked !== undefined) await actions.get(picked)?.();
  }
}

function runInTerminal(command: string): void {
  const terminal = vscode.window.createTerminal({ name: "Stageloom" });
  terminal.show();
  terminal.sendText(command, true);
}
