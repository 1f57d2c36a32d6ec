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
import { ContextKeys } from "./views/context-keys.js";
import { Diagnostics } from "./views/diagnostics.js";
import { Documents } from "./views/documents.js";
import { Failures } from "./views/failures.js";
import { Folders, type FolderHost } from "./views/folders.js";
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
import { Strangers } from "./views/strangers.js";

/** What other extensions get: the first folder's model and artifacts, and all folders'. `discovered` settles when the
 * workspace has been searched for pipelines. */
export interface StageloomApi {
  readonly version: string;
  readonly model: PipelineModel;
  readonly artifacts: ArtifactModel;
  readonly folders: Folders;
  readonly discovered: Promise<void>;
  /** How long activation took of the extension's own time, in milliseconds. */
  readonly activatedIn: number;
}

/** VS Code calls `deactivate` without saying of what, and waits for it alone: kernels must be gone before the host is. */
const lifetime = new Lifetime();

export function activate(context: vscode.ExtensionContext): StageloomApi | null {
  const started = performance.now();
  if (vscode.workspace.workspaceFolders?.some(({ uri }) => uri.scheme === "file") !== true) {
    lifetime.add(new Nowhere(context.extension.packageJSON));
    lifetime.add(new Strangers(() => false));
    return null;
  }

  const shared = sharedParts(context);
  const discoveries: Promise<void>[] = [];
  const folders = lifetime.add(
    new Folders((folder) => {
      const host = hostOf(folder, shared);
      discoveries.push(host.model.discover());
      return host;
    }),
  );
  showViews(folders, shared);

  const [first] = folders.all;
  if (first === undefined) return null;
  const discovered = Promise.all(discoveries).then(() => undefined);
  const activatedIn = performance.now() - started;
  shared.log.info(`Activated in ${activatedIn.toFixed(1)} ms`);
  // safe: the manifest has a version
  const { version } = context.extension.packageJSON as { version: string };
  return { version, model: first.model, artifacts: first.artifacts, folders, discovered, activatedIn };
}

export function deactivate(): Promise<void> {
  return lifetime.dispose();
}

/** What all folders share. */
interface Shared {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly kernelLog: vscode.LogOutputChannel;
  readonly trust: VsCodeTrust;
  readonly documents: Documents;
  readonly failures: Failures;
  readonly supervisor: () => Promise<Supervisor>;
}

function sharedParts(context: vscode.ExtensionContext): Shared {
  const log = lifetime.add(vscode.window.createOutputChannel("Stageloom", { log: true }));
  const kernelLog = lifetime.add(vscode.window.createOutputChannel("Stageloom Kernel", { log: true }));
  const trust = lifetime.add(new VsCodeTrust());
  const documents = lifetime.add(new Documents());
  // taken before the folders, so that their kernels end first, each in its own good time
  const processes = lifetime.add(new Lifetime());
  const leases = vscode.Uri.joinPath(context.globalStorageUri, "leases").fsPath;
  const supervisor = memo(async () => {
    const guardian = inDist(context, "guardian.js");
    const opened = processes.add(await Supervisor.open({ leases, guardian, logger: kernelLog }));
    void opened.sweep().catch((error: unknown) => {
      kernelLog.warn(`the sweep failed: ${String(error)}`);
    });
    return opened;
  });
  return { context, log, kernelLog, trust, documents, failures: new Failures(log), supervisor };
}

/** One folder's engine, store, model and views. */
function hostOf(folder: vscode.WorkspaceFolder, shared: Shared): FolderHost {
  const { context, documents, failures, log, trust } = shared;
  const own = new Lifetime();
  const root = new Root(folder);
  const settings = new Settings(root);
  const files = own.add(new VsCodeFiles(root));
  const interpreters = own.add(new EditorInterpreters(root, log));
  const used = own.add(
    new KernelSettings(
      () => [settings.python, settings.store, settings.storeLink, settings.poolSize].join("\n"),
      () => void kernel.settingsChanged(),
    ),
  );
  const kernel: WorkspaceKernel = own.add(
    new WorkspaceKernel(hosts(root, settings, interpreters, used, shared), trust),
  );
  own.add(
    vscode.workspace.onDidChangeConfiguration(() => {
      used.look();
    }),
  );
  own.add(interpreters.onDidChange(() => void kernel.settingsChanged()));

  const model = own.add(new PipelineModel({ files, kernel, trust, logger: log }));
  const artifacts = own.add(new ArtifactModel(kernel, model));
  const shown = { root, model, artifacts, log, extension: context.extensionUri };
  own.add(new StageLenses(shown));
  own.add(new Diagnostics(shown));
  own.add(new StageNavigation(shown));
  return {
    ...shown,
    kernel,
    realizing: new Realizing(shown, failures),
    stages: new StageCommands(shown, documents, failures),
    artifactCommands: new ArtifactCommands(shown, documents, failures),
    store: new StoreCommands(shown, documents, failures, kernel, settings),
    profiles: new ProfileChoice(shown, context.workspaceState),
    dispose: () => own.dispose(),
  };
}

function hosts(
  root: Root,
  settings: Settings,
  interpreters: EditorInterpreters,
  used: KernelSettings,
  { context, kernelLog, supervisor: supervised }: Shared,
): MakeHost {
  return async () => {
    const supervisor = await supervised();
    used.begun();
    const ports = { editor: interpreters.chosen, setting: () => settings.python };
    const finder = new InterpreterFinder(root.fsPath, ports, supervisor);
    return new KernelHost({
      workspace: root.fsPath,
      store: settings.store,
      link: settings.storeLink,
      kernelPath: inDist(context, "kernel"),
      interpreter: () => finder.find(),
      poolSize: settings.poolSize === 0 ? Math.max(1, Math.floor(availableParallelism() / 2)) : settings.poolSize,
      logger: kernelLog,
      supervisor,
    });
  };
}

/** The views over all folders, and the commands. */
function showViews(folders: Folders, { context, log }: Shared): void {
  const panels = lifetime.add(new PipelinePanels(folders, context.extensionUri));
  lifetime.add(new PipelineTree(folders));
  lifetime.add(new ArtifactTree(folders));
  lifetime.add(new Strangers((uri) => folders.of(uri) !== null));
  lifetime.add(new StatusBar(folders));
  lifetime.add(new ContextKeys(folders));
  lifetime.add(new Commands({ folders, picker: new StagePicker(folders, panels), panels, log }));
}

function inDist(context: vscode.ExtensionContext, name: string): string {
  return vscode.Uri.joinPath(context.extensionUri, "dist", name).fsPath;
}

function memo<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
