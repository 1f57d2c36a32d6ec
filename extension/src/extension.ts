import { availableParallelism } from "node:os";

import * as vscode from "vscode";

import { KernelHost } from "./kernels/host.js";
import { InterpreterFinder } from "./kernels/interpreter.js";
import { Lifetime } from "./lifetime.js";
import { ArtifactModel } from "./pipelines/artifacts.js";
import { PipelineModel } from "./pipelines/model.js";
import { EditorInterpreters } from "./platform/interpreters.js";
import { KernelSettings } from "./platform/kernel-settings.js";
import { Root } from "./platform/root.js";
import { Settings } from "./platform/settings.js";
import { WorkspaceKernel, type MakeHost } from "./platform/workspace-kernel.js";
import { VsCodeFiles } from "./platform/workspace-files.js";
import { VsCodeTrust } from "./platform/workspace-trust.js";
import { Supervisor } from "./supervision/supervisor.js";
import { ArtifactCommands } from "./views/artifact-commands.js";
import { ArtifactTree } from "./views/artifact-tree.js";
import { Commands } from "./views/commands.js";
import type { ViewContext } from "./views/context.js";
import { ContextKeys } from "./views/context-keys.js";
import { Diagnostics } from "./views/diagnostics.js";
import { Documents } from "./views/documents.js";
import { Failures } from "./views/failures.js";
import { StageLenses } from "./views/lenses.js";
import { StageNavigation } from "./views/navigation.js";
import { Nowhere } from "./views/nowhere.js";
import { PipelinePanels } from "./views/panels.js";
import { PipelineTree } from "./views/pipeline-tree.js";
import { ProfileChoice } from "./views/profile-choice.js";
import { Realizing } from "./views/realizing.js";
import { StageCommands } from "./views/stage-commands.js";
import { StagePicker } from "./views/stage-picker.js";
import { StatusBar } from "./views/status-bar.js";
import { StoreCommands } from "./views/store-commands.js";

/** What other extensions get. `discovered` settles when the workspace has been searched for pipelines. */
export interface StageloomApi {
  readonly version: string;
  readonly model: PipelineModel;
  readonly artifacts: ArtifactModel;
  readonly discovered: Promise<void>;
  /** How long activation took of the extension's own time, in milliseconds. */
  readonly activatedIn: number;
}

/** VS Code calls `deactivate` without saying of what, and waits for it alone: kernels must be gone before the host is. */
const lifetime = new Lifetime();

export function activate(context: vscode.ExtensionContext): StageloomApi | null {
  const started = performance.now();
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === "file");
  if (folder === undefined) {
    lifetime.add(new Nowhere(context.extension.packageJSON));
    return null;
  }

  const log = lifetime.add(vscode.window.createOutputChannel("Stageloom", { log: true }));
  const root = new Root(folder);
  const settings = new Settings(root);
  const trust = lifetime.add(new VsCodeTrust());
  const files = lifetime.add(new VsCodeFiles(root));
  const interpreters = lifetime.add(new EditorInterpreters(root, log));
  // taken before the kernels, so that they end first, each in its own good time
  const processes = lifetime.add(new Lifetime());
  const used = lifetime.add(
    new KernelSettings(
      () => [settings.python, settings.store, settings.poolSize].join("\n"),
      () => void kernel.settingsChanged(),
    ),
  );
  const kernel: WorkspaceKernel = lifetime.add(
    new WorkspaceKernel(hosts(context, root, settings, interpreters, processes, used), trust),
  );
  lifetime.add(
    vscode.workspace.onDidChangeConfiguration(() => {
      used.look();
    }),
  );
  lifetime.add(interpreters.onDidChange(() => void kernel.settingsChanged()));

  const model = lifetime.add(new PipelineModel({ files, kernel, trust, logger: log }));
  const artifacts = lifetime.add(new ArtifactModel(kernel, model));
  const shown = { root, model, artifacts, log, extension: context.extensionUri };
  showViews(shown, kernel, settings, context.workspaceState);

  const discovered = model.discover();
  const activatedIn = performance.now() - started;
  log.info(`Activated in ${activatedIn.toFixed(1)} ms`);
  // safe: the manifest has a version
  const { version } = context.extension.packageJSON as { version: string };
  return { version, model, artifacts, discovered, activatedIn };
}

export function deactivate(): Promise<void> {
  return lifetime.dispose();
}

function hosts(
  context: vscode.ExtensionContext,
  root: Root,
  settings: Settings,
  interpreters: EditorInterpreters,
  processes: Lifetime,
  used: KernelSettings,
): MakeHost {
  const logger = lifetime.add(vscode.window.createOutputChannel("Stageloom Kernel", { log: true }));
  const inDist = (name: string): string => vscode.Uri.joinPath(context.extensionUri, "dist", name).fsPath;
  const leases = vscode.Uri.joinPath(context.globalStorageUri, "leases").fsPath;
  const supervised = memo(async () => {
    const supervisor = processes.add(await Supervisor.open({ leases, guardian: inDist("guardian.js"), logger }));
    void supervisor.sweep().catch((error: unknown) => {
      logger.warn(`the sweep failed: ${String(error)}`);
    });
    return supervisor;
  });
  return async () => {
    const supervisor = await supervised();
    used.begun();
    const ports = { editor: interpreters.chosen, setting: () => settings.python };
    const finder = new InterpreterFinder(root.fsPath, ports, supervisor);
    return new KernelHost({
      workspace: root.fsPath,
      store: settings.store,
      kernelPath: inDist("kernel"),
      interpreter: () => finder.find(),
      poolSize: settings.poolSize === 0 ? Math.max(1, Math.floor(availableParallelism() / 2)) : settings.poolSize,
      logger,
      supervisor,
    });
  };
}

function showViews(context: ViewContext, kernel: WorkspaceKernel, settings: Settings, memory: vscode.Memento): void {
  const failures = new Failures(context.log);
  const documents = lifetime.add(new Documents());
  const panels = lifetime.add(new PipelinePanels(context));
  lifetime.add(new StageLenses(context));
  lifetime.add(new PipelineTree(context));
  lifetime.add(new ArtifactTree(context));
  lifetime.add(new StatusBar(context));
  lifetime.add(new Diagnostics(context));
  lifetime.add(new StageNavigation(context));
  lifetime.add(new ContextKeys(context));
  const picker = new StagePicker(context);
  const realizing = new Realizing(context, failures);
  const stages = new StageCommands(context, documents, failures);
  const artifacts = new ArtifactCommands(context, documents, failures);
  const store = new StoreCommands(context, documents, failures, kernel, settings);
  const profiles = new ProfileChoice(context, memory);
  lifetime.add(new Commands({ context, picker, realizing, stages, artifacts, store, panels, kernel, profiles }));
}

function memo<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
