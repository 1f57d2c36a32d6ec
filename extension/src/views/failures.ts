import * as vscode from "vscode";

import { adviceText, failureText } from "../pipelines/describe.js";
import type { Failure } from "../protocol/kernel/messages.gen.js";
import type { StageRef } from "./context.js";

/** Tells of failures, each with what can be done about it. */
export class Failures {
  readonly #log: vscode.LogOutputChannel;
  readonly #platform: NodeJS.Platform;

  constructor(log: vscode.LogOutputChannel, platform: NodeJS.Platform = process.platform) {
    this.#log = log;
    this.#platform = platform;
  }

  /** Shows a failure; `ref` is the stage it is of, where there is one. */
  async show(failure: Failure, ref: StageRef | null = null): Promise<void> {
    if (failure.kind === "cancelled") return;
    this.#log.error(`${ref === null ? "" : `${ref.path}:${ref.stage}: `}${failureText(failure)}`);
    const actions = new Map<string, () => unknown>();
    if (failure.command !== "")
      actions.set(failure.package === "" ? "Run in Terminal" : `Install ${failure.package}`, () => {
        runInTerminal(failure.command, this.#platform);
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

function runInTerminal(command: string, platform: NodeJS.Platform): void {
  const terminal = vscode.window.createTerminal({
    name: "Stageloom",
    // the command is quoted for this shell; PowerShell would take its quoted program for a text
    ...(platform === "win32" ? { shellPath: process.env["ComSpec"] ?? "cmd.exe" } : {}),
  });
  terminal.show();
  terminal.sendText(command, true);
}
