import type { Point, RunLog, RunProgress } from "../protocol/kernel/messages.gen.js";

const LOG_LIMIT = 1_000_000;
const POINT_LIMIT = 20_000;

interface Recording {
  run: string;
  log: string;
  points: Point[];
  every: number;
  skipped: number;
}

/** Keeps what the last run of each stage printed and reported: the end of a long log, and long curves thinned. */
export class Recorder {
  readonly #recordings = new Map<string, Recording>();

  log({ run, path, stage, text }: RunLog): void {
    const recording = this.#of(run, path, stage);
    recording.log += text;
    if (recording.log.length > LOG_LIMIT) {
      const cut = recording.log.indexOf("\n", recording.log.length - LOG_LIMIT / 2);
      recording.log = `… the beginning of a long log was left out here\n${recording.log.slice(cut + 1)}`;
    }
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
  }

  /** Begins a stage anew: an earlier run's log and curve are not its own. Returns whether there was something. */
  begin(run: string, path: string, stage: string): boolean {
    const known = this.#recordings.get(key(path, stage));
    if (known === undefined || known.run === run) return false;
    this.#recordings.delete(key(path, stage));
    return true;
  }

  of(path: string, stage: string): { readonly log: string; readonly points: readonly Point[] } | null {
    return this.#recordings.get(key(path, stage)) ?? null;
  }

  #of(run: string, path: string, stage: string): Recording {
    const known = this.#recordings.get(key(path, stage));
    if (known?.run === run) return known;
    const fresh: Recording = { run, log: "", points: [], every: 1, skipped: 0 };
    this.#recordings.set(key(path, stage), fresh);
    return fresh;
  }
}

function key(path: string, stage: string): string {
  return `${path}:${stage}`;
}
