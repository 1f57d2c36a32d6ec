import type { Disposable } from "../lifetime.js";

/** When to look again, in milliseconds. */
const TIMES = [500, 1500, 4000, 10_000];

/**
 * Looks again at settings that kernels began with. In a window that opens, or has just been trusted, those that an
 * untrusted workspace may not set can arrive after the first question, and no event tells of it.
 */
export class LateSettings implements Disposable {
  readonly #read: () => string;
  readonly #changed: () => void;
  #timers: readonly NodeJS.Timeout[] = [];

  constructor(read: () => string, changed: () => void) {
    this.#read = read;
    this.#changed = changed;
  }

  /** Kernels begin with the settings of now. */
  begun(): void {
    this.dispose();
    const used = this.#read();
    const look = (): void => {
      if (this.#read() === used) return;
      this.dispose();
      this.#changed();
    };
    this.#timers = TIMES.map((time) => setTimeout(look, time));
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}
