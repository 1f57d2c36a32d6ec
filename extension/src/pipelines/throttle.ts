import type { Disposable } from "../lifetime.js";

/** Work that takes less is done at once, in milliseconds: a frame has 16. */
const LITTLE = 8;

/** Of the time at most one part in as many goes into work that takes long. */
const SHARE = 4;

const LONGEST_WAIT = 1000;

/**
 * Does work for each of many keys whenever it is asked for: at once where the last time took little, else after a pause,
 * and then once for all that was asked meanwhile. A file of 10,000 stages would else be read anew at every keystroke.
 */
export class Throttle implements Disposable {
  readonly #clock: () => number;
  readonly #took = new Map<string, number>();
  readonly #waiting = new Map<string, { work: () => void; readonly timer: NodeJS.Timeout }>();

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  run(key: string, work: () => void): void {
    const waiting = this.#waiting.get(key);
    const took = this.#took.get(key) ?? 0;
    if (waiting !== undefined) waiting.work = work;
    else if (took <= LITTLE) this.#now(key, work);
    else {
      const wait = Math.min(took * (SHARE - 1), LONGEST_WAIT);
      const timer = setTimeout(() => {
        const last = this.#waiting.get(key);
        this.#waiting.delete(key);
        if (last !== undefined) this.#now(key, last.work);
      }, wait);
      this.#waiting.set(key, { work, timer });
    }
  }

  dispose(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #now(key: string, work: () => void): void {
    const began = this.#clock();
    work();
    this.#took.set(key, this.#clock() - began);
  }
}
