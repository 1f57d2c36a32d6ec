import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { adviceText } from "../pipelines/describe.js";
import { listed } from "../protocol/words/figures.js";
import { AWAITS, describeFailure } from "../protocol/words/states.js";
import type { ViewContext } from "./context.js";

/** The status bar's item: idle, running, failed, no interpreter. Its tooltip is the menu. */
export class StatusBar implements Disposable {
  readonly #context: ViewContext;
  readonly #lifetime = new Lifetime();
  readonly #item: vscode.StatusBarItem;

  constructor(context: ViewContext) {
    this.#context = context;
    this.#item = this.#lifetime.add(
      vscode.window.createStatusBarItem("stageloom.status", vscode.StatusBarAlignment.Left, 10),
    );
    this.#item.name = "Stageloom";
    this.#item.command = "stageloom.menu";
    this.#lifetime.add(
      context.model.onDidChange((change) => {
        if (change.is !== "log" && change.is !== "points") this.#show();
      }),
    );
    this.#show();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #show(): void {
    const { model } = this.#context;
    if (model.pipelines().length === 0) {
      this.#item.hide();
      return;
    }
    const [text, about, color] = this.#describe();
    this.#item.text = text;
    this.#item.tooltip = menu(about, model.running().length > 0, model.trusted);
    this.#item.accessibilityInformation = { label: `Stageloom: ${about}`, role: "button" };
    this.#item.backgroundColor = color === null ? undefined : new vscode.ThemeColor(color);
    this.#item.show();
  }

  #describe(): readonly [text: string, about: string, color: string | null] {
    const { model } = this.#context;
    if (!model.trusted)
      return ["$(workspace-untrusted) Stageloom", "Nothing runs before you trust this workspace.", null];
    const run = model.running()[0]?.run ?? null;
    if (run !== null) {
      const { finished, total, is } = run;
      const counted = total === 0 ? "planning" : `${finished} of ${total}`;
      const awaits = run.awaits === undefined ? counted : AWAITS[run.awaits][0];
      const text = is === "cancelling" ? "cancelling" : awaits;
      return [`$(loading~spin) Stageloom: ${text}`, `Realizing ${listed(run.targets, "stage")}: ${text}`, null];
    }
    const { kernel } = model;
    if (kernel.is === "failed") {
      const text = describeFailure(kernel.failure);
      return [`$(error) Stageloom: ${text}`, adviceText(kernel.failure), "statusBarItem.errorBackground"];
    }
    if (kernel.is === "starting") return ["$(loading~spin) Stageloom", "Starting the engine.", null];
    const failed = model
      .pipelines()
      .flatMap((path) => (model.pipeline(path)?.stages ?? []).filter(({ view }) => view.state.is === "failed"));
    const [first] = failed;
    if (first !== undefined) {
      const text = failed.length === 1 ? `${first.view.name} failed` : `${failed.length} stages failed`;
      const names = failed.map(({ view }) => view.name).join(", ");
      return [`$(error) Stageloom: ${text}`, `Failed in the last run of each: ${names}.`, null];
    }
    const python = kernel.is === "ready" ? `Idle, on Python ${kernel.python} (${kernel.executable}).` : "Idle.";
    if (model.profile === "") return ["$(layers) Stageloom", python, null];
    return [`$(layers) Stageloom: ${model.profile}`, `${python} Parameters of the profile ${model.profile}.`, null];
  }
}

function menu(about: string, running: boolean, trusted: boolean): vscode.MarkdownString {
  const text = new vscode.MarkdownString("", true);
  text.isTrusted = { enabledCommands: [...Object.keys(ENTRIES), "workbench.trust.manage"] };
  text.appendText(`${about}\n\n`);
  const entries = Object.entries(ENTRIES).filter(([command]) =>
    command === "stageloom.cancel" ? running : trusted || command === "stageloom.showLog",
  );
  const links = entries.map(([command, title]) => `[${title}](command:${command})`);
  if (!trusted) links.unshift("[$(shield) Trust this workspace …](command:workbench.trust.manage)");
  text.appendMarkdown(links.join("  \n"));
  return text;
}

const ENTRIES: Readonly<Record<string, string>> = {
  "stageloom.cancel": "$(debug-stop) Cancel the run",
  "stageloom.openPanel": "$(type-hierarchy) Open the pipeline",
  "stageloom.realizeAll": "$(run-all) Realize all",
  "stageloom.undo": "$(discard) Undo the last invalidation",
  "stageloom.chooseProfile": "$(settings) Choose parameter profile",
  "stageloom.chooseInterpreter": "$(settings-gear) Choose interpreter",
  "stageloom.restartKernel": "$(debug-restart) Restart the kernel",
  "stageloom.showLog": "$(output) Show the log",
};

/** The same menu for the keyboard. */
export async function showMenu(running: boolean): Promise<void> {
  const items = Object.entries(ENTRIES)
    .filter(([command]) => running || command !== "stageloom.cancel")
    .map(([command, label]) => ({ label, command }));
  const picked = await vscode.window.showQuickPick(items, { title: "Stageloom" });
  if (picked !== undefined) await vscode.commands.executeCommand(picked.command);
}
