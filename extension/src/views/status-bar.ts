import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { adviceText } from "../pipelines/describe.js";
import type { PipelineModel } from "../pipelines/model.js";
import { listed } from "../protocol/words/figures.js";
import { AWAITS, describeFailure } from "../protocol/words/states.js";
import type { Folders } from "./folders.js";

/** The status bar's item: idle, running, failed, no interpreter. Its tooltip is the menu. */
export class StatusBar implements Disposable {
  readonly #folders: Folders;
  readonly #lifetime = new Lifetime();
  readonly #item: vscode.StatusBarItem;

  constructor(folders: Folders) {
    this.#folders = folders;
    this.#item = this.#lifetime.add(
      vscode.window.createStatusBarItem("stageloom.status", vscode.StatusBarAlignment.Left, 10),
    );
    this.#item.name = "Stageloom";
    this.#item.command = "stageloom.menu";
    this.#lifetime.add(
      folders.onDidTell(({ change }) => {
        if (change.is !== "log" && change.is !== "points") this.#show();
      }),
    );
    this.#lifetime.add(
      folders.onDidChange(() => {
        this.#show();
      }),
    );
    this.#show();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #show(): void {
    const models = this.#folders.all.map(({ model }) => model);
    if (models.every((model) => model.pipelines().length === 0)) {
      this.#item.hide();
      return;
    }
    const trusted = models.every((model) => model.trusted);
    const running = models.some((model) => model.running().length > 0);
    const [text, about, color] = this.#describe(models);
    this.#item.text = text;
    this.#item.tooltip = menu(about, running, trusted);
    this.#item.accessibilityInformation = { label: `Stageloom: ${about}`, role: "button" };
    this.#item.backgroundColor = color === null ? undefined : new vscode.ThemeColor(color);
    this.#item.show();
  }

  #describe(models: readonly PipelineModel[]): readonly [text: string, about: string, color: string | null] {
    if (models.some((model) => !model.trusted))
      return ["$(workspace-untrusted) Stageloom", "Nothing runs before you trust this workspace.", null];
    const run = models.flatMap((model) => model.running())[0]?.run ?? null;
    if (run !== null) {
      const { finished, total, is } = run;
      const counted = total === 0 ? "planning" : `${finished} of ${total}`;
      const awaits = run.awaits === undefined ? counted : AWAITS[run.awaits][0];
      const text = is === "cancelling" ? "cancelling" : awaits;
      return [`$(loading~spin) Stageloom: ${text}`, `Realizing ${listed(run.targets, "stage")}: ${text}`, null];
    }
    const kernels = models.map(({ kernel }) => kernel);
    const lost = kernels.find((kernel) => kernel.is === "failed");
    if (lost?.is === "failed") {
      const text = describeFailure(lost.failure);
      return [`$(error) Stageloom: ${text}`, adviceText(lost.failure), "statusBarItem.errorBackground"];
    }
    if (kernels.some((kernel) => kernel.is === "starting"))
      return ["$(loading~spin) Stageloom", "Starting the engine.", null];
    const failed = models
      .flatMap((model) => model.pipelines().flatMap((path) => model.pipeline(path)?.stages ?? []))
      .filter(({ view }) => view.state.is === "failed");
    const [first] = failed;
    if (first !== undefined) {
      const text = failed.length === 1 ? `${first.view.name} failed` : `${failed.length} stages failed`;
      const names = failed.map(({ view }) => view.name).join(", ");
      return [`$(error) Stageloom: ${text}`, `Failed in the last run of each: ${names}.`, null];
    }
    return this.#idle(models);
  }

  #idle(models: readonly PipelineModel[]): readonly [text: string, about: string, color: null] {
    const interpreters = new Set(
      models.flatMap(({ kernel }) => (kernel.is === "ready" ? [`Python ${kernel.python} (${kernel.executable})`] : [])),
    );
    const idle = interpreters.size === 0 ? "Idle." : `Idle, on ${[...interpreters].join(" and ")}.`;
    const profiles = [...new Set(models.map(({ profile }) => profile).filter(Boolean))];
    if (profiles.length === 0) return ["$(layers) Stageloom", idle, null];
    const names = profiles.join(", ");
    return [`$(layers) Stageloom: ${names}`, `${idle} Parameters of the profile ${names}.`, null];
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
