import * as path from "node:path";

import * as vscode from "vscode";

import type { Answer } from "../kernels/answer.js";
import { duration, size } from "../protocol/words/figures.js";
import { isRecord, type ViewContext } from "./context.js";
import type { Documents } from "./documents.js";
import type { Failures } from "./failures.js";
import { previewText } from "./preview-text.js";

/** A realization, or one of its files (empty for all), as tree and panel name it. */
interface FileRef {
  readonly rref: string;
  readonly file: string;
}

/** What can be done with a cached artifact. */
export class ArtifactCommands {
  readonly #context: ViewContext;
  readonly #documents: Documents;
  readonly #failures: Failures;

  constructor(context: ViewContext, documents: Documents, failures: Failures) {
    this.#context = context;
    this.#documents = documents;
    this.#failures = failures;
  }

  async preview(argument: unknown): Promise<void> {
    const ref = fileRef(argument);
    if (ref === null) return;
    const shown = await this.#answer(this.#context.artifacts.preview(ref.rref, ref.file));
    if (shown === null) return;
    const readable = previewText(shown);
    if (readable === null) {
      const file = await this.#locate(ref);
      if (file !== null) await vscode.commands.executeCommand("vscode.open", file, { preview: true });
      return;
    }
    const name = `${shortName(ref.rref)}/${ref.file}`;
    const uri = this.#documents.put("preview", readable.language === "plaintext" ? `${name}.txt` : name, readable.text);
    const document = await vscode.workspace.openTextDocument(uri);
    if (document.languageId !== readable.language) await setLanguage(document, readable.language);
    await vscode.window.showTextDocument(document, { preview: true });
  }

  async revealInOs(argument: unknown): Promise<void> {
    const file = await this.#locate(fileRef(argument));
    if (file !== null) await vscode.commands.executeCommand("revealFileInOS", file);
  }

  async revealInExplorer(argument: unknown): Promise<void> {
    const file = await this.#locate(fileRef(argument));
    if (file !== null) await vscode.commands.executeCommand("revealInExplorer", file);
  }

  async copyPath(argument: unknown): Promise<void> {
    const file = await this.#locate(fileRef(argument));
    if (file !== null) await vscode.env.clipboard.writeText(file.fsPath);
  }

  async export(argument: unknown): Promise<void> {
    const ref = fileRef(argument);
    if (ref === null) return;
    const name = ref.file === "" ? shortName(ref.rref) : path.posix.basename(ref.file);
    const target = await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.joinPath(this.#context.root.folder.uri, name),
      title: ref.file === "" ? "Export All Files to a New Folder" : "Export File",
      saveLabel: "Export",
    });
    if (target === undefined) return;
    const located = await this.#answer(this.#context.artifacts.export(ref.rref, ref.file, target.fsPath));
    if (located === null) return;
    const picked = await vscode.window.showInformationMessage(`Exported to ${located.path}`, "Reveal");
    if (picked !== undefined) await vscode.commands.executeCommand("revealFileInOS", vscode.Uri.file(located.path));
  }

  /** All that a realization was made from, as a text. */
  async history(argument: unknown): Promise<void> {
    const ref = fileRef(argument);
    const text = ref === null ? null : await this.#history(ref.rref);
    if (ref !== null && text !== null) await this.#documents.show("history", `${shortName(ref.rref)}.txt`, text);
  }

  /** Two histories of one stage in the editor of differences. */
  async compare(argument: unknown): Promise<void> {
    const ref = fileRef(argument);
    if (ref === null) return;
    const others = await this.#context.artifacts.others(ref.rref);
    if (others.length === 0) {
      await vscode.window.showInformationMessage("There is no other realization of this stage to compare with.");
      return;
    }
    const picked = await vscode.window.showQuickPick(
      others.map(({ rref, at, took, size: bytes }) => ({
        label: new Date(at * 1000).toLocaleString(),
        description: `took ${duration(took)} · ${size(bytes)}`,
        detail: shortName(rref),
        rref,
      })),
      { title: "Compare with", matchOnDetail: true },
    );
    if (picked === undefined) return;
    const [left, right] = await Promise.all([this.#history(picked.rref), this.#history(ref.rref)]);
    if (left === null || right === null) return;
    const title = `${shortName(picked.rref)} ↔ ${shortName(ref.rref)}`;
    await this.#documents.diff(title, `${shortName(ref.rref)}.txt`, left, right);
  }

  async #history(rref: string): Promise<string | null> {
    return (await this.#answer(this.#context.artifacts.describe(rref)))?.text ?? null;
  }

  async invalidate(argument: unknown): Promise<void> {
    const ref = fileRef(argument);
    if (ref === null) return;
    const hidden = await this.#answer(this.#context.model.invalidateRealization(ref.rref));
    if (hidden !== null) await offerUndo(this.#context.root.key, hidden.rrefs.length, hidden.sequence);
  }

  /** A pinned realization is chosen before newer ones, and is never collected. */
  async pin(argument: unknown, pinned: boolean): Promise<void> {
    const ref = fileRef(argument);
    if (ref !== null) await this.#answer(this.#context.artifacts.pin(ref.rref, pinned));
  }

  async #locate(ref: FileRef | null): Promise<vscode.Uri | null> {
    const located = ref === null ? null : await this.#answer(this.#context.artifacts.locate(ref.rref, ref.file));
    return located === null ? null : vscode.Uri.file(located.path);
  }

  async #answer<T>(asked: Promise<Answer<T>>): Promise<T | null> {
    const answer = await asked;
    if (answer.is === "done") return answer.result;
    void this.#failures.show(answer.failure);
    // the engine knows of the damage since then: what rests on it is not cached any more
    if (answer.failure.kind === "damaged") void this.#context.model.refresh();
    return null;
  }
}

/** Says what an invalidation hid, with a way back. */
export async function offerUndo(folder: string, hidden: number, sequence: number): Promise<void> {
  if (hidden === 0) {
    await vscode.window.showInformationMessage("There was nothing to invalidate.");
    return;
  }
  const message = `Invalidated ${hidden} realization${hidden === 1 ? "" : "s"}`;
  if ((await vscode.window.showInformationMessage(message, "Undo")) !== undefined)
    await vscode.commands.executeCommand("stageloom.undo", { folder, sequence });
}

function fileRef(argument: unknown): FileRef | null {
  if (!isRecord(argument) || typeof argument["rref"] !== "string") return null;
  return { rref: argument["rref"], file: typeof argument["file"] === "string" ? argument["file"] : "" };
}

/** `rref:<32 hex>-<32 hex>-name` as a person reads it: `name-<8 hex>`. */
function shortName(rref: string): string {
  const [hash = "", , ...name] = rref.replace("rref:", "").split("-");
  return `${name.join("-")}-${hash.slice(0, 8)}`;
}

async function setLanguage(document: vscode.TextDocument, language: string): Promise<void> {
  const known = await vscode.languages.getLanguages();
  if (known.includes(language)) await vscode.languages.setTextDocumentLanguage(document, language);
}
