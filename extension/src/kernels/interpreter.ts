import { once } from "node:events";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Failure } from "../protocol/kernel/messages.gen.js";
import type { Supervisor } from "../supervision/supervisor.js";
import { done, failed, failure, type Answer } from "./answer.js";
import { kernelEnvironment } from "./bootstrap.js";

/** A Python that kernels can run on. `path` is its real executable, behind any shim. */
export interface Interpreter {
  readonly path: string;
  readonly version: string;
  readonly prefix: string;
  readonly implementation: string;
  readonly from: Origin;
  /** What activating its environment adds to the host's variables. */
  readonly env: Readonly<Record<string, string>>;
}

/** Who named it: the editor's own choice, the setting, the workspace's folders, or `PATH`. */
export type Origin = "editor" | "setting" | "workspace" | "path";

/** A command that may be a Python. */
export interface Candidate {
  readonly command: string;
  readonly args: readonly string[];
  readonly from: Origin;
  readonly env: Readonly<Record<string, string>>;
}

/** Who may name an interpreter before `PATH` is asked; `null` where they name none. */
export interface InterpreterPorts {
  /** What VS Code's Python extension has chosen for the workspace. */
  readonly editor: () => Promise<Pick<Candidate, "command" | "env"> | null>;
  readonly setting: () => string | null;
}

export const oldestPython = [3, 10] as const;
const probeLimit = 20_000;
const mark = "stageloom-probe:";

// runs on Python 2.7 too, so that an old one can say how old it is
const probe = [
  "import sys, json, platform",
  `sys.stdout.write("${mark}" + json.dumps([sys.executable, list(sys.version_info[:3]), sys.prefix, ` +
    "platform.python_implementation()]))",
].join("; ");

const howToChoose = "Choose an interpreter with “Python: Select Interpreter”, or set stageloom.python in the settings.";

/** Finds the interpreter for a workspace. One that somebody chose is used, or its fault told: no other stands in. */
export class InterpreterFinder {
  readonly #workspace: string;
  readonly #ports: InterpreterPorts;
  readonly #supervisor: Supervisor;

  constructor(workspace: string, ports: InterpreterPorts, supervisor: Supervisor) {
    this.#workspace = workspace;
    this.#ports = ports;
    this.#supervisor = supervisor;
  }

  async find(): Promise<Answer<Interpreter>> {
    const chosen = await this.#chosen();
    if (chosen !== null) return probeInterpreter(chosen, this.#workspace, this.#supervisor);
    const failures: Failure[] = [];
    for (const candidate of await unchosen(this.#workspace)) {
      const found = await probeInterpreter(candidate, this.#workspace, this.#supervisor);
      if (found.is === "done") return found;
      failures.push(found.failure);
    }
    // an old or a broken one tells more than one that is not there
    const telling =
      failures.find(({ kind }) => kind === "old-interpreter") ?? failures.find(({ detail }) => detail !== "");
    return failed(telling ?? noneFound());
  }

  async #chosen(): Promise<Candidate | null> {
    const editor = await this.#ports.editor();
    if (editor !== null) return { ...editor, args: [], from: "editor" };
    const setting = this.#ports.setting()?.trim() ?? "";
    if (setting === "") return null;
    return { command: expand(setting, this.#workspace), args: [], from: "setting", env: {} };
  }
}

/** Asks one candidate who it is, with a time limit, in its isolated mode: no file of the project can interfere. */
export async function probeInterpreter(
  { command, args, from, env }: Candidate,
  cwd: string,
  supervisor: Supervisor,
): Promise<Answer<Interpreter>> {
  const asked = await ask([...args, "-I", "-c", probe]);
  // Python 2 has no isolated mode
  const said = /unknown option: -I/i.test(asked.stderr) ? await ask([...args, "-E", "-c", probe]) : asked;
  const answer = parseProbe(said.stdout);
  if (answer === null) return failed(broken(command, from, said));
  const [executable, version, prefix, implementation] = answer;
  if (tooOld(version)) return failed(old(executable, version));
  return done({ path: executable, version: version.join("."), prefix, implementation, from, env });

  async function ask(withArgs: readonly string[]): Promise<Said> {
    const child = supervisor.spawn({
      name: "interpreter probe",
      command,
      args: withArgs,
      env: kernelEnvironment({ ...process.env, ...env }, {}),
      cwd,
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stdin.end();
    const timer = new AbortController();
    const late = wait(probeLimit, "late", { signal: timer.signal }).catch(() => "ended");
    const inTime = (await Promise.race([child.exited, late])) !== "late";
    timer.abort();
    if (!inTime) await child.kill();
    const { error } = await child.exited;
    if (!child.stdout.readableEnded && error === null) await Promise.race([once(child.stdout, "close"), wait(100)]);
    return { stdout, stderr: child.stderr(), missing: error, inTime };
  }
}

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly missing: string | null;
  readonly inTime: boolean;
}

type Probed = readonly [executable: string, version: readonly number[], prefix: string, implementation: string];

/** What a probe said; a shim or a site customisation may have printed before it. */
export function parseProbe(stdout: string): Probed | null {
  const start = stdout.lastIndexOf(mark);
  if (start < 0) return null;
  try {
    const value: unknown = JSON.parse(stdout.slice(start + mark.length));
    if (!Array.isArray(value)) return null;
    const [executable, version, prefix, implementation] = value as unknown[];
    if (typeof executable !== "string" || executable === "" || !isVersion(version)) return null;
    if (typeof prefix !== "string" || typeof implementation !== "string") return null;
    return [executable, version, prefix, implementation];
  } catch {
    return null;
  }
}

function isVersion(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isInteger);
}

export function tooOld([major = 0, minor = 0]: readonly number[]): boolean {
  const [oldestMajor, oldestMinor] = oldestPython;
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

async function unchosen(workspace: string): Promise<readonly Candidate[]> {
  const windows = process.platform === "win32";
  const inside = windows ? ["Scripts", "python.exe"] : ["bin", "python"];
  const folders = [".venv", "venv"].map((folder) => path.join(workspace, folder, ...inside));
  const there = await Promise.all(
    folders.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  const commands: readonly (readonly string[])[] = windows
    ? [["python"], ["python3"], ["py", "-3"]]
    : [["python3"], ["python"]];
  return [
    ...folders.filter((_, index) => there[index]).map((command) => candidate([command], "workspace")),
    ...commands.map((command) => candidate(command, "path")),
  ];
}

function candidate([command = "", ...args]: readonly string[], from: Origin): Candidate {
  return { command, args, from, env: {} };
}

/** A path of the settings: `~` is the home, and what is relative and has a separator stands in the workspace. */
export function expand(setting: string, workspace: string): string {
  const text = setting.replaceAll("${workspaceFolder}", workspace);
  if (/^~(?=[/\\]|$)/.test(text)) return path.join(homedir(), text.slice(1));
  return /[/\\]/.test(text) ? path.resolve(workspace, text) : text;
}

function noneFound(): Failure {
  return failure("no-interpreter", "No Python interpreter was found.", {
    advice: `Install Python ${oldestPython.join(".")} or newer from python.org or your package manager. ${howToChoose}`,
  });
}

function old(executable: string, version: readonly number[]): Failure {
  const oldest = oldestPython.join(".");
  return failure("old-interpreter", `Python ${version.join(".")} is too old: Stageloom needs ${oldest} or newer.`, {
    advice: howToChoose,
    detail: executable,
  });
}

function broken(command: string, from: Origin, { missing, inTime, stderr, stdout }: Said): Failure {
  const whose = {
    editor: "chosen in VS Code",
    setting: "of the settings",
    workspace: "of this folder",
    path: "on PATH",
  };
  const which = `The interpreter ${command} (${whose[from]})`;
  if (missing !== null) {
    const detail = from === "path" ? "" : missing;
    return failure("no-interpreter", `${which} could not be started.`, { advice: howToChoose, detail });
  }
  const what = inTime ? "does not work" : `did not answer within ${probeLimit / 1000} s`;
  const detail = (stderr + stdout).trim();
  return failure("no-interpreter", `${which} ${what}.`, { advice: howToChoose, detail: detail || "It said nothing." });
}
