import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { browser, browserArguments } from "../../../scripts/lib/browser.mjs";
import { root } from "../../../scripts/lib/paths.mjs";
import { endWithSignals } from "../../../scripts/lib/processes.mjs";
import { environment } from "../../../scripts/lib/python.mjs";
import { installVsix, startServer, type EmbeddedServer } from "../../../scripts/lib/server.mjs";
import { removeFolder, temporaryFolder } from "../../../scripts/lib/temporary.mjs";
import { CommandPalette } from "./page/command-palette.js";
import { Lenses } from "./page/lenses.js";
import { Notifications } from "./page/notifications.js";
import { Panel } from "./page/panel.js";
import { Pictures } from "./page/pictures.js";
import { Sidebar } from "./page/sidebar.js";
import { StatusBar } from "./page/status-bar.js";
import { TextEditor } from "./page/text-editor.js";
import { patience, startPatience } from "./page/waiting.js";

export interface OpenOptions {
  /** The folder below examples/ that is copied to be the workspace; or else `files`. */
  readonly example?: string;
  /** Files written into the workspace, over the example's where there is one. */
  readonly files?: Readonly<Record<string, string>>;
  /** Folders below the workspace that are opened together, as a workspace of several, in place of the whole. */
  readonly folders?: readonly string[];
  /** The file that is open at the start. */
  readonly open?: string;
  /** What is set for the machine, over the interpreter of the tests. */
  readonly machine?: Readonly<Record<string, unknown>>;
  /** Whether VS Code asks for trust; without, every folder is trusted. */
  readonly trust?: boolean;
  /** Whether the workspace is opened by a symbolic link to its folder. */
  readonly linked?: boolean;
  /** A packaged extension in place of the checkout's. */
  readonly vsix?: string;
}

/** The Python that pipelines of the tests run on: it has NumPy, SciPy and Matplotlib. */
export async function testPython(): Promise<string> {
  return process.env["STAGELOOM_TEST_PYTHON"] ?? (await environment("dev"));
}

/** VS Code on a copy of a workspace, worked as a user does. */
export class EmbeddedEditor {
  readonly folder: string;
  readonly workspace: string;
  /** What VS Code opens: the workspace, or the file that names its folders. */
  readonly #opened: string;
  readonly page: Page;
  readonly server: EmbeddedServer;
  readonly #browser: Browser;
  readonly #console: string[] = [];

  readonly lenses: Lenses;
  readonly sidebar: Sidebar;
  readonly notifications: Notifications;
  readonly panel: Panel;
  readonly pictures: Pictures;
  readonly statusBar: StatusBar;
  readonly palette: CommandPalette;
  readonly text: TextEditor;

  private constructor(folder: string, opened: string, server: EmbeddedServer, window: Browser, page: Page) {
    this.folder = folder;
    this.workspace = path.join(folder, "workspace");
    this.#opened = opened;
    this.server = server;
    this.#browser = window;
    this.page = page;
    this.lenses = new Lenses(page);
    this.sidebar = new Sidebar(page);
    this.notifications = new Notifications(page);
    this.panel = new Panel(page);
    this.pictures = new Pictures(page);
    this.statusBar = new StatusBar(page);
    this.palette = new CommandPalette(page);
    this.text = new TextEditor(page);
    page.on("console", (message) => this.#console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => this.#console.push(`page error: ${error.stack ?? error.message}`));
  }

  static async start(options: OpenOptions): Promise<EmbeddedEditor> {
    // the server heads a group of its own, and must not outlive a run that is ended
    endWithSignals();
    const folder = temporaryFolder("e2e");
    const workspace = path.join(folder, "workspace");
    if (options.linked === true) {
      mkdirSync(path.join(folder, "real"));
      symlinkSync(path.join(folder, "real"), workspace);
    } else mkdirSync(workspace);
    if (options.example !== undefined) {
      const keep = (file: string): boolean => ![".stageloom", "__pycache__"].includes(path.basename(file));
      cpSync(path.join(root, "examples", options.example), workspace, { recursive: true, filter: keep });
    }
    for (const [name, text] of Object.entries(options.files ?? {})) {
      mkdirSync(path.dirname(path.join(workspace, name)), { recursive: true });
      writeFileSync(path.join(workspace, name), text);
    }
    const opened = options.folders === undefined ? workspace : workspaceFile(workspace, options.folders);
    const data = path.join(folder, "data");
    if (options.vsix !== undefined) await installVsix(data, options.vsix);
    const settings = {
      "security.workspace.trust.enabled": options.trust === true,
      "files.autoSave": "off",
      "workbench.colorTheme": "Dark Modern",
      // quieter pictures
      "editor.minimap.enabled": false,
      "editor.stickyScroll.enabled": false,
    };
    // settings of the machine: a remote's VS Code takes no such from the user's, once it knows the extension
    const machine = { "stageloom.python": await testPython(), ...options.machine };
    const own = options.vsix === undefined ? { extension: root } : {};
    const server = await startServer({ folder: data, settings, machine }, own);
    try {
      const window = await chromium.launch({ executablePath: await browser(), args: browserArguments });
      const page = await window.newPage({ viewport: { width: 1440, height: 900 } });
      page.setDefaultTimeout(patience);
      const file = options.open === undefined ? undefined : server.uri(path.join(workspace, options.open));
      const address = server.address(opened, file === undefined ? [] : [["openFile", file]]);
      const editor = new EmbeddedEditor(folder, opened, server, window, page);
      await editor.#load(address);
      return editor;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Loads the window again, as "Reload Window" does; a file named to be open would keep the editors from coming back. */
  reload(): Promise<void> {
    return this.#load(this.server.address(this.#opened, []));
  }

  async #load(address: string): Promise<void> {
    await this.page.goto(address);
    await this.page.locator(".monaco-workbench .statusbar").waitFor({ timeout: startPatience });
  }

  /** Sets what the workspace's settings.json says, as a user who edits it. */
  set(settings: Readonly<Record<string, unknown>>): void {
    const file = path.join(this.workspace, ".vscode/settings.json");
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(settings, null, 2));
  }

  /** Trusts the folder that was opened with `trust: true`, in VS Code's editor for that. */
  async trustFolder(): Promise<void> {
    await this.page.locator(".statusbar-item", { hasText: "Restricted Mode" }).click({ timeout: startPatience });
    const trust = this.page.locator(".workspace-trust-editor .monaco-button", { hasText: /^Trust$/ }).first();
    await trust.click({ timeout: patience });
    await this.page
      .locator(".statusbar-item", { hasText: "Restricted Mode" })
      .waitFor({ state: "detached", timeout: patience });
    await this.page.keyboard.press("ControlOrMeta+F4");
  }

  /** The command lines of the processes that the extension has started, in whatever depth below the server. */
  kernels(): readonly string[] {
    const listed = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8", maxBuffer: 1e8 });
    const all = listed.split("\n").flatMap((line) => {
      const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return args === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args }];
    });
    const below = (pid: number): readonly string[] =>
      all.filter(({ parent }) => parent === pid).flatMap((one) => [one.args, ...below(one.pid)]);
    return below(this.server.pid ?? 0).filter((args) => /python|guardian/.test(args));
  }

  /** Where the extension, the server and the page have left their word. */
  console(): readonly string[] {
    return this.#console;
  }

  /** Keeps what helps to understand a failure: a picture, the page's console, the editor's logs. */
  async keepTraces(name: string): Promise<string> {
    const target = path.join(root, "test-results/failures", name.replaceAll(/[^\w-]+/g, "-").slice(0, 80));
    mkdirSync(target, { recursive: true });
    writeFileSync(path.join(target, "console.log"), this.#console.join("\n"));
    await this.page.screenshot({ path: path.join(target, "page.png") });
    const logs = path.join(this.folder, "data");
    // databases, and the checkout that is linked there
    const left = /\.(vscdb|sqlite)|[\\/]data[\\/]extensions/;
    if (existsSync(logs)) {
      cpSync(logs, path.join(target, "data"), { recursive: true, filter: (file) => !left.test(file) });
    }
    return target;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.server.stop();
    removeFolder(this.folder);
  }
}

function workspaceFile(workspace: string, folders: readonly string[]): string {
  const file = path.join(workspace, "several.code-workspace");
  writeFileSync(file, JSON.stringify({ folders: folders.map((name) => ({ path: name })), settings: {} }));
  return file;
}
