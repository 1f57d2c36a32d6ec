import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Failure } from "../../../src/protocol/kernel/messages.gen.js";
import { failure } from "../../../src/kernels/answer.js";
import type { Death } from "../../../src/kernels/death.js";
import { whyItEnded } from "../../../src/kernels/job-pool.js";
import {
  patience,
  step,
  type Effect,
  type Ending,
  type Worker,
  type WorkerEvent,
} from "../../../src/kernels/worker.js";

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
const assigned: WorkerEvent = { is: "assigned", work: "j", bound: "s" };
const cancelled: WorkerEvent = { is: "cancelled", work: "j" };
const elapsed: WorkerEvent = { is: "elapsed", work: "j" };
const answered: WorkerEvent = { is: "answered", work: "j", spent: false };
const spent: WorkerEvent = { ...answered, spent: true };
const died = (...how: Parameters<typeof death>): WorkerEvent => ({ is: "died", death: death(...how) });

function settled(effects: readonly Effect[]): Ending[] {
  return effects.flatMap((effect) => (effect.is === "settle" ? [effect.ending] : []));
}

/** What whoever waited for a job is told when its worker died. */
function told(effects: readonly Effect[]): Failure | null {
  const [ending] = settled(effects);
  return ending?.is === "died" ? whyItEnded(ending.death, ending.cancelling) : null;
}

describe("a worker", () => {
  it("takes work when it is ready, and is bound to its sources afterwards", () => {
    const { worker, effects } = live(ready, assigned, answered);
    expect(worker).toEqual({ is: "idle", bound: "s" });
    expect(effects).toEqual([
      { is: "send", work: "j" },
      { is: "settle", work: "j", ending: { is: "answered" } },
    ]);
  });

  it("takes no job before it is ready, and none while it has one", () => {
    expect(live(assigned).worker).toEqual({ is: "starting" });
    const { worker } = live(ready, assigned, { is: "assigned", work: "other", bound: "t" });
    expect(worker).toMatchObject({ work: "j", bound: "s" });
  });

  it("stops after an answer that makes it useless", () => {
    const { worker, effects } = live(ready, assigned, spent);
    expect(worker.is).toBe("stopping");
    expect(effects.map(({ is }) => is)).toEqual(["send", "settle", "close"]);
  });

  it("is kept when a cancelled job stops in time", () => {
    const { worker, effects } = live(ready, assigned, cancelled, answered, elapsed);
    expect(worker).toEqual({ is: "idle", bound: "s" });
    expect(effects.map(({ is }) => is)).toEqual(["send", "ask-to-stop", "wait", "settle"]);
  });

  it("is told to end, then killed, when a cancelled job does not stop", () => {
    const { worker, effects } = live(ready, assigned, cancelled, elapsed, elapsed, died("SIGKILL"));
    expect(worker.is).toBe("dead");
    expect(effects.map(({ is }) => is)).toEqual(["send", "ask-to-stop", "wait", "terminate", "wait", "kill", "settle"]);
    expect(settled(effects)).toMatchObject([{ is: "died", cancelling: "killing" }]);
    expect(told(effects)).toMatchObject({ kind: "cancelled" });
    const waits = effects.flatMap((effect) => (effect.is === "wait" ? [effect.time] : []));
    expect(waits.reduce((sum, time) => sum + time)).toBe(patience.ask + patience.terminate);
  });

  it("does not cancel another job by an old timer", () => {
    const next: WorkerEvent = { is: "assigned", work: "k", bound: "s" };
    const { worker } = live(ready, assigned, cancelled, answered, next, elapsed);
    expect(worker).toMatchObject({ is: "busy", work: "k", cancelling: "no" });
  });

  it.each([
    ["SIGKILL", null, "killed", "was killed by SIGKILL"],
    ["SIGTERM", null, "killed", "was killed by SIGTERM"],
    ["SIGSEGV", null, "crashed", "segmentation fault"],
    [null, 3, "crashed", "exit code 3"],
  ] as const)("says how it died in the middle of a job: %s %s", (signal, code, kind, words) => {
    const why = told(live(ready, assigned, died(signal, code)).effects);
    expect(why).toMatchObject({ kind, detail: "last words" });
    expect(why?.message).toContain(words);
  });

  it("says that memory had run out where the system counted that", () => {
    const event: WorkerEvent = { is: "died", death: { ...death("SIGKILL"), outOfMemory: true } };
    expect(told(live(ready, assigned, event).effects)?.message).toContain("out of memory");
  });

  it("counts what its work waits for", () => {
    const waits: WorkerEvent = { is: "waits", work: "j" };
    const goesOn: WorkerEvent = { is: "goes-on", work: "j" };
    expect(live(ready, assigned, waits, waits, goesOn).worker).toMatchObject({ waiting: 1 });
    expect(live(ready, assigned, waits, goesOn, goesOn).worker).toMatchObject({ waiting: 0 });
    expect(live(ready, assigned, { is: "waits", work: "k" }).worker).toMatchObject({ waiting: 0 });
  });

  it("is dead when its handshake fails", () => {
    const refused: WorkerEvent = { is: "refused", failure: failure("internal", "another protocol") };
    expect(live(refused)).toMatchObject({ worker: { is: "dead" }, effects: [{ is: "kill" }] });
  });

  it("settles each job once, whatever happens, and stays dead", () => {
    const anything: fc.Arbitrary<WorkerEvent> = fc.oneof(
      fc.constantFrom<WorkerEvent>(ready, cancelled, elapsed, { is: "retired" }, answered, spent, died("SIGKILL")),
      fc.nat(3).map((number): WorkerEvent => ({ is: "assigned", work: `j${number}`, bound: "s" })),
      fc.nat(3).map((number): WorkerEvent => ({ is: "answered", work: `j${number}`, spent: false })),
      fc.nat(3).map((number): WorkerEvent => ({ is: "cancelled", work: `j${number}` })),
      fc.nat(3).map((number): WorkerEvent => ({ is: "elapsed", work: `j${number}` })),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 60 }), (events) => {
        const { worker, effects } = live(...events, died("SIGKILL"));
        let open: string | null = null;
        for (const effect of effects) {
          if (effect.is === "send") {
            if (open !== null) return false;
            open = effect.work;
          } else if (effect.is === "settle") {
            if (open !== effect.work) return false;
            open = null;
          }
        }
        return open === null && (worker.is === "dead" || worker.is === "starting");
      }),
    );
  });
});
