import { setTimeout as wait } from "node:timers/promises";

import * as vscode from "vscode";

import type { InterpreterPorts } from "../kernels/interpreter.js";
import { Lifetime, type Disposable } from "../lifetime.js";
import type { Logger } from "../logger.js";
import type { Root } from "./root.js";

const pythonExtension = "ms-python.python";
const activationLimit = 15_000;

/** The part of the Python extension's API that is used here. */
interface Environments {
  getActiveEnvironmentPath(resource?: vscode.Uri): { readonly id: string; readonly path: string };
  resolveEnvironment(path: { readonly id: string; readonly path: string }): Promise<Resolved | undefined>;
  onDidChangeActiveEnvironmentPath(listener: () => void): vscode.Disposable;
}

interface Resolved {
  readonly executable: { readonly uri: vscode.Uri | undefined };
}

/** The interpreter that VS Code's Python extension has chosen for the workspace, where there is that extension. */
export class EditorInterpreters implements Disposable {
  readonly #root: Root;
  readonly #logger: Logger;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<void>());
  #environments: Promise<Environments | null> | null = null;
  /** Whether it was looked for, and not there. */
  #missed = false;

  /** Fires when another one is chosen. */
  readonly onDidChange: vscode.Event<void> = this.#changes.event;

  constructor(root: Root, logger: Logger) {
    this.#root = root;
    this.#logger = logger;
    this.#lifetime.add(
      vscode.extensions.onDidChange(() => {
        this.#installed();
      }),
    );
  }

  /** Its executable; null without the extension, or where nothing is chosen that can be told. */
  readonly chosen: InterpreterPorts["editor"] = async () => {
    const environments = await this.#api();
    if (environments === null) return null;
    try {
      const active = environments.getActiveEnvironmentPath(this.#root.folder.uri);
      const resolved = await environments.resolveEnvironment(active);
      const command = resolved?.executable.uri?.fsPath;
      return command === undefined ? null : { command, env: {} };
    } catch (error) {
      this.#logger.warn(`the Python extension could not say which interpreter is chosen: ${String(error)}`);
      return null;
    }
  };

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  /** The Python extension may come while kernels run on what was found without it. */
  #installed(): void {
    if (!this.#missed || vscode.extensions.getExtension(pythonExtension) === undefined) return;
    this.#missed = false;
    this.#environments = null;
    void this.#api().then((environments) => {
      if (environments !== null) this.#changes.fire();
    });
  }

  #api(): Promise<Environments | null> {
    this.#environments ??= this.#activate();
    return this.#environments;
  }

  async #activate(): Promise<Environments | null> {
    const extension = vscode.extensions.getExtension<unknown>(pythonExtension);
    this.#missed = extension === undefined;
    if (extension === undefined) return null;
    const environments = this.#listen(extension);
    const limit = new AbortController();
    const late = wait(activationLimit, "late" as const, { signal: limit.signal }).catch(() => "late" as const);
    const inTime = await Promise.race([environments, late]);
    limit.abort();
    if (inTime !== "late") return inTime;
    this.#logger.warn(
      "the Python extension takes long to start: what it has chosen counts when the kernel next starts",
    );
    void environments.then((found) => {
      this.#environments = Promise.resolve(found);
    });
    return null;
  }

  async #listen(extension: vscode.Extension<unknown>): Promise<Environments | null> {
    try {
      const environments = environmentsOf(await extension.activate());
      if (environments === null) this.#logger.warn("the Python extension does not offer its environments");
      else if (!this.#lifetime.ended)
        this.#lifetime.add(
          environments.onDidChangeActiveEnvironmentPath(() => {
            this.#changes.fire();
          }),
        );
      return environments;
    } catch (error) {
      this.#logger.warn(`the Python extension does not start: ${String(error)}`);
      return null;
    }
  }
}

function environmentsOf(api: unknown): Environments | null {
  if (typeof api !== "object" || api === null || !("environments" in api)) return null;
  const { environments } = api;
  if (typeof environments !== "object" || environments === null) return null;
  const names = ["getActiveEnvironmentPath", "resolveEnvironment", "onDidChangeActiveEnvironmentPath"];
  const complete = names.every((name) => typeof Reflect.get(environments, name) === "function");
  // safe as far as can be told from outside: these are the extension's documented functions
  return complete ? (environments as Environments) : null;
}
