import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { RunOutcome } from "../pipelines/runs.js";
import type { ArtifactCommands } from "./artifact-commands.js";
import { isRecord, type StageRef, type ViewContext } from "./context.js";
import type { PipelinePanels } from "./panels.js";
import type { ProfileChoice } from "./profile-choice.js";
import type { Realizing } from "./realizing.js";
import type { StageCommands } from "./stage-commands.js";
import type { StagePicker } from "./stage-picker.js";
import { showMenu } from "./status-bar.js";
import type { StoreCommands } from "./store-commands.js";

/** What commands need of the kernels' host. */
export interface KernelControl {
  restart(): Promise<{ readonly is: string }>;
}

export interface CommandParts {
  readonly context: ViewContext;
  readonly picker: StagePicker;
  readonly realizing: Realizing;
  readonly stages: StageCommands;
  readonly artifacts: ArtifactCommands;
  readonly store: StoreCommands;
  readonly panels: PipelinePanels;
  readonly kernel: KernelControl;
  readonly profiles: ProfileChoice;
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
    const { stages, artifacts, context, panels, picker, realizing, store } = this.#parts;
    const onStage =
      (title: string, act: (ref: StageRef) => unknown): Handler =>
      async (argument) => {
        const ref = await picker.stage(argument, title);
        return ref === null ? undefined : act(ref);
      };
    return {
      realize: onStage("Realize", (ref) => realizing.realize(ref.path, [ref.stage])),
      realizeStages: (argument) => this.#realizeStages(argument),
      realizeAll: async (argument): Promise<RunOutcome | undefined> => {
        const path = await picker.pipeline(argument, "Realize All");
        return path === null ? undefined : realizing.realize(path, []);
      },
      cancel: (argument) => stages.cancel(argument),
      invalidate: onStage("Invalidate", (ref) => stages.invalidate(ref, false)),
      invalidateDependents: onStage("Invalidate with Dependents", (ref) => stages.invalidate(ref, true)),
      undo: (argument) => stages.undo(argument),
      showState: onStage("Show State", (ref) => stages.showState(ref)),
      why: onStage("Why Is It Stale", (ref) => stages.why(ref)),
      showTraceback: onStage("Show Traceback", (ref) => stages.traceback(ref)),
      goToStage: onStage("Go to Stage", (ref) => stages.goTo(ref)),
      openPanel: async (argument) => {
        const path = await picker.pipeline(argument, "Open Pipeline Panel");
        const focus = isRecord(argument) && typeof argument["stage"] === "string" ? argument["stage"] : null;
        if (path !== null) panels.open(path, focus);
      },
      menu: () => showMenu(context.model.running().length > 0),
      showLog: () => {
        context.log.show(true);
      },
      restartKernel: () => this.#parts.kernel.restart(),
      chooseInterpreter: () => chooseInterpreter(),
      chooseProfile: () => this.#parts.profiles.choose(),
      refresh: () => context.model.refresh(),
      "artifact.preview": (argument) => artifacts.preview(argument),
      "artifact.revealInExplorer": (argument) => artifacts.revealInExplorer(argument),
      "artifact.revealInOS": (argument) => artifacts.revealInOs(argument),
      "artifact.copyPath": (argument) => artifacts.copyPath(argument),
      "artifact.export": (argument) => artifacts.export(argument),
      "artifact.history": (argument) => artifacts.history(argument),
      "artifact.compare": (argument) => artifacts.compare(argument),
      "artifact.pin": (argument) => artifacts.pin(argument, true),
      "artifact.unpin": (argument) => artifacts.pin(argument, false),
      "artifact.invalidate": (argument) => artifacts.invalidate(argument),
      "artifact.pack": (argument) => store.pack(argument),
      "store.collect": () => store.collect(),
      "store.verify": () => store.verify(),
      "store.unpack": () => store.unpack(),
      "store.push": () => store.push(),
      "store.pull": () => store.pull(),
    };
  }

  async #realizeStages(argument: unknown): Promise<RunOutcome | undefined> {
    if (!isRecord(argument) || typeof argument["path"] !== "string" || !Array.isArray(argument["stages"]))
      return undefined;
    const stages = argument["stages"].filter((one): one is string => typeof one === "string");
    return this.#parts.realizing.realize(argument["path"], stages);
  }

  /** An unexpected error is shown with a way to the log, which has its trace. */
  async #guard(name: string, handler: Handler, argument: unknown): Promise<unknown> {
    try {
      return await handler(argument);
    } catch (error) {
      this.#parts.context.log.error(error instanceof Error ? error : String(error));
      const message = `Stageloom could not do that (${name}): ${error instanceof Error ? error.message : String(error)}`;
      void vscode.window.showErrorMessage(message, "Open Log").then((picked) => {
        if (picked !== undefined) this.#parts.context.log.show(true);
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
