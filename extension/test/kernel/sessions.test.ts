import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Pool } from "../../src/kernels/definition.js";
import type { Session } from "../../src/kernels/session.js";
import { poolsForEachTest, seeded, type TestPools } from "./pools.js";
import { survivors, until } from "./processes.js";

const ok = (value: unknown) => ({ is: "ok", value }) as const;
const error = (kind: string) => ({ is: "error", failure: { kind } }) as const;

async function opened(pool: Pool, ...args: Parameters<Pool["openSession"]>): Promise<Session> {
  const session = await pool.openSession(...args);
  if (session.is !== "ok") throw new Error(JSON.stringify(session.failure));
  return session.value;
}

describe.runIf(process.platform !== "win32")("a session", () => {
  let pools: TestPools;
  poolsForEachTest((made) => {
    pools = made;
  });

  it("keeps an object in a worker of its own, beside the pool's, until it is released", async () => {
    const pool = await pools.define({ size: 1 });
    let pid = 0;
    {
      await using session = await opened(pool, "Counter", { start: 40 });
      expect(await session.call("add", [])).toEqual(ok(41));
      expect(await session.call("add", { by: 2 })).toEqual(ok(43));
      const who = await session.call("who", []);
      expect(await pool.call("who", [])).not.toEqual(who);
      expect(pool.sessions()).toMatchObject([{ id: session.id, kind: "Counter", state: { is: "live" } }]);
      pid = pool.sessions()[0]!.pid!;
      expect(who).toEqual(ok(pid));
    }
    expect(pool.sessions()).toEqual([]);
    expect(await survivors([pid], 10_000)).toEqual([]);
  });

  it("tells what is not there, and what a method raises, and lives on", async () => {
    const pool = await pools.define({ size: 1 });
    expect(await pool.openSession("Nothing", [])).toMatchObject(error("refused"));
    expect(await pool.openSession("Counter", ["too", "many"])).toMatchObject(error("exception"));
    expect(await pool.openSession("add", [])).toMatchObject(error("refused"));
    expect(pool.sessions()).toEqual([]);
    const session = await opened(pool, "Counter", []);
    expect(await session.call("fail", [])).toMatchObject({ failure: { message: "ValueError: as asked" } });
    expect(await session.call("_private", [])).toMatchObject(error("refused"));
    expect(await session.call("value", [])).toMatchObject(error("refused"));
    expect(await session.call("sleep", [600], { deadline: 300 })).toMatchObject(error("timeout"));
    expect(await session.call("add", [])).toEqual(ok(1));
    await session.release();
    expect(await session.call("add", [])).toMatchObject(error("lost-session"));
  });

  it("is refused beyond the limit, until another is released", async () => {
    const pool = await pools.define({ size: 1, sessions: 2 });
    const [first] = [await opened(pool, "Counter", []), await opened(pool, "Counter", [], { id: "mine" })];
    expect(await pool.openSession("Counter", [])).toMatchObject(error("refused"));
    await first.release();
    expect(await pool.openSession("Counter", [], { id: "mine" })).toMatchObject(error("refused"));
    expect((await pool.openSession("Counter", [])).is).toBe("ok");
  });

  it("ends when its lease runs out, and not while it is used or renewed", async () => {
    const pool = await pools.define({ size: 1 });
    const session = await opened(pool, "Counter", [], { lease: 60_000 });
    expect(session.view.expires - Date.now()).toBeGreaterThan(50_000);
    session.renew(200);
    await until("the lease has run out", 60_000, () => session.view.state.is === "lost");
    const late = await session.call("add", []);
    expect(late).toMatchObject(error("lost-session"));
    expect(late.is === "error" && late.failure.message).toContain("lease");
    expect(await session.restore()).toMatchObject(error("lost-session"));
    expect(pool.sessions()).toEqual([]);
  });

  it("is lost with its worker, and restored as it was at its last checkpoint, with a higher fence", async () => {
    const pool = await pools.define({ size: 1 });
    const session = await opened(pool, "Counter", [10]);
    const file = pools.path("checkpoint");
    await session.call("add", []);
    expect(await session.checkpoint(file)).toEqual(ok(null));
    await session.call("add", []);
    const fence = session.fence;
    expect(await session.call("die", [])).toMatchObject({ is: "indeterminate", failure: { kind: "killed" } });
    expect(await session.call("add", [])).toMatchObject(error("lost-session"));
    expect(await session.restore()).toEqual(ok(null));
    expect(session.fence).toBeGreaterThan(fence);
    expect(await session.call("add", [])).toEqual(ok(12));
    // one that dies with nothing to do
    process.kill(session.view.pid!, "SIGKILL");
    await until("its death is seen", 60_000, () => session.view.state.is === "lost");
    expect(await session.call("add", [])).toMatchObject(error("lost-session"));
    expect(await session.restore()).toEqual(ok(null));
    expect(await session.call("add", [])).toEqual(ok(12));
    const bare = await opened(pool, "Counter", []);
    await bare.call("die", []);
    const none = await bare.restore();
    expect(none.is === "error" && none.failure.message).toContain("no checkpoint");
  });

  it("is restored in a later window from its file, also one that a class writes itself", async () => {
    const file = pools.path("ledger");
    const before = await opened(await pools.define(), "Ledger", [["one"]]);
    await before.call("add", ["two"]);
    expect(await before.checkpoint(file)).toEqual(ok(null));
    expect(readFileSync(file, "utf8")).toBe("one\ntwo\n");
    await pools.dispose();
    const after = await opened(await pools.define(), "Ledger", [], { checkpoint: file });
    expect(await after.call("add", ["three"])).toEqual(ok(3));
    const wrong = await (await pools.define()).openSession("Counter", [], { checkpoint: file });
    expect(wrong).toMatchObject(error("exception"));
    const gone = await (await pools.define()).openSession("Counter", [], { checkpoint: `${file}.gone` });
    expect(gone).toMatchObject({ failure: { exception: "FileNotFoundError" } });
  });

  it("has its tools in every call, and refuses one that would wait for itself", async () => {
    const pool = await pools.define({ size: 1 });
    const tools = {
      pool: () => pool.call("add", [20, 22]),
      self: async () => (await session.call("add", [])).is,
      why: async () => {
        const outcome = await session.call("add", []);
        return outcome.is === "error" ? outcome.failure.message : outcome.is;
      },
    };
    const session = await opened(pool, "Counter", [], { tools });
    expect(await session.call("ask", ["pool"])).toEqual(ok(ok(42)));
    expect(await session.call("ask", ["self"])).toEqual(ok("error"));
    const why = await session.call("ask", ["why"]);
    expect(why.is === "ok" && why.value).toContain("for ever");
    expect(await session.call("add", [])).toEqual(ok(1));
  });

  it.each([1, 2, 3])("never gets another's calls, whatever the order (seed %i)", async (seed) => {
    const random = seeded(seed);
    const steps = 340;
    const pool = await pools.define({ size: 2, sessions: 3 });
    const sessions = await Promise.all(
      Array.from({ length: 3 }, (_, index) => opened(pool, "Counter", [index * 1_000_000])),
    );
    const pids = await Promise.all(sessions.map((session) => session.call("who", [])));
    const expected = sessions.map((_, index) => index * 1_000_000);
    const going: Promise<void>[] = [];
    let wrong = 0;
    for (let step = 0; step < steps; step += 1) {
      const index = Math.floor(random() * 3);
      const session = sessions[index]!;
      const what = random();
      if (what < 0.6) {
        const by = Math.floor(random() * 9) + 1;
        const value = (expected[index]! += by);
        going.push(
          session
            .call("add", [by])
            .then((outcome) => void (wrong += outcome.is === "ok" && outcome.value === value ? 0 : 1)),
        );
      } else if (what < 0.8) {
        going.push(
          session
            .call("who", [])
            .then((outcome) => void (wrong += JSON.stringify(outcome) === JSON.stringify(pids[index]) ? 0 : 1)),
        );
      } else {
        going.push(
          pool.call("who", []).then((outcome) => {
            if (pids.some((pid) => JSON.stringify(pid) === JSON.stringify(outcome))) wrong += 1;
          }),
        );
      }
      if (random() < 0.1) await wait(random() * 5);
    }
    await Promise.all(going);
    process.stdout.write(`seed ${seed}: ${steps} steps of 3 sessions and a pool, ${wrong} wrong\n`);
    expect(wrong).toBe(0);
  });

  it("that is killed during a checkpoint leaves the old one or the new one, whole", async () => {
    const random = seeded(7);
    const rounds = Number(process.env["STAGELOOM_FAULT_KILLS"] ?? 12);
    const pool = await pools.define({ size: 1, sessions: 1 });
    const file = pools.path("ledger");
    let [session, last, killed, fresh] = [await opened(pool, "Ledger", [["0"]]), 0, 0, 0];
    await session.call("grow", [0]);
    expect(await session.checkpoint(file)).toEqual(ok(null));
    for (let round = 1; round <= rounds; round += 1) {
      await session.call("grow", [round]);
      const pid = session.view.pid!;
      const keeping = session.checkpoint(file);
      await wait(random() * 250);
      process.kill(pid, "SIGKILL");
      killed += 1;
      const kept = await keeping;
      await session.release();
      session = await opened(pool, "Ledger", [], { checkpoint: file });
      const whole = await session.call("first", []);
      const [value, kinds, count] = whole.is === "ok" ? (whole.value as [string, number, number]) : ["", 0, 0];
      expect([kinds, count]).toEqual([1, 20_000]);
      expect([last, round]).toContain(Number(value));
      if (kept.is === "ok") expect(Number(value)).toBe(round);
      fresh += Number(value) === round ? 1 : 0;
      last = Number(value);
    }
    process.stdout.write(`seed 7: ${killed} kills during a checkpoint, ${fresh} left the new one, the rest the old\n`);
    expect(await session.checkpoint(file)).toEqual(ok(null));
    expect(readdirSync(path.dirname(file)).filter((name) => name.endsWith(".new"))).toEqual([]);
  });
});
