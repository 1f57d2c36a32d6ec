import type { Failure } from "../protocol/kernel/messages.gen.js";
import { failureOfDeath, type Death } from "./death.js";

/** How far cancelled work has come: asked to stop, told to end with its process, or killed with it. */
export type Cancelling = "no" | "asked" | "terminating" | "killing";

/**
 * A worker's life. `bound` names the sources that it has imported; null as long as it is clean. `waiting` counts what
 * its work has asked of the host and waits for: it takes no slot then. The `failure` of a dead one is null where it was
 * told to end.
 */
export type Worker =
  | { readonly is: "starting" }
  | { readonly is: "idle"; readonly bound: string | null }
  | {
      readonly is: "busy";
      readonly bound: string | null;
      readonly work: string;
      readonly cancelling: Cancelling;
      readonly waiting: number;
    }
  | { readonly is: "stopping" }
  | { readonly is: "dead"; readonly failure: Failure | null };

/** `spent`: the answer makes the worker of no further use. */
export type WorkerEvent =
  | { readonly is: "ready" }
  | { readonly is: "refused"; readonly failure: Failure }
  | { readonly is: "assigned"; readonly work: string; readonly bound: string | null }
  | { readonly is: "waits"; readonly work: string }
  | { readonly is: "goes-on"; readonly work: string }
  | { readonly is: "answered"; readonly work: string; readonly spent: boolean }
  | { readonly is: "cancelled"; readonly work: string }
  | { readonly is: "elapsed"; readonly work: string }
  | { readonly is: "retired" }
  | { readonly is: "died"; readonly death: Death };

/** How work on a worker ended: it was answered, or the worker died over it. */
export type Ending =
  { readonly is: "answered" } | { readonly is: "died"; readonly death: Death; readonly cancelling: Cancelling };

/** What the IO around a worker is to do. `wait` brings the event *elapsed* back after `time` milliseconds. */
export type Effect =
  | { readonly is: "send"; readonly work: string }
  | { readonly is: "ask-to-stop"; readonly work: string }
  | { readonly is: "wait"; readonly work: string; readonly time: number }
  | { readonly is: "terminate" }
  | { readonly is: "kill" }
  | { readonly is: "close" }
  | { readonly is: "settle"; readonly work: string; readonly ending: Ending };

/** How long work may take to stop when asked, and its process to end when told, in milliseconds. */
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
      return worker.is === "starting" ? [{ is: "idle", bound: null }, []] : same;
    case "refused":
      return worker.is === "starting" ? [{ is: "dead", failure: event.failure }, [{ is: "kill" }]] : same;
    case "assigned":
      return worker.is === "idle" ? assign(event.work, event.bound) : same;
    case "waits":
      return isOn(worker, event.work) ? [{ ...worker, waiting: worker.waiting + 1 }, []] : same;
    case "goes-on":
      return isOn(worker, event.work) ? [{ ...worker, waiting: Math.max(0, worker.waiting - 1) }, []] : same;
    case "answered":
      return isOn(worker, event.work) ? answer(worker, event.spent) : same;
    case "cancelled":
      return isOn(worker, event.work) && worker.cancelling === "no" ? cancel(worker) : same;
    case "elapsed":
      return isOn(worker, event.work) ? escalate(worker) : same;
    case "retired":
      return worker.is === "idle" || worker.is === "starting" ? [{ is: "stopping" }, [{ is: "close" }]] : same;
  }
}

type Busy = Worker & { is: "busy" };

function isOn(worker: Worker, work: string): worker is Busy {
  return worker.is === "busy" && worker.work === work;
}

function assign(work: string, bound: string | null): Step {
  return [{ is: "busy", bound, work, cancelling: "no", waiting: 0 }, [{ is: "send", work }]];
}

function answer(worker: Busy, spent: boolean): Step {
  const { work, cancelling } = worker;
  // told to end already: it may have answered first, but it cannot be used any more
  if (cancelling === "terminating" || cancelling === "killing") return [worker, []];
  const settle: Effect = { is: "settle", work, ending: { is: "answered" } };
  if (spent) return [{ is: "stopping" }, [settle, { is: "close" }]];
  return [{ is: "idle", bound: worker.bound }, [settle]];
}

function cancel(worker: Busy): Step {
  const { work } = worker;
  return [
    { ...worker, cancelling: "asked" },
    [
      { is: "ask-to-stop", work },
      { is: "wait", work, time: patience.ask },
    ],
  ];
}

function escalate(worker: Busy): Step {
  const { work } = worker;
  if (worker.cancelling === "asked") {
    return [
      { ...worker, cancelling: "terminating" },
      [{ is: "terminate" }, { is: "wait", work, time: patience.terminate }],
    ];
  }
  if (worker.cancelling === "terminating") return [{ ...worker, cancelling: "killing" }, [{ is: "kill" }]];
  return [worker, []];
}

function settleAtDeath(worker: Worker, death: Death): readonly Effect[] {
  if (worker.is !== "busy") return [];
  return [{ is: "settle", work: worker.work, ending: { is: "died", death, cancelling: worker.cancelling } }];
}
