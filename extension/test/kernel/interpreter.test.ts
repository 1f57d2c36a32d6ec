import { chmodSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { InterpreterFinder, probeInterpreter, type InterpreterPorts } from "../../src/kernels/interpreter.js";
import { silent } from "../../src/logger.js";
import { Supervisor } from "../../src/supervision/supervisor.js";
import { bundlePrograms, type Programs } from "./bundled.js";
import { testPython } from "./processes.js";

describe.runIf(process.platform !== "win32")("an interpreter", () => {
  const python = testPython();
  let programs: Programs;
  let supervisor: Supervisor;
  let workspace: string;
  const before = process.env["PATH"];

  beforeAll(async () => {
    programs = await bundlePrograms();
    const leases = path.join(programs.folder, "leases");
    supervisor = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
  });
  afterAll(async () => {
    process.env["PATH"] = before;
    await supervisor.dispose();
    programs.dispose();
  });
  beforeEach(() => {
    workspace = mkdtempSync(path.join(programs.folder, "workspace-"));
    process.env["PATH"] = before;
  });

  const nobody: InterpreterPorts = { editor: () => Promise.resolve(null), setting: () => null };

  function find(ports: Partial<InterpreterPorts> = {}): ReturnType<InterpreterFinder["find"]> {
    return new InterpreterFinder(workspace, { ...nobody, ...ports }, supervisor).find();
  }

  function probe(command: string): ReturnType<typeof probeInterpreter> {
    return probeInterpreter({ command, args: [], from: "setting", env: {} }, workspace, supervisor);
  }

  function script(name: string, ...lines: readonly string[]): string {
    const file = path.join(workspace, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, ["#!/bin/sh", ...lines, ""].join("\n"));
    chmodSync(file, 0o755);
    return file;
  }

  it("says which it is, behind a link or a shim that talks", async () => {
    const link = path.join(workspace, "linked");
    symlinkSync(python, link);
    const shim = script("shim", "echo activating", `exec "${python}" "$@"`);
    for (const command of [python, link, shim]) {
      const found = await probe(command);
      expect(found).toMatchObject({ is: "done", result: { version: expect.stringMatching(/^3\.\d+\.\d+/) as string } });
    }
    expect(await probe(shim)).toMatchObject({ is: "done", result: { path: python } });
  });

  it("is not misled by the project's own modules", async () => {
    writeFileSync(path.join(workspace, "json.py"), "raise SystemExit('the wrong json')\n");
    expect((await probe(python)).is).toBe("done");
  });

  it("that is too old is told with its version", async (context) => {
    // a version manager's, wherever HOME points during tests
    const versions = path.join(process.env["PYENV_ROOT"] ?? path.join(userInfo().homedir, ".pyenv"), "versions");
    const old = ["2.7.18", "3.6.15", "3.9.18"].map((version) => path.join(versions, version, "bin/python"));
    const present = old.filter((file) => existsSync(file));
    if (present.length === 0) context.skip("no Python older than 3.10 is installed by pyenv on this machine");
    for (const command of present) {
      const found = await probe(command);
      expect(found).toMatchObject({ is: "failed", failure: { kind: "old-interpreter" } });
      expect(found.is === "failed" && found.failure.message).toMatch(/Python (2\.7\.18|3\.6\.15|3\.9\.18) is too old/);
    }
  });

  it("that is not there, or does not work, is told with what it said", async () => {
    expect(await probe("/no/such/python")).toMatchObject({ is: "failed", failure: { kind: "no-interpreter" } });
    const broken = script("broken", "echo cannot find libpython >&2", "exit 127");
    expect(await probe(broken)).toMatchObject({
      is: "failed",
      failure: { kind: "no-interpreter", detail: "cannot find libpython" },
    });
    expect(await probe(script("mute", "exit 0"))).toMatchObject({
      is: "failed",
      failure: { detail: "It said nothing." },
    });
    expect(await probe(script("liar", 'echo \'stageloom-probe:["x", "y"]\''))).toMatchObject({ is: "failed" });
  });

  it("is the editor's, else the setting's, else one of the folder, else the one on PATH", async () => {
    mkdirSync(path.join(workspace, "bin"));
    symlinkSync(python, path.join(workspace, "bin", "python3"));
    process.env["PATH"] = path.join(workspace, "bin");
    expect(await find()).toMatchObject({ is: "done", result: { from: "path" } });
    script(".venv/bin/python", `exec "${python}" "$@"`);
    expect(await find()).toMatchObject({ is: "done", result: { from: "workspace" } });
    const setting = (): string => "./bin/python3";
    expect(await find({ setting })).toMatchObject({ is: "done", result: { from: "setting" } });
    const editor: InterpreterPorts["editor"] = () => Promise.resolve({ command: python, env: { A: "b" } });
    expect(await find({ setting, editor })).toMatchObject({ is: "done", result: { from: "editor", env: { A: "b" } } });
  });

  it("that somebody chose is not silently replaced by another", async () => {
    const found = await find({ setting: () => "~/no/such/python" });
    expect(found).toMatchObject({ is: "failed", failure: { kind: "no-interpreter" } });
    expect(found.is === "failed" && found.failure.message).toContain(path.join(homedir(), "no/such/python"));
  });

  it("that is nowhere is told, with what to do", async () => {
    process.env["PATH"] = workspace;
    const found = await find();
    expect(found).toMatchObject({ is: "failed", failure: { kind: "no-interpreter" } });
    expect(found.is === "failed" && found.failure.advice).toContain("Install Python 3.10");
  });

  it("that is broken on PATH is passed over for a working one", async () => {
    script("bin/python3", "exit 1");
    symlinkSync(python, path.join(workspace, "bin", "python"));
    process.env["PATH"] = path.join(workspace, "bin");
    expect(await find()).toMatchObject({ is: "done", result: { from: "path" } });
  });
});
