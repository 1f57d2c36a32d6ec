import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { now, type ViewContext } from "./context.js";
import { LensCommands } from "./lens-commands.js";
import { lensWords } from "./lens-words.js";
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
  readonly #commands = this.#lifetime.add(new LensCommands());

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
    if (path === null || !root.owns(document.uri)) return [];
    model.see(path, document.getText());
    const pipeline = model.pipeline(path);
    if (pipeline === null) return [];
    model.need(path);
    return lensWords(pipeline, model.trusted, now(), model.profile).map(
      ({ line, title, command, tooltip, argument }) => {
        const range = new vscode.Range(line, 0, line, 0);
        const about = { ...argument, folder: root.key };
        const id = command === "" ? "" : this.#commands.id(document, command, about);
        return new vscode.CodeLens(range, { title, command: id, tooltip });
      },
    );
  }
}
