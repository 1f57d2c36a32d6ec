import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failure } from "../../../src/kernels/answer.js";
import { Connection } from "../../../src/kernels/connection.js";
import type { Logger } from "../../../src/logger.js";
import type { JobOutcome, PoolRunParams } from "../../../src/protocol/kernel/messages.gen.js";
import { MessageValidator } from "../../../src/protocol/kernel/validate.js";

const job: PoolRunParams = {
  job: "1",
  role: "worker",
  pool: "",
  snapshot: "s",
  method: "worker/realize",
  params: { x: 1 },
  warm: [],
};

interface Pair {
  readonly host: Connection;
  readonly engine: Connection;
  readonly toHost: PassThrough;
  readonly said: string[];
}

function pair(): Pair {
  const said: string[] = [];
  const write = (text: string): void => {
    said.push(text);
  };
  const logger: Logger = { trace: write, info: write, warn: write, error: write };
  const toEngine = new PassThrough();
  const toHost = new PassThrough();
  const validator = new MessageValidator();
  const host = new Connection("engine", toHost, toEngine, validator, logger);
  const engine = new Connection("host", toEngine, toHost, validator, logger);
  return { host, engine, toHost, said };
}

describe("a connection", () => {
  let ends: Pair;
  beforeEach(() => {
    ends = pair();
  });
  afterEach(() => {
    ends.host.dispose();
    ends.engine.dispose();
  });

  function listen(): void {
    ends.host.listen();
    ends.engine.listen();
  }

  function writeToHost(message: object): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    ends.toHost.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  it("asks both ways and answers with what was agreed", async () => {
    ends.engine.serve("run/start", (params) => Promise.resolve({ run: params.path }));
    ends.host.serve("pool/run", (params) => Promise.resolve({ is: "done", result: params.params }));
    listen();
    const [started, ran] = await Promise.all([
      ends.host.request("run/start", { path: "pipeline.py", targets: [], sets: {} }),
      ends.engine.request("pool/run", job),
    ]);
    expect(started).toEqual({ is: "done", result: { run: "pipeline.py" } });
    expect(ran).toEqual({ is: "done", result: { is: "done", result: { x: 1 } } });
  });

  it("hears notifications in order, between answers", async () => {
    const heard: string[] = [];
    ends.host.hear("job/log", ({ text }) => heard.push(text));
    ends.engine.serve("run/cancel", () => {
      for (const text of ["a", "b", "c"]) ends.engine.notify("job/log", { job: "1", stream: "stdout", text });
      return Promise.resolve({});
    });
    listen();
    await ends.host.request("run/cancel", { run: "r" });
    expect(heard).toEqual(["a", "b", "c"]);
  });

  it("drops a message of the wrong type and says which, and goes on", async () => {
    const heard: unknown[] = [];
    ends.host.hear("run/log", (log) => heard.push(log));
    listen();
    writeToHost({ method: "run/log", params: { run: 1 } });
    writeToHost({ method: "run/log", params: ["spread"] });
    writeToHost({ method: "never/heard", params: {} });
    const good = { run: "r", path: "p", stage: "s", stream: "stdout", text: "x" };
    writeToHost({ method: "run/log", params: good });
    await expect.poll(() => heard).toEqual([good]);
    expect(ends.said.filter((line) => line.includes("run/log"))).toHaveLength(2);
    expect(ends.said.join("\n")).toContain("never/heard");
  });

  it("refuses a request of the wrong type, and one that nobody serves", async () => {
    ends.host.serve("pool/run", () => Promise.resolve({ is: "stale" }));
    listen();
    // safe to say: it is wrong on purpose
    const wrong = await ends.engine.request("pool/run", { ...job, role: "king" } as unknown as PoolRunParams);
    expect(wrong).toMatchObject({ is: "failed", failure: { kind: "internal" } });
    const unserved = await ends.engine.request("pipeline/why", { path: "", stage: "" });
    expect(unserved).toMatchObject({ is: "failed" });
  });

  it("does not take an answer that is something else than was agreed", async () => {
    ends.engine.serve("run/start", () => Promise.resolve({ ran: 1 } as never));
    listen();
    const answer = await ends.host.request("run/start", { path: "", targets: [], sets: {} });
    expect(answer).toMatchObject({ is: "failed", failure: { kind: "internal" } });
    expect(ends.said.join()).toContain("run/start");
  });

  it("passes cancelling on, also when it was aborted before", async () => {
    ends.host.serve(
      "pool/run",
      (_, signal) =>
        new Promise<JobOutcome>((resolve) => {
          const stop = (): void => {
            resolve({ is: "failed", failure: failure("cancelled", "stopped") });
          };
          if (signal.aborted) stop();
          signal.addEventListener("abort", stop);
        }),
    );
    listen();
    for (const late of [true, false]) {
      const stop = new AbortController();
      if (!late) stop.abort();
      const asked = ends.engine.request("pool/run", job, stop.signal);
      if (late)
        setTimeout(() => {
          stop.abort();
        }, 20);
      expect(await asked).toMatchObject({ is: "done", result: { is: "failed", failure: { message: "stopped" } } });
    }
  });

  it("loses what is asked when the other end goes, and aborts what is served", async () => {
    let aborted = false;
    ends.host.serve("pool/run", (_, signal) => {
      signal.addEventListener("abort", () => (aborted = true));
      return new Promise(() => {
        // never answers
      });
    });
    listen();
    ends.engine.serve(
      "run/start",
      () =>
        new Promise(() => {
          // never answers
        }),
    );
    const asked = ends.host.request("run/start", { path: "", targets: [], sets: {} });
    void ends.engine.request("pool/run", job);
    await expect.poll(() => ends.toHost.writableLength).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    ends.toHost.end();
    expect(await asked).toEqual({ is: "lost" });
    await ends.host.closed;
    expect(aborted).toBe(true);
    expect(await ends.host.request("run/cancel", { run: "r" })).toEqual({ is: "lost" });
  });

  it("answers a handler that throws with an error, and logs it", async () => {
    ends.engine.serve("run/cancel", () => Promise.reject(new Error("no such run")));
    listen();
    const answer = await ends.host.request("run/cancel", { run: "r" });
    expect(answer).toMatchObject({ is: "failed", failure: { kind: "internal" } });
    expect(ends.said.join()).toContain("no such run");
  });
});
