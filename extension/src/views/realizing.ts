import * as vscode from "vscode";

import type { RunOutcome } from "../pipelines/runs.js";
import type { Problem } from "../protocol/kernel/messages.gen.js";
import { duration, listed, percent } from "../protocol/words/figures.js";
import { AWAITS } from "../protocol/words/states.js";
import type { ViewContext } from "./context.js";
import type { Failures } from "./failures.js";

/** Starts runs, shows their progress with a way to cancel, and tells how they ended. */
export class Realizing {
  readonly #context: ViewContext;
  readonly #failures: Failures;

  constructor(context: ViewContext, failures: Failures) {
    this.#context = context;
    this.#failures = failures;
  }

  async realize(path: string, targets: readonly string[]): Promise<RunOutcome> {
    const abort = new AbortController();
    const started = Date.now();
    const what = targets.length === 0 ? path.slice(path.lastIndexOf("/") + 1) : listed(targets, "stage");
    await this.#failures.hide();
    const options = { location: vscode.ProgressLocation.Notification, title: `Realizing ${what}`, cancellable: true };
    const outcome = await vscode.window.withProgress(options, async (progress, token) => {
      const cancelling = token.onCancellationRequested(() => {
        abort.abort();
      });
      const following = this.#context.model.onDidChange((change) => {
        if (change.is === "pipeline" && change.path === path) progress.report({ message: this.#message(path) });
      });
      try {
        return await this.#context.model.realize(path, targets, abort.signal);
      } finally {
        cancelling.dispose();
        following.dispose();
      }
    });
    void this.#tell(outcome, path, what, (Date.now() - started) / 1000);
    return outcome;
  }

  #message(path: string): string {
    const pipeline = this.#context.model.pipeline(path);
    const run = pipeline?.run ?? null;
    if (pipeline === null || run === null) return "";
    if (run.is === "cancelling") return "cancelling …";
    const running = pipeline.stages.filter(({ view }) => view.state.is === "running");
    const names = running.map(({ view }) => {
      const fraction = view.state.is === "running" ? view.state.fraction : undefined;
      return fraction === undefined ? view.name : `${view.name} ${percent(fraction)}`;
    });
    const now = run.awaits === undefined ? listed(names, "stage") : AWAITS[run.awaits][0];
    return run.total === 0 ? "planning …" : `${run.finished} of ${run.total} · ${now}`;
  }

  async #tell(outcome: RunOutcome, path: string, what: string, took: number): Promise<void> {
    switch (outcome.is) {
      case "done":
        await this.#done(outcome, path, what, took);
        return;
      case "failed": {
        const about = { folder: this.#context.root.key, path };
        const [first] = outcome.stages;
        const problems = this.#blocking(outcome.problems, path);
        if (first !== undefined && outcome.stages.length > 1) await this.#failures.showSeveral(about, outcome.stages);
        else if (first !== undefined) await this.#failures.show(first.failure, { ...about, stage: first.stage });
        else if (problems.length > 0 || outcome.failure === null) await this.#problems(problems);
        else await this.#failures.show(outcome.failure);
        return;
      }
      case "refused":
        await this.#failures.show(outcome.failure);
        return;
      case "cancelled":
        vscode.window.setStatusBarMessage(`Cancelled: ${what}`, 5000);
        return;
      case "busy": {
        const run = this.#context.model.pipeline(path)?.run?.run;
        const message = "This pipeline is being realized already. Wait for that run, or cancel it.";
        const picked = await vscode.window.showInformationMessage(message, "Cancel That Run");
        const folder = this.#context.root.key;
        if (picked !== undefined) await vscode.commands.executeCommand("stageloom.cancel", { folder, path, run });
        return;
      }
      case "unsaved":
        await vscode.window.showWarningMessage(
          "Nothing was run: a file of the project could not be saved. Save it and realize again.",
        );
        return;
      case "untrusted":
        if (
          (await vscode.window.showWarningMessage("Nothing runs before you trust this workspace.", "Manage Trust")) !==
          undefined
        )
          await vscode.commands.executeCommand("workbench.trust.manage");
        return;
    }
  }

  async #done(outcome: RunOutcome & { is: "done" }, path: string, what: string, took: number): Promise<void> {
    if (outcome.made.length === 0) {
      await vscode.window.showInformationMessage(`Nothing to do: ${what} is cached`);
      return;
    }
    const kept = outcome.kept.length === 0 ? "" : `, ${outcome.kept.length} cached`;
    const message = `Realized ${what}: ${outcome.made.length} ran${kept}, in ${duration(took)}`;
    const picked = await vscode.window.showInformationMessage(message, "Open Panel");
    const [stage] = outcome.targets;
    const about = { folder: this.#context.root.key, path };
    if (picked !== undefined)
      await vscode.commands.executeCommand("stageloom.openPanel", stage === undefined ? about : { ...about, stage });
  }

  /** What kept a run from beginning. A file that cannot be read has no stages: to miss the one asked for tells little. */
  #blocking(told: readonly Problem[], path: string): readonly Problem[] {
    const problems = told.length > 0 ? told : (this.#context.model.pipeline(path)?.problems ?? []);
    return problems.filter(({ severity, code }) => severity === "error" && (told.length > 0 || code === "syntax"));
  }

  async #problems([first, ...more]: readonly Problem[]): Promise<void> {
    const place = first === undefined ? "" : ` ${first.span.path}:${first.span.line + 1}: ${first.message}`;
    const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
    const message = `Nothing was run.${place || " The pipeline has problems."}${others}`;
    const show = (): unknown => vscode.commands.executeCommand("workbench.actions.view.problems");
    await this.#failures.ask(message, new Map([["Show Problems", show]]));
  }
}
