import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import { isRecord } from "./context.js";

const OPEN = "Open Folder …";

/** Commands where there is no folder to work in: each says so, and offers to open one. */
export class Nowhere implements Disposable {
  readonly #lifetime = new Lifetime();

  /** `manifest` is the extension's own, which names its commands. */
  constructor(manifest: unknown) {
    for (const command of commandsOf(manifest))
      this.#lifetime.add(vscode.commands.registerCommand(command, () => this.#explain()));
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  async #explain(): Promise<void> {
    const picked = await vscode.window.showInformationMessage(
      "Stageloom finds pipelines in a folder, and no folder with files on disk is open here.",
      OPEN,
    );
    if (picked === OPEN) await vscode.commands.executeCommand("vscode.openFolder");
  }
}

function commandsOf(manifest: unknown): readonly string[] {
  const contributes = isRecord(manifest) ? manifest["contributes"] : null;
  const commands: unknown = isRecord(contributes) ? contributes["commands"] : null;
  return (Array.isArray(commands) ? (commands as unknown[]) : []).flatMap((one) =>
    isRecord(one) && typeof one["command"] === "string" ? [one["command"]] : [],
  );
}
