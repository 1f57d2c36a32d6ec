import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { StreamError, type Stream } from "../../src/kernels/stream.js";
import { poolsForEachTest, type TestPools } from "./pools.js";
import { until } from "./processes.js";

const ok = (value: unknown) => ({ is: "ok", value }) as const;

async function all(stream: Stream): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

/** What was read before it failed, and how. */
async function untilFailure(stream: Stream): Promise<{ values: unknown[]; error: StreamError | null }> {
  const values: unknown[] = [];
  try {
    for await (const value of stream) values.push(value);
  } catch (error) {
    if (error instanceof StreamError) return { values, error };
    throw error;
  }
  return { values, error: null };
}

describe.runIf(process.platform !== "win32")("a stream", () => {
  let pools: TestPools;
  poolsForEachTest((made) => {
    pools = made;
  });

  it("gives all that an operation yields, in order, also where it awaits", async () => {
    const pool = await pools.define({ size: 1 });
    const expected = Array.from({ length: 5000 }, (_, number) => number);
    expect(await all(pool.stream("numbers", [5000]))).toEqual(expected);
    expect(await all(pool.stream("in_turn", { count: 100 }))).toEqual(expected.slice(0, 100));
    expect(await all(pool.stream("numbers", [0]))).toEqual([]);
    expect(await all(pool.stream("echo", [[1, "two", null]]))).toEqual([1, "two", null]);
  });

  it("gives what came before an error, then throws it, and leaves its worker for others", async () => {
    const pool = await pools.define({ size: 1 });
    const before = await pool.call("who", []);
    const { values, error } = await untilFailure(pool.stream("numbers", [100, 7]));
    expect(values).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(error).toMatchObject({ is: "error", failure: { message: "ValueError: at 7" } });
    for (const stream of [pool.stream("nothing", []), pool.stream("echo", [5]), pool.stream("numbers", [new Map()])]) {
      expect((await untilFailure(stream)).error?.is).toBe("error");
    }
    expect(await pool.call("numbers", [1])).toMatchObject({ failure: { exception: "TypeError" } });
    expect(await pool.call("who", [])).toEqual(before);
  });

  it("is closed when the loop is left, and makes little more than was read", async () => {
    const pool = await pools.define({ size: 1 });
    const file = pools.path("endless");
    let read = 0;
    for await (const _ of pool.stream("endless", [file])) {
      read += 1;
      if (read === 3) break;
    }
    expect(readFileSync(file, "utf8")).toMatch(/ closed$/);
    expect(Number.parseInt(readFileSync(file, "utf8"), 10)).toBeLessThanOrEqual(3000);
    expect(await pool.call("add", [1, 2])).toEqual(ok(3));
  });

  it("is closed where its reader throws, or is disposed, or never was read", async () => {
    const pool = await pools.define({ size: 1 });
    const file = pools.path("endless");
    const reads = async (): Promise<void> => {
      for await (const _ of pool.stream("endless", [file])) throw new Error("the reader's own");
    };
    await expect(reads()).rejects.toThrow("the reader's own");
    expect(readFileSync(file, "utf8")).toMatch(/ closed$/);
    const other = pools.path("endless");
    {
      await using stream = pool.stream("endless", [other]);
      await stream.next();
    }
    expect(readFileSync(other, "utf8")).toMatch(/ closed$/);
    await pool.stream("endless", [pools.path("never")]).return();
    expect(await pool.call("add", [1, 2])).toEqual(ok(3));
  });

  it("waits for a slow reader, and keeps within its memory", async () => {
    const pool = await pools.define({ size: 1 });
    const file = pools.path("endless");
    const stream = pool.stream("endless", [file, 100_000]);
    await stream.next();
    await wait(500);
    const made = Number(readFileSync(file, "utf8"));
    await wait(500);
    expect(Number(readFileSync(file, "utf8"))).toBe(made);
    expect(made).toBeLessThan(40);
    await stream.return();
    const total = 200;
    let most = 0;
    let read = 0;
    const before = process.memoryUsage().rss;
    for await (const blob of pool.stream("blobs", [total, 1_000_000])) {
      read += (blob as string).length;
      if (read % 10_000_000 === 0) await wait(5);
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(read).toBe(total * 1_000_000);
    process.stdout.write(`200 MB to a slow reader took ${(most / 1e6).toFixed(0)} MB more of the host at most\n`);
    expect(most).toBeLessThan(400e6);
  });

  it("does not keep a pool of one worker from what its reader asks meanwhile", async () => {
    const pool = await pools.define({ size: 1 });
    const sums: unknown[] = [];
    for await (const number of pool.stream("numbers", [5000])) {
      if (Number(number) % 1000 === 0) sums.push(await pool.call("add", [number, 1], { deadline: 60_000 }));
    }
    expect(sums).toEqual([1, 1001, 2001, 3001, 4001].map(ok));
  });

  it("ends by cancelling, at once, and by its deadline", async () => {
    const pool = await pools.define({ size: 1 });
    const before = await pool.call("who", []);
    const stop = new AbortController();
    const stream = pool.stream("slow", [0.05], { signal: stop.signal });
    await stream.next();
    stop.abort();
    expect((await untilFailure(stream)).error).toMatchObject({ is: "error", failure: { kind: "cancelled" } });
    const late = await untilFailure(pool.stream("slow", [0.05], { deadline: 300 }));
    expect(late.error).toMatchObject({ is: "error", failure: { kind: "timeout" } });
    const idle = new AbortController();
    const unread = pool.stream("numbers", [100_000], { signal: idle.signal });
    await unread.next();
    idle.abort();
    await until("the worker is free", 60_000, () => pool.view.workers.every(({ is }) => is === "idle"));
    expect(await pool.call("who", [])).toEqual(before);
  });

  it("throws, with what nobody knows, when its worker dies", async () => {
    const pool = await pools.define({ size: 1 });
    const { values, error } = await untilFailure(pool.stream("yields_and_dies", []));
    expect(values).toEqual([1]);
    expect(error).toMatchObject({ is: "indeterminate", failure: { kind: "killed" } });
    expect(await all(pool.stream("numbers", [3]))).toEqual([0, 1, 2]);
  });

  it("of a session's method goes on from its object, and has the session to itself", async () => {
    const pool = await pools.define({ size: 1 });
    const opened = await pool.openSession("Counter", [5]);
    if (opened.is !== "ok") throw new Error(opened.failure.message);
    const session = opened.value;
    const seen: unknown[] = [];
    for await (const value of session.stream("up", [3])) {
      seen.push(value);
      expect(await session.call("add", [])).toMatchObject({ is: "error", failure: { kind: "refused" } });
      break;
    }
    expect(await session.call("add", [0])).toMatchObject({ is: "ok" });
    expect(seen).toEqual([6]);
    expect((await all(session.stream("up", [2]))).length).toBe(2);
  });
});
