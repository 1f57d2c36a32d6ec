import { isAbsolute } from "node:path";

import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { Pipeline } from "../pipelines/model.js";
import type { Root } from "../platform/root.js";
import type { FromPanel, OutputsView, PipelineView, StageView, ToPanel } from "../protocol/panels/messages.js";
import type { ViewContext } from "./context.js";
import { readIntent } from "./panel-intents.js";
import { panelPage } from "./panel-page.js";

/** One pipeline's panel: tells its page what changes, and does what the page asks for. */
export class PipelinePanel implements Disposable {
  readonly #context: ViewContext;
  readonly #panel: vscode.WebviewPanel;
  readonly #path: string;
  readonly #lifetime = new Lifetime();
  /** The stages whose outputs came when the page was hidden. */
  readonly #owed = new Set<string>();
  #told = new Map<string, string>();
  #ground = "";
  #ready = false;
  #focus: string | null;

  constructor(context: ViewContext, panel: vscode.WebviewPanel, path: string, focus: string | null) {
    this.#context = context;
    this.#panel = panel;
    this.#path = path;
    this.#focus = focus;
    this.#lifetime.add(
      panel.webview.onDidReceiveMessage((message: unknown) => {
        this.#receive(message);
      }),
    );
    this.#lifetime.add(
      panel.onDidChangeViewState(() => {
        this.#snapshot();
      }),
    );
    this.#lifetime.add(panel.onDidDispose(() => void this.dispose()));
    this.#lifetime.add(
      context.model.onDidChange((change) => {
        if (change.is === "log" && change.path === path) this.#log(change.stage, change.text);
        else if (change.is === "points" && change.path === path)
          this.#post({ is: "points", stage: change.stage, points: change.points, reset: change.reset });
        else if (change.is === "pipeline" && change.path === path) this.#changed();
        else if (change.is === "kernel") this.#changed();
      }),
    );
    // not the file's name alone: its editor is often beside
    panel.title = `Pipeline ${context.root.title(path)}`;
    const icon = (theme: string): vscode.Uri => vscode.Uri.joinPath(context.extension, "media", `tab-${theme}.svg`);
    panel.iconPath = { light: icon("light"), dark: icon("dark") };
    panel.webview.html = panelPage(panel.webview, context.extension, panel.title);
    context.model.need(path);
  }

  /** Whether it has the focus. */
  get active(): boolean {
    return this.#panel.active;
  }

  /** The column that it is in; undefined where its group is not shown. */
  get column(): vscode.ViewColumn | undefined {
    return this.#panel.viewColumn;
  }

  get onDidDispose(): vscode.Event<void> {
    return this.#panel.onDidDispose;
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  close(): void {
    this.#panel.dispose();
  }

  /** Brings the panel forward, at a stage. */
  show(focus: string | null): void {
    this.#panel.reveal();
    if (focus === null) return;
    if (this.#ready) this.#post({ is: "focus", stage: focus });
    else this.#focus = focus;
  }

  get #listens(): boolean {
    // VS Code drops what a hidden page is sent; it gets a snapshot when it comes back
    return this.#ready && this.#panel.visible;
  }

  #post(message: ToPanel): void {
    if (this.#listens) void this.#panel.webview.postMessage(message);
  }

  #snapshot(): void {
    if (!this.#listens) return;
    const view = this.#view();
    this.#remember(view);
    const focus = this.#focus;
    this.#focus = null;
    this.#post({ is: "snapshot", pipeline: view, outputs: this.#known(view), focus });
    const owed = [...this.#owed];
    this.#owed.clear();
    for (const stage of owed) void this.#sendOutputs(stage);
  }

  /** What has changed since the last message; a whole snapshot where stages came, went or moved, or problems did. */
  #changed(): void {
    if (!this.#listens) return;
    const view = this.#view();
    if (ground(view) !== this.#ground) {
      this.#snapshot();
      return;
    }
    const changed = view.stages.filter((stage) => JSON.stringify(stage) !== this.#told.get(stage.name));
    this.#remember(view);
    this.#post({ is: "stages", stages: changed, run: view.run });
  }

  #remember(view: PipelineView): void {
    this.#ground = ground(view);
    this.#told = new Map(view.stages.map((stage) => [stage.name, JSON.stringify(stage)]));
  }

  #view(): PipelineView {
    const { model, root } = this.#context;
    // the whole path: by it a page that is restored finds its folder again
    const [path, title] = [root.uri(this.#path).fsPath, root.title(this.#path)];
    return pipelineView(model.pipeline(this.#path), path, title, model.trusted);
  }

  /** The outputs that need no asking: of what runs or ended badly. */
  #known(view: PipelineView): readonly OutputsView[] {
    return view.stages.flatMap((stage) => {
      const recorded = this.#context.model.recorded(this.#path, stage.name);
      const { state } = stage;
      if (recorded !== null && (state.is === "running" || state.is === "failed" || state.is === "cancelled"))
        return [{ stage: stage.name, rref: null, previews: [], log: recorded.log, points: recorded.points }];
      return [];
    });
  }

  #log(stage: string, text: string): void {
    this.#post({ is: "log", stage, text });
  }

  async #sendOutputs(stage: string): Promise<void> {
    const outputs = await this.#context.artifacts.outputs(this.#path, stage);
    if (this.#lifetime.ended) return;
    if (this.#listens) this.#post({ is: "outputs", outputs });
    else this.#owed.add(stage);
  }

  #receive(message: unknown): void {
    const intent = readIntent(message);
    if (intent === null) {
      this.#context.log.warn(`The panel of ${this.#path} sent a message that is not understood; it was dropped.`);
      return;
    }
    void this.#do(intent);
  }

  async #do(intent: FromPanel): Promise<void> {
    const path = this.#path;
    const folder = this.#context.root.key;
    const run = (command: string, argument: object = {}): Thenable<unknown> =>
      vscode.commands.executeCommand(`stageloom.${command}`, { folder, ...argument });
    switch (intent.is) {
      case "ready":
        this.#ready = true;
        this.#snapshot();
        return;
      case "realize":
        await run("realizeStages", { path, stages: intent.stages });
        return;
      case "cancel":
        await run("cancel", { path });
        return;
      case "invalidate":
        await run(intent.dependents ? "invalidateDependents" : "invalidate", { path, stage: intent.stage });
        return;
      case "undo":
        await run("undo");
        return;
      case "reveal":
        await run("goToStage", { path, stage: intent.stage });
        return;
      case "diff":
        await run("why", { path, stage: intent.stage });
        return;
      case "open-file":
        await run("artifact.preview", { rref: intent.rref, file: intent.file });
        return;
      case "open-frame":
        await openFrame(this.#context.root, intent.path, intent.line);
        return;
      case "outputs":
        await this.#sendOutputs(intent.stage);
        return;
      case "copy":
        await vscode.env.clipboard.writeText(intent.text);
        return;
    }
  }
}

function pipelineView(pipeline: Pipeline | null, path: string, title: string, trusted: boolean): PipelineView {
  const stages: readonly StageView[] = pipeline?.stages.map(({ view }) => view) ?? [];
  return {
    path,
    title,
    trusted,
    stages,
    problems: pipeline?.problems ?? [],
    run: pipeline?.run ?? null,
  };
}

/** All but stages' contents and the run: while this is the same, changes are enough. */
function ground({ title: shown, trusted, problems, stages }: PipelineView): string {
  return JSON.stringify([shown, trusted, problems, stages.map(({ name }) => name)]);
}

/** Opens a line of a traceback, which names whole paths, or of a problem, which names one within the workspace. */
async function openFrame(root: Root, path: string, line: number): Promise<void> {
  try {
    const uri = isAbsolute(path) ? root.file(path) : root.uri(path);
    const document = await vscode.workspace.openTextDocument(uri);
    const at = new vscode.Position(Math.min(line, document.lineCount - 1), 0);
    await vscode.window.showTextDocument(document, {
      selection: new vscode.Range(at, at),
      viewColumn: vscode.ViewColumn.One,
    });
  } catch {
    await vscode.window.showWarningMessage(`${path} cannot be opened: it is not there any more.`);
  }
}
