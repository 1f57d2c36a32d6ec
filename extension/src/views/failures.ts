import * as vscode from "vscode";

import { adviceText, failureText } from "../pipelines/describe.js";
import type { Failure } from "../protocol/kernel/messages.gen.js";
import type { StageRef } from "./context.js";

/** As many names of failed stages are told. */
const MOST = 5;

/** Tells of failures, each with what can be done about it. */
export class Failures {
  readonly #log: vscode.LogOutputChannel;
  readonly #platform: NodeJS.Platform;
  /** What was said and not answered yet: it stays in sight until it is. */
  readonly #unanswered = new Set<object>();

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
    await this.ask(`${ref === null ? "" : `"${ref.stage}" failed: `}${adviceText(failure)}`, actions);
  }

  /** Shows which stages of a run failed, the first one first. */
  async showSeveral(
    about: Omit<StageRef, "stage">,
    stages: readonly { readonly stage: string; readonly failure: Failure }[],
  ): Promise<void> {
    for (const { stage, failure } of stages) this.#log.error(`${about.path}:${stage}: ${failureText(failure)}`);
    const [first] = stages;
    if (first === undefined) return;
    const actions = new Map<string, () => unknown>([
      ["Show", () => vscode.commands.executeCommand("stageloom.openPanel", { ...about, stage: first.stage })],
    ]);
    actions.set("Open Log", () => {
      this.#log.show(true);
    });
    const names = stages.slice(0, MOST).map(({ stage }) => stage);
    const more = stages.length > MOST ? ` and ${stages.length - MOST} more` : "";
    const told = `${stages.length} stages failed: ${names.join(", ")}${more}.`;
    await this.ask(`${told} First "${first.stage}": ${adviceText(first.failure)}`, actions);
  }

  /** Takes away what is still told of an earlier run, now that the user begins another. */
  async hide(): Promise<void> {
    if (this.#unanswered.size === 0) return;
    this.#unanswered.clear();
    // VS Code lets no extension take back a message of its own: all go to the bell, where they can still be read
    await vscode.commands.executeCommand("notifications.hideToasts");
  }

  /** Says that something went wrong, with what can be done about it. */
  async ask(message: string, actions: ReadonlyMap<string, () => unknown>): Promise<void> {
    const said = {};
    this.#unanswered.add(said);
    const picked = await vscode.window.showErrorMessage(message, ...actions.keys());
    this.#unanswered.delete(said);
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
