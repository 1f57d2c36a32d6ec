import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobOutcome } from "../../../src/protocol/kernel/messages.gen.js";
import { failure } from "../../../src/kernels/answer.js";
import type { Death } from "../../../src/kernels/death.js";
import { patience, step, type Effect, type Worker, type WorkerEvent } from "../../../src/kernels/worker.js";

const done: JobOutcome = { is: "done", result: null };
const death = (signal: NodeJS.Signals | null, code: number | null = null): Death => ({
  name: "worker 1",
  pid: 7,
  exit: { code, signal, error: null },
  stderr: "last words\n",
  outOfMemory: false,
});

/** The state after `events`, and all that was to be done. */
function live(...events: readonly WorkerEvent[]): { worker: Worker; effects: Effect[] } {
  let worker: Worker = { is: "starting" };
  const effects: Effect[] = [];
  for (const event of events) {
    const [next, todo] = step(worker, event);
    worker = next;
    effects.push(...todo);
  }
  return { worker, effects };
}

const ready: WorkerEvent = { is: "ready" };
const assigned: WorkerEvent = { is: "assigned", job: "j", snapshot: "s" };
const cancelled: WorkerEvent = { is: "cancelled", job: "j" };
const elapsed: WorkerEvent = { is: "elapsed", job: "j" };
const answered = (outcome: JobOutcome): WorkerEvent => ({ is: "answered", job: "j", outcome });
const died = (...how: Parameters<typeof death>): WorkerEvent => ({ is: "died", death: death(...how) });

function settled(effects: readonly Effect[]): JobOutcome[] {
  return effects.flatMap((effect) => (effect.is === "settle" ? [effect.outcome] : []));
}

describe("a worker", () => {
  it("takes a job when it is ready, and is bound to its snapshot afterwards", () => {
    const { worker, effects } = live(ready, assigned, answered(done));
    expect(worker).toEqual({ is: "idle", snapshot: "s" });
    expect(effects).toEqual([
      { is: "send", job: "j" },
      { is: "settle", job: "j", outcome: done },
    ]);
  });

  it("takes no job before it is ready, and none while it has one", () => {
    expect(live(assigned).worker).toEqual({ is: "starting" });
    const { worker } = live(ready, assigned, { is: "assigned", job: "other", snapshot: "t" });
    expect(worker).toMatchObject({ job: "j", snapshot: "s" });
  });

  it("stops after it has said that it is stale", () => {
    const { worker, effects } = live(ready, assigned, answered({ is: "stale" }));
    expect(worker.is).toBe("stopping");
    expect(effects.map(({ is }) => is)).toEqual(["send", "settle", "close"]);
  });

  it("is kept when a cancelled job stops in time", () => {
    const stopped: JobOutcome = { is: "failed", failure: failure("cancelled", "Cancelled.") };
    const { worker, effects } = live(ready, assigned, cancelled, answered(stopped), elapsed);
    expect(worker).toEqual({ is: "idle", snapshot: "s" });
    expect(effects.map(({ is }) => is)).toEqual(["send", "ask-to-stop", "wait", "settle"]);
  });

  it("is told to end, then killed, when a cancelled job does not stop", () => {
    const { worker, effects } = live(ready, assigned, cancelled, elapsed, elapsed, died("SIGKILL"));
    expect(worker.is).toBe("dead");
    expect(effects.map(({ is }) => is)).toEqual(["send", "ask-to-stop", "wait", "terminate", "wait", "kill", "settle"]);
    expect(settled(effects)).toMatchObject([{ is: "failed", failure: { kind: "cancelled" } }]);
    const waits = effects.flatMap((effect) => (effect.is === "wait" ? [effect.time] : []));
    expect(waits.reduce((sum, time) => sum + time)).toBe(patience.ask + patience.terminate);
  });

  it("does not cancel another job by an old timer", () => {
    const next: WorkerEvent = { is: "assigned", job: "k", snapshot: "s" };
    const { worker } = live(ready, assigned, cancelled, answered(done), next, elapsed);
    expect(worker).toMatchObject({ is: "busy", job: "k", cancelling: "no" });
  });

  it.each([
    ["SIGKILL", null, "killed", "was killed by SIGKILL"],
    ["SIGTERM", null, "killed", "was killed by SIGTERM"],
    ["SIGSEGV", null, "crashed", "segmentation fault"],
    [null, 3, "crashed", "exit code 3"],
  ] as const)("says how it died in the middle of a job: %s %s", (signal, code, kind, words) => {
    const [outcome] = settled(live(ready, assigned, died(signal, code)).effects);
    expect(outcome).toMatchObject({ is: "failed", failure: { kind, detail: "last words" } });
    expect(outcome?.is === "failed" && outcome.failure.message).toContain(words);
  });

  it("says that memory had run out where the system counted that", () => {
    const event: WorkerEvent = { is: "died", death: { ...death("SIGKILL"), outOfMemory: true } };
    const [outcome] = settled(live(ready, assigned, event).effects);
    expect(outcome?.is === "failed" && outcome.failure.message).toContain("out of memory");
  });

  it("is dead when its handshake fails", () => {
    const refused: WorkerEvent = { is: "refused", failure: failure("internal", "another protocol") };
    expect(live(refused)).toMatchObject({ worker: { is: "dead" }, effects: [{ is: "kill" }] });
  });

  it("settles each job once, whatever happens, and stays dead", () => {
    const anything: fc.Arbitrary<WorkerEvent> = fc.oneof(
      fc.constantFrom<WorkerEvent>(
        ready,
        cancelled,
        elapsed,
        { is: "retired" },
        answered(done),
        answered({ is: "stale" }),
        died("SIGKILL"),
      ),
      fc.nat(3).map((number): WorkerEvent => ({ is: "assigned", job: `j${number}`, snapshot: "s" })),
      fc.nat(3).map((number): WorkerEvent => ({ is: "answered", job: `j${number}`, outcome: done })),
      fc.nat(3).map((number): WorkerEvent => ({ is: "cancelled", job: `j${number}` })),
      fc.nat(3).map((number): WorkerEvent => ({ is: "elapsed", job: `j${number}` })),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 60 }), (events) => {
        const { worker, effects } = live(...events, died("SIGKILL"));
        let open: string | null = null;
        for (const effect of effects) {
          if (effect.is === "send") {
            if (open !== null) return false;
            open = effect.job;
          } else if (effect.is === "settle") {
            if (open !== effect.job) return false;
            open = null;
          }
        }
        return open === null && (worker.is === "dead" || worker.is === "starting");
      }),
    );
  });
});
