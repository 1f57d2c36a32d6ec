import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testPython } from "./processes.js";

const root = path.resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);

describe.runIf(process.platform !== "win32")("the library of pools, as another program has it", () => {
  let folder: string;
  let installed: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "stageloom-library-"));
    installed = path.join(folder, "node_modules", "stageloom");
    mkdirSync(installed, { recursive: true });
    const build = [path.join(root, "scripts/build.mjs"), "--production", "--outdir", path.join(installed, "dist")];
    await run(process.execPath, build, { cwd: root });
    cpSync(path.join(root, "package.json"), path.join(installed, "package.json"));
    cpSync(path.join(root, "examples/node-pools"), folder, { recursive: true });
  }, 180_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("runs the example, and leaves nothing behind", async () => {
    const temporary = path.join(folder, "tmp");
    mkdirSync(temporary);
    const env = { ...process.env, PYTHON: testPython(), TMPDIR: temporary };
    const { stdout, stderr } = await run(process.execPath, ["main.mjs"], { cwd: folder, env, timeout: 120_000 });
    expect(stderr).toBe("");
    expect(stdout.split("\n")).toEqual([
      'words: {"is":"ok","value":{"to":2,"be":2,"or":1}}',
      expect.stringMatching(/^pi: 3\.1\d$/),
      'tool: {"is":"ok","value":"Good morning, Ada!"}',
      "error: ZeroDivisionError: division by zero",
      "deadline: timeout",
      "",
    ]);
    const [own] = readdirSync(temporary);
    expect(readdirSync(path.join(temporary, own!, "pools"))).toEqual([]);
  });

  it("has types that a strict program compiles against", async () => {
    writeFileSync(
      path.join(folder, "typed.mts"),
      `import { openPools, type Outcome } from "stageloom/kernels";
type Ops = { readonly add: { readonly args: readonly [number, number]; readonly result: number } };
await using pools = await openPools();
const pool = pools.define<Ops>({ name: "sums", entry: { module: "sums" } });
const sum: Outcome<number> = await pool.call("add", [1, 2], { deadline: 1000 });
// @ts-expect-error there is no such operation
await pool.call("subtract", [1, 2]);
// @ts-expect-error these are no arguments of it
await pool.call("add", ["1", 2]);
if (sum.is === "ok") sum.value.toFixed(1);
else sum.failure.message.trim();
`,
    );
    const compiler = path.join(root, "node_modules/typescript/bin/tsc");
    const types = path.join(root, "node_modules/@types");
    const options = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--lib",
      "es2023,esnext.disposable",
    ];
    const compiled = run(
      process.execPath,
      [compiler, ...options, "--typeRoots", types, "--types", "node", "typed.mts"],
      {
        cwd: folder,
      },
    );
    const said = await compiled.then(
      ({ stdout }) => stdout,
      // safe: what execFile rejects with has what the program wrote
      (error: unknown) => (error as { stdout: string }).stdout,
    );
    expect(said).toBe("");
  });
});
