import * as vscode from "vscode";

import type { Answer } from "../kernels/answer.js";
import { adviceText, failureText } from "../pipelines/describe.js";
import type { Kernel } from "../pipelines/kernel.js";
import type { Settings } from "../platform/settings.js";
import type { Collected, Failure } from "../protocol/kernel/messages.gen.js";
import { plural, size } from "../protocol/words/figures.js";
import { isRecord, type ViewContext } from "./context.js";
import type { Documents } from "./documents.js";
import type { Failures } from "./failures.js";
import {
  collectedWords,
  damageText,
  garbageWords,
  howFarWords,
  leftOutText,
  leftOutWords,
  pushedWords,
  receivedWords,
  repairedWords,
  sparedWords,
  staysWords,
  verifiedWords,
} from "./store-words.js";

const ARCHIVES = { "Zip archives": ["zip"] };
const EVERYTHING = "Everything";

/** What can be done with the store as a whole, and what goes in and out of it. */
export class StoreCommands {
  readonly #context: ViewContext;
  readonly #documents: Documents;
  readonly #failures: Failures;
  readonly #kernel: Kernel;
  readonly #settings: Settings;

  constructor(context: ViewContext, documents: Documents, failures: Failures, kernel: Kernel, settings: Settings) {
    this.#context = context;
    this.#documents = documents;
    this.#failures = failures;
    this.#kernel = kernel;
    this.#settings = settings;
  }

  async collect(): Promise<void> {
    const others = this.#settings.keepOthers;
    const ask = (title: string, deleting: boolean): Promise<Collected | null> =>
      this.#long(title, (signal) => this.#kernel.request("store/collect", { delete: deleting, others }, signal));
    const told = await ask("Looking for garbage", false);
    if (told === null) return;
    const now = Date.now() / 1000;
    const words = garbageWords(told, now);
    if (words === null) {
      const none = `There is no garbage to collect: ${staysWords(told)} in the store.`;
      void vscode.window.showInformationMessage([none, ...sparedWords(told, now)].join(" "));
      return;
    }
    const { message, detail } = words;
    if ((await vscode.window.showWarningMessage(message, { modal: true, detail }, "Delete")) === undefined) return;
    const done = await ask("Collecting garbage", true);
    if (done !== null) void vscode.window.showInformationMessage(collectedWords(done));
  }

  async verify(): Promise<void> {
    const told = await this.#long("Verifying the store", (signal) =>
      this.#kernel.request("store/verify", { repair: false }, signal),
    );
    if (told === null) return;
    if (told.damages.length === 0) {
      void vscode.window.showInformationMessage(verifiedWords(told));
      return;
    }
    await this.#documents.show("damage", "damage.txt", damageText(told));
    const found = `${plural(told.damages.length, "damage")} found in the store. A repair moves what is damaged aside and forgets what needs it.`;
    if ((await vscode.window.showWarningMessage(found, "Repair")) === undefined) return;
    const repaired = await this.#long("Repairing the store", (signal) =>
      this.#kernel.request("store/verify", { repair: true }, signal),
    );
    if (repaired !== null) void vscode.window.showInformationMessage(repairedWords(repaired));
  }

  async pack(argument: unknown): Promise<void> {
    if (!isRecord(argument) || typeof argument["rref"] !== "string") return;
    const { rref, stage } = argument;
    const target = await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.joinPath(
        this.#context.root.folder.uri,
        `${typeof stage === "string" ? stage : "results"}.zip`,
      ),
      filters: ARCHIVES,
      title: "Pack Realization, with All It Was Made From",
      saveLabel: "Pack",
    });
    if (target === undefined) return;
    const params = { rrefs: [rref], target: target.fsPath };
    const packed = await this.#long("Packing", (signal) => this.#kernel.request("store/pack", params, signal));
    if (packed === null) return;
    const message = `Packed ${plural(packed.realizations, "realization")} into ${packed.path} (${size(packed.size)}).${leftOutWords(packed)}`;
    if ((await vscode.window.showInformationMessage(message, "Reveal")) !== undefined)
      await vscode.commands.executeCommand("revealFileInOS", target);
  }

  async unpack(): Promise<void> {
    const picked = await vscode.window.showOpenDialog({
      defaultUri: this.#context.root.folder.uri,
      filters: ARCHIVES,
      title: "Unpack Archive",
      openLabel: "Unpack",
    });
    const [archive] = picked ?? [];
    if (archive === undefined) return;
    const params = { path: archive.fsPath };
    const told = await this.#long("Unpacking", (signal) => this.#kernel.request("store/unpack", params, signal));
    if (told !== null) void vscode.window.showInformationMessage(receivedWords(told));
  }

  async push(): Promise<void> {
    await this.#push("Push", "Pushing", false);
  }

  /** Pushes, and reads what is there already: what was damaged there is put right. */
  async mend(): Promise<void> {
    await this.#push("Check and Mend Remote", "Checking the remote", true);
  }

  async #push(title: string, working: string, check: boolean): Promise<void> {
    const chosen = await this.#chooseRemote(title);
    if (chosen === null) return;
    const params = { ...chosen, check };
    const told = await this.#long(working, (signal) => this.#kernel.request("store/push", params, signal));
    if (told === null) return;
    if (told.leftOut.length > 0) {
      await this.#documents.show("damage", "left-out.txt", leftOutText(told));
      void vscode.window.showWarningMessage(pushedWords(told, check));
    } else void vscode.window.showInformationMessage(pushedWords(told, check));
  }

  async pull(): Promise<void> {
    const params = await this.#chooseRemote("Pull");
    if (params === null) return;
    const told = await this.#long("Pulling", (signal) => this.#kernel.request("store/pull", params, signal));
    if (told !== null) void vscode.window.showInformationMessage(receivedWords(told));
  }

  /** Where to, and what of it. */
  async #chooseRemote(title: string): Promise<{ remote: string; path: string; profile: string } | null> {
    const { remote } = this.#settings;
    if (remote === "") {
      const message = "No remote is set. Name one in stageloom.remote: s3://bucket/results, or a folder.";
      if ((await vscode.window.showInformationMessage(message, "Open Settings")) !== undefined)
        await vscode.commands.executeCommand("workbench.action.openSettings", "stageloom.remote");
      return null;
    }
    const { model } = this.#context;
    const items = [...model.pipelines().map((path) => ({ label: path, path })), { label: EVERYTHING, path: "" }];
    const picked = await vscode.window.showQuickPick(items, { title: `${title}: what?`, placeHolder: remote });
    return picked === undefined ? null : { remote, path: picked.path, profile: model.profile };
  }

  /** Something that may take long, with progress and a way to stop it; null where it came to nothing. */
  async #long<T>(title: string, ask: (signal: AbortSignal) => Promise<Answer<T>>): Promise<T | null> {
    const abort = new AbortController();
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    const answer = await vscode.window.withProgress(options, async (progress, token) => {
      const cancelling = token.onCancellationRequested(() => {
        abort.abort();
      });
      let percent = 0;
      const telling = this.#kernel.onDidTell((event) => {
        if (event.is !== "store/progress" || event.params.total === 0) return;
        const { done, total } = event.params;
        const now = (100 * done) / total;
        progress.report({ message: howFarWords(done, total), increment: Math.max(0, now - percent) });
        percent = Math.max(percent, now);
      });
      try {
        return await ask(abort.signal);
      } finally {
        telling.dispose();
        cancelling.dispose();
      }
    });
    if (answer.is === "done") return answer.result;
    if (answer.failure.kind === "cancelled") vscode.window.setStatusBarMessage(`Cancelled: ${title}`, 5000);
    else this.#refused(answer.failure);
    return null;
  }

  /** What the store refuses here is mostly an archive's or a remote's fault: another folder for the store is no help. */
  #refused(failure: Failure): void {
    if (failure.kind === "store") {
      this.#context.log.error(failureText(failure));
      void this.#failures.ask(adviceText(failure), new Map());
    } else void this.#failures.show(failure);
  }
}
