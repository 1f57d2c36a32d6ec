import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";

const SCHEME = "stageloom";
const MOST = 200;

/** Read-only texts that are nobody's file: a stage's code as it was, what is in an array. */
export class Documents implements vscode.TextDocumentContentProvider, Disposable {
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new vscode.EventEmitter<vscode.Uri>());
  readonly #texts = new Map<string, string>();
  readonly onDidChange = this.#changes.event;

  constructor() {
    this.#lifetime.add(vscode.workspace.registerTextDocumentContentProvider(SCHEME, this));
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? "This text was of an earlier session. Ask for it again.\n";
  }

  /** Makes a document; its path gives the title and, by its suffix, the language. */
  put(kind: string, path: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, authority: kind, path: `/${path}` });
    const key = uri.toString();
    const changed = this.#texts.has(key) && this.#texts.get(key) !== text;
    this.#texts.delete(key);
    this.#texts.set(key, text);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > MOST && oldest !== undefined) this.#texts.delete(oldest);
    if (changed) this.#changes.fire(uri);
    return uri;
  }

  async diff(title: string, path: string, before: string, after: string): Promise<void> {
    await vscode.commands.executeCommand(
      "vscode.diff",
      this.put("before", path, before),
      this.put("after", path, after),
      title,
      { preview: true },
    );
  }

  async show(kind: string, path: string, text: string): Promise<void> {
    await vscode.window.showTextDocument(this.put(kind, path, text), { preview: true });
  }
}
