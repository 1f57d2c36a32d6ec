import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { RunOutcome } from "../pipelines/runs.js";
import { isRecord } from "./context.js";
import type { FolderHost, Folders } from "./folders.js";
import type { PipelinePanels } from "./panels.js";
import type { PickedStage, StagePicker } from "./stage-picker.js";
import { showMenu } from "./status-bar.js";

export interface CommandParts {
  readonly folders: Folders;
  readonly picker: StagePicker;
  readonly panels: PipelinePanels;
  readonly log: vscode.LogOutputChannel;
}

type Handler = (argument: unknown) => unknown;

/** Every command of the extension, by name. */
export class Commands implements Disposable {
  readonly #parts: CommandParts;
  readonly #lifetime = new Lifetime();

  constructor(parts: CommandParts) {
    this.#parts = parts;
    for (const [name, handler] of Object.entries(this.#table()))
      this.#lifetime.add(
        vscode.commands.registerCommand(`stageloom.${name}`, (argument: unknown) =>
          this.#guard(name, handler, argument),
        ),
      );
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #table(): Readonly<Record<string, Handler>> {
    const { folders, panels, picker } = this.#parts;
    const onStage =
      (title: string, act: (picked: PickedStage) => unknown): Handler =>
      async (argument) => {
        const picked = await picker.stage(argument, title);
        return picked === null ? undefined : act(picked);
      };
    const inFolder =
      (title: string, act: (host: FolderHost, argument: unknown) => unknown): Handler =>
      async (argument) => {
        const host = await picker.folder(argument, title);
        return host === null ? undefined : act(host, argument);
      };
    return {
      realize: onStage("Realize", ({ host, path, stage }) => host.realizing.realize(path, [stage])),
      realizeStages: (argument) => this.#realizeStages(argument),
      realizeAll: async (argument): Promise<RunOutcome | undefined> => {
        const picked = await picker.pipeline(argument, "Realize All");
        return picked === null ? undefined : picked.host.realizing.realize(picked.path, []);
      },
      cancel: (argument) => this.#cancel(argument),
      invalidate: onStage("Invalidate", ({ host, ...ref }) => host.stages.invalidate(ref, false)),
      invalidateDependents: onStage("Invalidate with Dependents", ({ host, ...ref }) =>
        host.stages.invalidate(ref, true),
      ),
      undo: inFolder("Undo Last Invalidation", (host, argument) => host.stages.undo(argument)),
      showState: onStage("Show State", ({ host, ...ref }) => host.stages.showState(ref)),
      why: onStage("Why Is It Stale", ({ host, ...ref }) => host.stages.why(ref)),
      showTraceback: onStage("Show Traceback", ({ host, ...ref }) => host.stages.traceback(ref)),
      goToStage: onStage("Go to Stage", ({ host, ...ref }) => host.stages.goTo(ref)),
      openPanel: async (argument) => {
        const picked = await picker.pipeline(argument, "Open Pipeline Panel");
        const focus = isRecord(argument) && typeof argument["stage"] === "string" ? argument["stage"] : null;
        if (picked !== null) panels.open(picked.host, picked.path, focus);
      },
      menu: () => showMenu(folders.all.some(({ model }) => model.running().length > 0)),
      showLog: () => {
        this.#parts.log.show(true);
      },
      restartKernel: () => Promise.all(folders.all.map((host) => host.kernel.restart())),
      chooseInterpreter: () => chooseInterpreter(),
      chooseProfile: inFolder("Choose Parameter Profile", (host) => host.profiles.choose()),
      refresh: () => Promise.all(folders.all.map((host) => host.model.refresh())),
      "artifact.preview": inFolder("Preview", (host, argument) => host.artifactCommands.preview(argument)),
      "artifact.revealInExplorer": inFolder("Reveal", (host, one) => host.artifactCommands.revealInExplorer(one)),
      "artifact.revealInOS": inFolder("Reveal", (host, one) => host.artifactCommands.revealInOs(one)),
      "artifact.copyPath": inFolder("Copy Path", (host, one) => host.artifactCommands.copyPath(one)),
      "artifact.export": inFolder("Export", (host, one) => host.artifactCommands.export(one)),
      "artifact.history": inFolder("Show History", (host, one) => host.artifactCommands.history(one)),
      "artifact.compare": inFolder("Compare", (host, one) => host.artifactCommands.compare(one)),
      "artifact.pin": inFolder("Pin", (host, one) => host.artifactCommands.pin(one, true)),
      "artifact.unpin": inFolder("Unpin", (host, one) => host.artifactCommands.pin(one, false)),
      "artifact.invalidate": inFolder("Invalidate", (host, one) => host.artifactCommands.invalidate(one)),
      "artifact.pack": inFolder("Pack", (host, one) => host.store.pack(one)),
      "store.collect": inFolder("Collect Garbage", (host) => host.store.collect()),
      "store.verify": inFolder("Verify Store", (host) => host.store.verify()),
      "store.unpack": inFolder("Unpack Archive", (host) => host.store.unpack()),
      "store.push": inFolder("Push", (host) => host.store.push()),
      "store.mend": inFolder("Check and Mend Remote", (host) => host.store.mend()),
      "store.pull": inFolder("Pull", (host) => host.store.pull()),
    };
  }

  async #realizeStages(argument: unknown): Promise<RunOutcome | undefined> {
    if (!isRecord(argument) || typeof argument["path"] !== "string" || !Array.isArray(argument["stages"]))
      return undefined;
    const stages = argument["stages"].filter((one): one is string => typeof one === "string");
    const picked = await this.#parts.picker.pipeline(argument, "Realize");
    return picked === null ? undefined : picked.host.realizing.realize(picked.path, stages);
  }

  /** What runs in the folder that is named; without one, all. */
  async #cancel(argument: unknown): Promise<void> {
    const { folders } = this.#parts;
    const named = isRecord(argument) ? folders.named(argument["folder"]) : null;
    for (const host of named === null ? folders.all : [named]) await host.stages.cancel(argument);
  }

  /** An unexpected error is shown with a way to the log, which has its trace. */
  async #guard(name: string, handler: Handler, argument: unknown): Promise<unknown> {
    try {
      return await handler(argument);
    } catch (error) {
      this.#parts.log.error(error instanceof Error ? error : String(error));
      const message = `Stageloom could not do that (${name}): ${error instanceof Error ? error.message : String(error)}`;
      void vscode.window.showErrorMessage(message, "Open Log").then((picked) => {
        if (picked !== undefined) this.#parts.log.show(true);
      });
      return undefined;
    }
  }
}

/** The Python extension's own choice where it is installed, else the setting. */
async function chooseInterpreter(): Promise<void> {
  if (vscode.extensions.getExtension("ms-python.python") !== undefined)
    await vscode.commands.executeCommand("python.setInterpreter");
  else await vscode.commands.executeCommand("workbench.action.openSettings", "stageloom.python");
}
