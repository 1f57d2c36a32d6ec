import type { Point, RunLog, RunProgress } from "../protocol/kernel/messages.gen.js";

const LOG_LIMIT = 1_000_000;
const POINT_LIMIT = 20_000;

/** What all logs and curves together may weigh, in about as many bytes. */
const TOTAL_LIMIT = 32_000_000;

/** What stays of a log that the store does not have, once room is needed. */
const END_OF_LOG = 20_000;

/** About what a point takes in memory. */
const POINT_WEIGHT = 150;

interface Recording {
  readonly run: string;
  log: string;
  points: Point[];
  every: number;
  skipped: number;
  weight: number;
  /** Whether the stage runs, or where its log and curve are when it no longer does. */
  is: "running" | "stored" | "here alone";
}

/**
 * Keeps what the last run of each stage printed and reported: the end of a long log, and long curves thinned. Of all
 * together so much: what the store has goes first, the oldest of it before the rest, and is read there when it is asked for.
 */
export class Recorder {
  /** In the order that stages began, then ended in. */
  readonly #recordings = new Map<string, Recording>();
  readonly #limit: number;
  #weight = 0;

  constructor(limit = TOTAL_LIMIT) {
    this.#limit = limit;
  }

  log({ run, path, stage, text }: RunLog): void {
    const recording = this.#of(run, path, stage);
    recording.log += text;
    if (recording.log.length > LOG_LIMIT) recording.log = endOf(recording.log, LOG_LIMIT / 2);
    this.#weigh(recording);
    this.#makeRoom();
  }

  points({ run, path, stage, points }: RunProgress): void {
    const recording = this.#of(run, path, stage);
    for (const point of points) {
      recording.skipped += 1;
      if (recording.skipped < recording.every) continue;
      recording.skipped = 0;
      recording.points.push(point);
    }
    if (recording.points.length > POINT_LIMIT) {
      recording.points = recording.points.filter((_, index) => index % 2 === 0);
      recording.every *= 2;
    }
    this.#weigh(recording);
    this.#makeRoom();
  }

  /** Begins a stage anew: an earlier run's log and curve are not its own. Returns whether there was something. */
  begin(run: string, path: string, stage: string): boolean {
    const known = this.#recordings.get(key(path, stage));
    if (known === undefined || known.run === run) return false;
    this.#drop(key(path, stage), known);
    return true;
  }

  /** Begins a stage of a run again, on another worker or at another try: its log goes on, its curve does not. */
  again(path: string, stage: string): boolean {
    const known = this.#recordings.get(key(path, stage));
    if (known === undefined || known.points.length === 0) return false;
    known.points = [];
    known.every = 1;
    known.skipped = 0;
    this.#weigh(known);
    return true;
  }

  /** A stage has ended; `stored` says that the store has its log and curve. */
  ended(path: string, stage: string, stored: boolean): void {
    const name = key(path, stage);
    const recording = this.#recordings.get(name);
    if (recording?.is !== "running") return;
    recording.is = stored ? "stored" : "here alone";
    this.#recordings.delete(name);
    this.#recordings.set(name, recording);
  }

  /** The engine has gone, and with it what ran. */
  lost(): void {
    for (const recording of this.#recordings.values()) if (recording.is === "running") recording.is = "here alone";
  }

  of(path: string, stage: string): { readonly log: string; readonly points: readonly Point[] } | null {
    return this.#recordings.get(key(path, stage)) ?? null;
  }

  #of(run: string, path: string, stage: string): Recording {
    const name = key(path, stage);
    const known = this.#recordings.get(name);
    if (known?.run === run) return known;
    if (known !== undefined) this.#drop(name, known);
    const fresh: Recording = { run, log: "", points: [], every: 1, skipped: 0, weight: 0, is: "running" };
    this.#recordings.set(name, fresh);
    return fresh;
  }

  #weigh(recording: Recording): void {
    const weight = recording.log.length + recording.points.length * POINT_WEIGHT;
    this.#weight += weight - recording.weight;
    recording.weight = weight;
  }

  /** Down to three quarters, so that not every line that is printed makes some. */
  #makeRoom(): void {
    if (this.#weight <= this.#limit) return;
    const enough = this.#limit * 0.75;
    for (const [name, recording] of this.#recordings) {
      if (this.#weight <= enough) return;
      if (recording.is === "stored") this.#drop(name, recording);
    }
    for (const recording of this.#recordings.values()) {
      if (this.#weight <= enough) return;
      if (recording.is !== "here alone" || recording.weight <= END_OF_LOG * 2) continue;
      recording.log = endOf(recording.log, END_OF_LOG);
      recording.points = [];
      this.#weigh(recording);
    }
  }

  #drop(name: string, recording: Recording): void {
    this.#recordings.delete(name);
    this.#weight -= recording.weight;
  }
}

function endOf(log: string, length: number): string {
  if (log.length <= length) return log;
  const cut = log.length - length;
  // a progress bar may never end its line
  const line = log.indexOf("\n", cut);
  return `… the beginning of a long log was left out here\n${log.slice(line < 0 ? cut : line + 1)}`;
}

function key(path: string, stage: string): string {
  return `${path}:${stage}`;
}
