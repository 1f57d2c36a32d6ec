import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";

/**
 * Commands that need no arguments, one for each command with its argument.
 *
 * VS Code forgets the arguments of a lens when it has asked for newer lenses, though the older ones stay on the screen
 * until theirs are resolved: a click there fails with "Actual command not found". Arguments that it never holds it
 * can't forget, so each file's lenses keep their commands until the file is closed.
 */
export class LensCommands implements Disposable {
  readonly #files = new Map<string, Map<string, { readonly id: string; readonly registered: vscode.Disposable }>>();
  readonly #lifetime = new Lifetime();
  #count = 0;

  constructor() {
    this.#lifetime.defer(() => {
      for (const file of [...this.#files.keys()]) this.#forget(file);
    });
    this.#lifetime.add(
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        this.#forget(uri.toString());
      }),
    );
  }

  /** The command that runs `command` with `argument`; the same for the same, while the document is open. */
  id({ uri }: vscode.TextDocument, command: string, argument: unknown): string {
    const file = uri.toString();
    const commands = this.#files.get(file) ?? new Map<string, never>();
    this.#files.set(file, commands);
    const key = `${command} ${JSON.stringify(argument)}`;
    let held = commands.get(key);
    if (held === undefined) {
      const id = `_stageloom.lens.${++this.#count}`;
      const registered = vscode.commands.registerCommand(id, () => vscode.commands.executeCommand(command, argument));
      held = { id, registered };
      commands.set(key, held);
    }
    return held.id;
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #forget(file: string): void {
    for (const { registered } of this.#files.get(file)?.values() ?? []) registered.dispose();
    this.#files.delete(file);
  }
}
