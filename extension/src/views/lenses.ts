import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { explainState } from "../pipelines/describe.js";
import type { Pipeline } from "../pipelines/model.js";
import type { Stage } from "../pipelines/pipeline.js";
import { describeFailure, describeState } from "../protocol/words/states.js";
import { now, type StageRef, type ViewContext } from "./context.js";
import { Paced } from "./paced.js";

const AGES = 30_000;
/** VS Code waits a quarter of a second after each change, from anew: told more often, it would never ask. */
const PAUSE = 400;

/** `Realize`, `Invalidate` and the state, over every stage of a Python file. */
export class StageLenses implements vscode.CodeLensProvider, Disposable {
  readonly #context: ViewContext;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.#changes.event;

  constructor(context: ViewContext) {
    this.#context = context;
    const changed = this.#lifetime.add(
      new Paced(() => {
        this.#changes.fire();
      }, PAUSE),
    );
    this.#lifetime.add(
      context.model.onDidChange((change) => {
        if (change.is === "pipeline" || change.is === "pipelines" || change.is === "kernel") changed.happened();
      }),
    );
    const timer = setInterval(() => {
      this.#changes.fire();
    }, AGES);
    this.#lifetime.defer(() => {
      clearInterval(timer);
    });
    const where = { language: "python", pattern: new vscode.RelativePattern(context.root.folder, "**/*.py") };
    this.#lifetime.add(vscode.languages.registerCodeLensProvider(where, this));
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const { root, model } = this.#context;
    const path = root.path(document.uri);
    if (path === null) return [];
    model.see(path, document.getText());
    const pipeline = model.pipeline(path);
    if (pipeline === null) return [];
    model.need(path);
    const own = pipeline.stages.filter((stage) => stage.declaration !== null);
    const perLine = new Map<number, number>();
    for (const stage of own) perLine.set(stage.view.line, (perLine.get(stage.view.line) ?? 0) + 1);
    return own.flatMap((stage) => this.#lenses(pipeline, stage, (perLine.get(stage.view.line) ?? 0) > 1));
  }

  #lenses(pipeline: Pipeline, stage: Stage, several: boolean): vscode.CodeLens[] {
    const { model } = this.#context;
    const { name, line, state } = stage.view;
    const range = new vscode.Range(line, 0, line, 0);
    const ref: StageRef = { path: pipeline.path, stage: name };
    const lens = (title: string, command: string, tooltip = ""): vscode.CodeLens =>
      new vscode.CodeLens(range, { title, command, tooltip, arguments: command === "" ? [] : [ref] });
    const title = `${several ? `${name}: ` : ""}${stateTitle(pipeline, stage)}`;
    if (!model.trusted) return [lens(`${several ? `${name}: ` : ""}not run: workspace not trusted`, "")];
    const live = state.is === "running" || state.is === "waiting";
    const actions = live
      ? [lens("Cancel", "stageloom.cancel", "Stop the run; stages that have finished stay cached")]
      : [
          lens("Realize", "stageloom.realize", `Make "${name}", reusing what is cached`),
          lens(
            "Invalidate",
            "stageloom.invalidate",
            `Forget what "${name}" made, so that it runs again; can be undone`,
          ),
        ];
    return [...actions, lens(title, "stageloom.showState", explainState(state) || "Tell more")];
  }
}

function stateTitle(pipeline: Pipeline, { view }: Stage): string {
  const unknown = view.state.is === "unknown" && pipeline.failure !== null;
  const text = unknown ? describeFailure(pipeline.failure) : describeState(view, now());
  return view.guessed ? `${text} · guessed from the source` : text;
}
