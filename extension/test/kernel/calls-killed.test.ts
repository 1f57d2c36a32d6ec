import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../../src/kernels/outcome.js";
import { bundlePrograms, type Programs } from "./bundled.js";
import { poolsForEachTest, seeded, TestPools } from "./pools.js";
import { until } from "./processes.js";

const seeds = (process.env["STAGELOOM_FAULT_SEEDS"] ?? "1 2 3").split(" ").map(Number);
const calls = Number(process.env["STAGELOOM_FAULT_CALLS"] ?? 1000);
const kills = Number(process.env["STAGELOOM_FAULT_KILLS"] ?? 10);

interface Counts {
  readonly ok: number;
  readonly error: number;
  readonly indeterminate: number;
}

function counted(outcomes: readonly Outcome[]): Counts {
  const of = (is: Outcome["is"]): number => outcomes.filter((outcome) => outcome.is === is).length;
  return { ok: of("ok"), error: of("error"), indeterminate: of("indeterminate") };
}

describe.runIf(process.platform !== "win32")("workers that are killed at any moment", () => {
  let pools: TestPools;
  poolsForEachTest((made) => {
    pools = made;
  });

  /** Makes calls that append a line each, while workers are killed, each kill when so many calls have ended. */
  async function append(
    seed: number,
    idempotent: boolean,
  ): Promise<{ outcomes: Outcome[]; lines: string[]; killed: number }> {
    const random = seeded(seed);
    const pool = await pools.define({ size: 8, queueLimit: calls });
    await pool.warmUp();
    const file = pools.path("effects");
    const at = Array.from({ length: kills }, () => Math.floor(random() * calls * 0.95)).sort((a, b) => a - b);
    let ended = 0;
    let killed = 0;
    const kill = async (): Promise<void> => {
      for (const count of at) {
        await until(`${count} calls have ended`, 120_000, () => ended >= count);
        await wait(random() * 3); // somewhere in the middle of whatever it does
        const alive = pool.view.workers.flatMap(({ pid, is }) => (pid !== null && is !== "stopping" ? [pid] : []));
        const victim = alive[Math.floor(random() * alive.length)];
        if (victim === undefined) continue;
        process.kill(victim, "SIGKILL");
        killed += 1;
      }
    };
    const killing = kill();
    const outcomes = await Promise.all(
      Array.from({ length: calls }, async (_, number) => {
        const outcome = await pool.call("append", [file, number], { idempotent });
        ended += 1;
        return outcome;
      }),
    );
    await killing;
    await pool.dispose();
    return { outcomes, lines: readFileSync(file, "utf8").trimEnd().split("\n"), killed };
  }

  it.each(seeds)(
    "have no effect twice, and leave no more calls in doubt than there were kills (seed %i)",
    async (seed) => {
      const { outcomes, lines, killed } = await append(seed, false);
      const counts = counted(outcomes);
      process.stdout.write(
        `seed ${seed}: ${calls} calls, ${killed} kills: ${JSON.stringify(counts)}, ${lines.length} effects\n`,
      );
      expect(killed).toBeGreaterThan(0);
      expect(counts.ok + counts.indeterminate).toBe(calls);
      expect(counts.indeterminate).toBeLessThanOrEqual(killed);
      expect(new Set(lines).size).toBe(lines.length);
      const had = new Set(lines.map(Number));
      for (const [number, outcome] of outcomes.entries()) {
        if (outcome.is === "ok") expect(had.has(number) && outcome.value === number).toBe(true);
      }
    },
  );

  it.each(seeds)("leave no call in doubt that may be repeated (seed %i)", async (seed) => {
    const { outcomes, lines, killed } = await append(seed, true);
    process.stdout.write(
      `seed ${seed}: ${calls} idempotent calls, ${killed} kills: ${JSON.stringify(counted(outcomes))}\n`,
    );
    expect(counted(outcomes)).toEqual({ ok: calls, error: 0, indeterminate: 0 });
    expect(new Set(lines).size).toBe(calls);
  });

  it("are replaced soon", async () => {
    const pool = await pools.define({ size: 2 });
    await pool.warmUp();
    await pool.call("add", [1, 2]);
    const took: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const [first, second] = await Promise.all([pool.call("who", []), pool.call("who", [])]);
      const victims = [first, second].flatMap((outcome) => (outcome.is === "ok" ? [Number(outcome.value)] : []));
      for (const victim of new Set(victims)) process.kill(victim, "SIGKILL");
      const at = performance.now();
      expect(await pool.call("add", [1, 2])).toEqual({ is: "ok", value: 3 });
      took.push(performance.now() - at);
    }
    process.stdout.write(`served again after ${took.map((time) => time.toFixed(0)).join(", ")} ms\n`);
  });
});

/** Makes the worker of these operations end itself at a boundary of its protocol, once. */
const boundaries = `
import os, signal
from stageloom.rpc import endpoint
from stageloom.worker import calls, journal

WHERE, MARK = os.environ["WHERE"], os.environ["MARK"]

def die(where):
    if where == WHERE and not os.path.exists(MARK):
        open(MARK, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)

begin, end, send = journal.Journal.begin, journal.Journal.end, endpoint.Endpoint._send

def begun(self, call):
    die("before it is noted as begun")
    begin(self, call)
    die("after it is noted as begun")

def ended(self, call, answer):
    die("before its end is noted")
    end(self, call, answer)
    die("after its end is noted")

def sent(self, message):
    answers = isinstance(message.get("result"), dict) and "value" in message["result"]
    if answers:
        die("before it is answered")
    done = send(self, message)
    if answers:
        die("after it is answered")
    return done

journal.Journal.begin, journal.Journal.end, endpoint.Endpoint._send = begun, ended, sent
die("before the entry is open")

def append(path, line):
    die("before the effect")
    with open(path, "a") as file:
        file.write(f"{line}\\n")
    die("after the effect")
    return "x" * line
`;

describe.runIf(process.platform !== "win32")("a worker that is killed at a boundary of its protocol", () => {
  let programs: Programs;
  let pools: TestPools;

  beforeAll(async () => {
    programs = await bundlePrograms();
    pools = new TestPools(programs);
  });
  afterAll(async () => {
    await pools.dispose();
    programs.dispose();
  });

  // short answers fit into the pages, long ones do not
  it.each([
    ["before the entry is open", "ok", 1],
    ["before it is noted as begun", "ok", 1],
    ["after it is noted as begun", "indeterminate", 0],
    ["before the effect", "indeterminate", 0],
    ["after the effect", "indeterminate", 1],
    ["before its end is noted", "indeterminate", 1],
    ["after its end is noted", "ok", 1],
    ["before it is answered", "ok", 1],
    ["after it is answered", "ok", 1],
  ] as const)("%s: %s", async (where, is, effects) => {
    for (const length of [7, 200_000]) {
      const [script, mark, file] = [pools.path("entry.py"), pools.path("mark"), pools.path("effects")];
      writeFileSync(script, boundaries);
      const pool = await pools.define({ size: 1, entry: { script }, env: { WHERE: where, MARK: mark } });
      const outcome = await pool.call("append", [file, length], { deadline: 120_000 });
      await until("it was killed", 60_000, () => existsSync(mark));
      expect(outcome.is).toBe(is);
      if (outcome.is === "ok") expect(outcome.value).toBe("x".repeat(length));
      const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
      expect(lines).toBe(effects);
      expect((await pool.call("append", [file, 1], { deadline: 120_000 })).is).toBe("ok");
      await pool.dispose();
    }
  });
});
