import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { makeWorkspace, writeFiles } from "./kernels.js";
import { poolsForEachTest, type TestPools } from "./pools.js";
import { survivors, until } from "./processes.js";

const ok = (value: unknown) => ({ is: "ok", value }) as const;
const error = (kind: string) => ({ is: "error", failure: { kind } }) as const;

describe.runIf(process.platform !== "win32")("a pool", () => {
  let pools: TestPools;
  poolsForEachTest((made) => {
    pools = made;
  });

  const begun = (file: string): Promise<void> => until(`${file} is written`, 60_000, () => existsSync(file));

  it("calls an operation with positional or named arguments", async () => {
    const pool = await pools.define();
    expect(await pool.call("add", [1, 2])).toEqual(ok(3));
    expect(await pool.call("add", { b: "b", a: "a" })).toEqual(ok("ab"));
    expect(await pool.call("later", ["soon"])).toEqual(ok("soon"));
  });

  it("carries what JSON cannot", async () => {
    const pool = await pools.define();
    expect(await pool.call("strange", [])).toEqual(
      ok({ nan: NaN, all: [Infinity, -Infinity], large: 2n ** 70n, $stageloom: { $stageloom: 1 } }),
    );
    const value = { odd: [NaN, Infinity, 2n ** 64n], $stageloom: "mine", text: "ä\u2028\ud800", none: null };
    expect(await pool.call("echo", [value])).toEqual(ok(value));
  });

  it("says what cannot travel, and where it is", async () => {
    const pool = await pools.define();
    const sent = await pool.call("echo", [{ deep: [new Map()] }]);
    expect(sent).toMatchObject(error("unserialisable"));
    expect(sent.is === "error" && sent.failure.message).toContain("[0].deep[0]: a Map");
    const came = await pool.call("unsendable", []);
    expect(came).toMatchObject(error("unserialisable"));
    expect(came.is === "error" && came.failure.message).toContain("a[1]: a object");
  });

  it("tells what an operation raised, with its lines", async () => {
    const pool = await pools.define();
    const outcome = await pool.call("fail", ["no such luck"]);
    expect(outcome).toMatchObject({
      is: "error",
      failure: { kind: "exception", exception: "ValueError", message: "ValueError: no such luck" },
    });
    expect(outcome.is === "error" && outcome.failure.frames.at(-1)?.function).toBe("fail");
    expect(await pool.call("nothing", [])).toMatchObject(error("refused"));
    expect(await pool.call("_calls", [])).toMatchObject(error("refused"));
  });

  it("gives workers their environment, imports and warm-up script, and a module as entry", async () => {
    const folder = makeWorkspace(pools.folder, {
      "entry.py":
        "import os, helper\n\n__all__ = ['told', 'Path']\nfrom pathlib import Path\n\ndef told():\n    return [helper.NAME, os.environ['WARM'], os.environ['GIVEN'], os.getcwd()]\n\ndef hidden():\n    return 0\n",
      "helper.py": "NAME = 'helper'\n",
      "warm.py": "import os, sys\nassert 'decimal' in sys.modules\nos.environ['WARM'] = 'warmed'\n",
    });
    const script = path.join(folder, "warm.py");
    const env = { GIVEN: "given" };
    const pool = await pools.define({ entry: { module: "entry" }, folder, env, imports: ["decimal"], script });
    expect(await pool.call("told", [])).toEqual(ok(["helper", "warmed", "given", folder]));
    expect(await pool.call("hidden", [])).toMatchObject(error("refused"));
  });

  it("limits the memory of a worker, which raises MemoryError and lives on", async () => {
    const pool = await pools.define({ size: 1, memory: 300_000_000 });
    const before = await pool.call("who", []);
    expect(await pool.call("allocate", [1_000_000_000])).toMatchObject({ failure: { exception: "MemoryError" } });
    expect(await pool.call("allocate", [1_000_000])).toEqual(ok(1_000_000));
    expect(await pool.call("who", [])).toEqual(before);
  });

  it("warms up all its workers at once, and ends them after a time of rest", async () => {
    const pool = await pools.define({ size: 3, idleTime: 300 });
    expect(await pool.warmUp()).toEqual(ok(null));
    const pids = pool.view.workers.map(({ pid }) => pid!);
    expect(pids).toHaveLength(3);
    expect(await survivors(pids, 60_000)).toEqual([]);
    expect(await pool.call("add", [1, 2])).toEqual(ok(3));
  });

  it("replaces a worker after as many calls, or as long a time, as it was told", async () => {
    const calls = await pools.define({ size: 1, maxCalls: 3 });
    const counts: unknown[] = [];
    for (let number = 0; number < 7; number += 1) counts.push(await calls.call("count", []));
    expect(counts).toEqual([1, 2, 3, 1, 2, 3, 1].map(ok));
    const aged = await pools.define({ size: 1, maxAge: 50 });
    const first = await aged.call("who", []);
    await aged.call("sleep", [0.1]);
    expect(await aged.call("who", [])).not.toEqual(first);
  });

  it("tells what a call printed, before its answer", async () => {
    const pool = await pools.define({ size: 1 });
    const said: string[] = [];
    const onOutput = ({ stream, text }: { stream: string; text: string }): void => {
      said.push(`${stream}: ${text}`);
    };
    expect(await pool.call("say", ["one"], { onOutput })).toEqual(ok(3));
    expect(said).toEqual(["stdout: one"]);
    await pool.call("say", ["two", true], { onOutput });
    expect(said).toEqual(["stdout: one", "stderr: two"]);
    await pool.call("say", ["for the log"]);
    expect(pools.said.join("\n")).toContain("for the log");
  });

  // --- cancelling, deadlines ---------------------------------------------------------------------------------------

  it("cancels what waits at once", async () => {
    const pool = await pools.define({ size: 1 });
    const file = pools.path("begun");
    const stop = new AbortController();
    const looping = pool.call("loop", [file], { signal: stop.signal });
    await begun(file);
    const other = new AbortController();
    const waiting = pool.call("add", [1, 2], { signal: other.signal });
    const at = performance.now();
    other.abort();
    expect(await waiting).toMatchObject(error("cancelled"));
    const took = performance.now() - at;
    process.stdout.write(`what waited was cancelled after ${took.toFixed(2)} ms\n`);
    expect(took).toBeLessThan(500);
    stop.abort();
    expect(await looping).toMatchObject(error("cancelled"));
    expect(await pool.call("add", [1, 2], { signal: stop.signal })).toMatchObject(error("cancelled"));
  });

  it("interrupts a loop again and again, and keeps its worker", async () => {
    const pool = await pools.define({ size: 1 });
    const before = await pool.call("who", []);
    const took: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const file = pools.path("begun");
      const stop = new AbortController();
      const looping = pool.call("loop", [file], { signal: stop.signal });
      await begun(file);
      const at = performance.now();
      stop.abort();
      expect(await looping).toMatchObject(error("cancelled"));
      took.push(performance.now() - at);
    }
    expect(await pool.call("who", [])).toEqual(before);
    process.stdout.write(`interrupted after ${took.map((time) => time.toFixed(0)).join(", ")} ms\n`);
  });

  it("ends a call that is stuck in native code with its worker, and says that nobody knows what it did", async () => {
    const pool = await pools.define({ size: 1 });
    const before = await pool.call("who", []);
    const files = [pools.path("begun"), pools.path("begun")];
    const at = performance.now();
    const stuck = await pool.call("stuck", [files[0]], { deadline: 500 });
    expect(stuck).toMatchObject({ is: "indeterminate", failure: { kind: "timeout" } });
    process.stdout.write(
      `a stuck call was answered ${(performance.now() - at - 500).toFixed(0)} ms after its deadline\n`,
    );
    const stop = new AbortController();
    const again = pool.call("stuck", [files[1]], { signal: stop.signal, idempotent: true });
    await begun(files[1]!);
    stop.abort();
    expect(await again).toMatchObject(error("cancelled"));
    expect(await pool.call("who", [])).not.toEqual(before);
  });

  it("counts waiting in a deadline", async () => {
    const fresh = await pools.define();
    expect(await fresh.call("add", [1, 2], { deadline: 1 })).toMatchObject(error("timeout"));
    const pool = await pools.define({ size: 1 });
    const long = pool.call("sleep", [600], { deadline: 3000 });
    const waiting = await pool.call("add", [1, 2], { deadline: 200 });
    expect(waiting).toMatchObject({ is: "error", failure: { kind: "timeout" } });
    expect(waiting.is === "error" && waiting.failure.message).toContain("before it began");
    expect(await long).toMatchObject(error("timeout"));
    expect(await pool.call("add", [1, 2], { deadline: 60_000 })).toEqual(ok(3));
  });

  // --- queue -------------------------------------------------------------------------------------------------------

  it("refuses at once what is more than may wait, but not another caller's first", async () => {
    const pool = await pools.define({ size: 1, queueLimit: 100 });
    await pool.call("add", [1, 2]);
    const file = pools.path("begun");
    const stop = new AbortController();
    const looping = pool.call("loop", [file], { signal: stop.signal });
    await begun(file);
    const waiting = Array.from({ length: 100 }, () => pool.call("add", [1, 2]));
    const at = performance.now();
    expect(await pool.call("add", [1, 2])).toMatchObject(error("refused"));
    const took = performance.now() - at;
    process.stdout.write(`what was too much was refused after ${took.toFixed(2)} ms\n`);
    expect(took).toBeLessThan(500);
    const other = pool.call("add", [3, 4], { caller: "another" });
    stop.abort();
    await looping;
    expect(await other).toEqual(ok(7));
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 100 }, () => ok(3)));
  });

  it("gives callers their turns, and what has priority first", async () => {
    const pool = await pools.define({ size: 1, queueLimit: 5000 });
    await pool.call("add", [1, 2]);
    const order: string[] = [];
    const ask = async (caller: string, priority = 0): Promise<void> => {
      await pool.call("sleep", [0], { caller, priority });
      order.push(caller);
    };
    const greedy = Array.from({ length: 300 }, () => ask("greedy"));
    const modest = Array.from({ length: 3 }, () => ask("modest"));
    const urgent = ask("urgent", 1);
    await Promise.all([...greedy, ...modest, urgent]);
    expect(order.indexOf("urgent")).toBeLessThan(3);
    expect(order.lastIndexOf("modest")).toBeLessThan(12);
  });

  // --- tools -------------------------------------------------------------------------------------------------------

  it("lets Python call functions of the program during a call", async () => {
    const pool = await pools.define({ size: 1 });
    const tools = {
      double: (args: unknown) => ({ doubled: args }),
      fails: () => {
        throw new Error("not today");
      },
    };
    expect(await pool.call("ask", ["double", 21], { tools })).toEqual(ok({ doubled: [21] }));
    expect(await pool.call("ask_and_tell", ["double"], { tools })).toEqual(ok({ doubled: { value: 1 } }));
    expect(await pool.call("ask_and_tell", ["fails"], { tools })).toEqual(ok("not today"));
    const missing = await pool.call("ask_and_tell", ["missing"], { tools });
    expect(missing.is === "ok" && missing.value).toContain("It was given double, fails.");
  });

  it("of one worker never locks up where callers wait on callers", async () => {
    const pool = await pools.define({ size: 1 });
    const depth = (rest: number): Promise<unknown> =>
      pool.call("ask", ["deeper", rest], {
        deadline: 120_000,
        tools: {
          deeper: async () => (rest === 0 ? "bottom" : depth(rest - 1)),
        },
      });
    const told = await depth(4);
    expect(JSON.stringify(told)).toContain("bottom");
    await until(
      "the surplus workers have gone",
      60_000,
      () => pool.view.workers.filter(({ is }) => is !== "stopping").length === 1,
    );
  });

  // --- what goes wrong ---------------------------------------------------------------------------------------------

  it("says of a call whose worker died that nobody knows, and repeats it where it may be", async () => {
    const pool = await pools.define({ size: 1 });
    expect(await pool.call("die", [])).toMatchObject({ is: "indeterminate", failure: { kind: "killed" } });
    expect(await pool.call("leave", [3])).toMatchObject({ is: "indeterminate", failure: { kind: "crashed" } });
    expect(await pool.call("die_once", [pools.path("died")], { idempotent: true })).toEqual(ok("survived"));
    expect(await pool.call("die", [], { idempotent: true })).toMatchObject(error("killed"));
    expect(await pool.call("add", [1, 2])).toEqual(ok(3));
  });

  it("has failed after five starts that failed, shows why, and starts again when told", async () => {
    const folder = makeWorkspace(pools.folder, { "entry.py": "raise RuntimeError('not yet')\n" });
    const pool = await pools.define({ entry: { module: "entry" }, folder, size: 2 });
    const outcome = await pool.call("add", [1, 2]);
    expect(outcome).toMatchObject(error("import-failed"));
    expect(outcome.is === "error" && outcome.failure.detail).toContain("not yet");
    const started = pools.said.filter((line) => line.includes("started pool")).length;
    expect(await pool.call("add", [1, 2])).toMatchObject(error("import-failed"));
    expect(pools.said.filter((line) => line.includes("started pool"))).toHaveLength(started);
    expect(started).toBeLessThanOrEqual(6);
    writeFiles(folder, { "entry.py": "def add(one, other):\n    return one + other\n" });
    expect(await pool.call("add", [1, 2])).toMatchObject(error("import-failed"));
    pool.restart();
    expect(await pool.call("add", [1, 2])).toEqual(ok(3));
  });

  it("says that there is no such Python, and takes it when it is there", async () => {
    const pool = await pools.define({ python: path.join(pools.folder, "no-python") });
    expect(await pool.call("add", [1, 2])).toMatchObject(error("no-interpreter"));
  });

  it("is made once under a name, and leaves nothing behind", async () => {
    const pool = await pools.define({ name: "one" });
    await expect(pools.define({ name: "one" })).rejects.toThrow("already");
    await expect(pools.define({ name: "two", entry: { script: "relative.py" } })).rejects.toThrow("absolute");
    await pool.warmUp();
    const pids = pool.view.workers.map(({ pid }) => pid!);
    const shared = path.join(pools.folder, "shared", "pools");
    expect(readdirSync(shared)).toHaveLength(1);
    const going = pool.call("sleep", [600]);
    await pools.dispose();
    expect((await going).is).not.toBe("ok");
    expect(await survivors(pids, 10_000)).toEqual([]);
    expect(readdirSync(shared)).toEqual([]);
    expect(await pool.call("add", [1, 2])).toMatchObject(error("cancelled"));
  });
});
