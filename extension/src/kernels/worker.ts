import type { Failure, JobOutcome } from "../protocol/kernel/messages.gen.js";
import { failure } from "./answer.js";
import { failureOfDeath, type Death } from "./death.js";

/** How far a cancelled job has come: asked to stop, told to end with its process, or killed with it. */
export type Cancelling = "no" | "asked" | "terminating" | "killing";

/**
 * A worker's life. `snapshot` is the one whose sources it has imported; null as long as it is clean. The `failure` of a
 * dead one is null where it was told to end.
 */
export type Worker =
  | { readonly is: "starting" }
  | { readonly is: "idle"; readonly snapshot: string | null }
  | { readonly is: "busy"; readonly snapshot: string; readonly job: string; readonly cancelling: Cancelling }
  | { readonly is: "stopping" }
  | { readonly is: "dead"; readonly failure: Failure | null };

export type WorkerEvent =
  | { readonly is: "ready" }
  | { readonly is: "refused"; readonly failure: Failure }
  | { readonly is: "assigned"; readonly job: string; readonly snapshot: string }
  | { readonly is: "answered"; readonly job: string; readonly outcome: JobOutcome }
  | { readonly is: "cancelled"; readonly job: string }
  | { readonly is: "elapsed"; readonly job: string }
  | { readonly is: "retired" }
  | { readonly is: "died"; readonly death: Death };

/** What the IO around a worker is to do. `wait` brings the event *elapsed* back after `time` milliseconds. */
export type Effect =
  | { readonly is: "send"; readonly job: string }
  | { readonly is: "ask-to-stop"; readonly job: string }
  | { readonly is: "wait"; readonly job: string; readonly time: number }
  | { readonly is: "terminate" }
  | { readonly is: "kill" }
  | { readonly is: "close" }
  | { readonly is: "settle"; readonly job: string; readonly outcome: JobOutcome };

/** How long a job may take to stop when asked, and its process to end when told, in milliseconds. */
export const patience = { ask: 2000, terminate: 250 } as const;

type Step = readonly [Worker, readonly Effect[]];

/** A worker's next state and what is to be done. An event that does not fit the state changes nothing. */
export function step(worker: Worker, event: WorkerEvent): Step {
  const same: Step = [worker, []];
  if (worker.is === "dead") return same;
  switch (event.is) {
    case "died":
      // the handshake fails then, and says more
      if (worker.is === "starting") return same;
      if (worker.is === "stopping") return [{ is: "dead", failure: null }, []];
      return [{ is: "dead", failure: failureOfDeath(event.death) }, settleAtDeath(worker, event.death)];
    case "ready":
      return worker.is === "starting" ? [{ is: "idle", snapshot: null }, []] : same;
    case "refused":
      return worker.is === "starting" ? [{ is: "dead", failure: event.failure }, [{ is: "kill" }]] : same;
    case "assigned":
      return worker.is === "idle" ? assign(event.job, event.snapshot) : same;
    case "answered":
      return isOn(worker, event.job) ? answer(worker, event.outcome) : same;
    case "cancelled":
      return isOn(worker, event.job) && worker.cancelling === "no" ? cancel(worker) : same;
    case "elapsed":
      return isOn(worker, event.job) ? escalate(worker) : same;
    case "retired":
      return worker.is === "idle" || worker.is === "starting" ? [{ is: "stopping" }, [{ is: "close" }]] : same;
  }
}

type Busy = Worker & { is: "busy" };

function isOn(worker: Worker, job: string): worker is Busy {
  return worker.is === "busy" && worker.job === job;
}

function assign(job: string, snapshot: string): Step {
  return [{ is: "busy", snapshot, job, cancelling: "no" }, [{ is: "send", job }]];
}

function answer(worker: Busy, outcome: JobOutcome): Step {
  const { job, cancelling } = worker;
  // told to end already: it may have answered first, but it cannot be used any more
  if (cancelling === "terminating" || cancelling === "killing") return [worker, []];
  const settle: Effect = { is: "settle", job, outcome };
  if (outcome.is === "stale") return [{ is: "stopping" }, [settle, { is: "close" }]];
  return [{ is: "idle", snapshot: worker.snapshot }, [settle]];
}

function cancel(worker: Busy): Step {
  const { job } = worker;
  return [
    { ...worker, cancelling: "asked" },
    [
      { is: "ask-to-stop", job },
      { is: "wait", job, time: patience.ask },
    ],
  ];
}

function escalate(worker: Busy): Step {
  const { job } = worker;
  if (worker.cancelling === "asked") {
    return [
      { ...worker, cancelling: "terminating" },
      [{ is: "terminate" }, { is: "wait", job, time: patience.terminate }],
    ];
  }
  if (worker.cancelling === "terminating") return [{ ...worker, cancelling: "killing" }, [{ is: "kill" }]];
  return [worker, []];
}

function settleAtDeath(worker: Worker, death: Death): readonly Effect[] {
  if (worker.is !== "busy") return [];
  const outcome: JobOutcome = { is: "failed", failure: whyItEnded(worker, death) };
  return [{ is: "settle", job: worker.job, outcome }];
}

function whyItEnded(worker: Busy, death: Death): Failure {
  if (worker.cancelling === "no") return failureOfDeath(death);
  if (worker.cancelling === "asked") return failure("cancelled", "Cancelled.", { detail: death.stderr.trimEnd() });
  return failure("cancelled", "Cancelled: the work did not stop when asked, so its process was ended.");
}
