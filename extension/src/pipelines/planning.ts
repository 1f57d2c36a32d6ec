import type { Disposable } from "../lifetime.js";

/** Asks how one pipeline stands; must heed the signal, and never throws. */
export type Ask = (path: string, signal: AbortSignal) => Promise<void>;

interface Pending {
  readonly timer: NodeJS.Timeout | null;
  readonly abort: AbortController;
  asking: boolean;
  again: boolean;
}

/** Asks once typing pauses. A newer question cancels the one before it. */
export class Planning implements Disposable {
  readonly #ask: Ask;
  readonly #delay: number;
  readonly #pending = new Map<string, Pending>();

  constructor(ask: Ask, delay = 150) {
    this.#ask = ask;
    this.#delay = delay;
  }

  later(path: string): void {
    this.#drop(path);
    const abort = new AbortController();
    const timer = setTimeout(() => void this.#run(path, abort), this.#delay);
    this.#pending.set(path, { timer, abort, asking: false, again: false });
  }

  /** Asks too, but takes no question back: what goes on changing, as a store does in a run, gets its answers all the same. */
  after(path: string): void {
    const pending = this.#pending.get(path);
    if (pending === undefined) this.later(path);
    else if (pending.asking) pending.again = true;
  }

  now(path: string): void {
    this.#drop(path);
    const abort = new AbortController();
    this.#pending.set(path, { timer: null, abort, asking: true, again: false });
    void this.#run(path, abort);
  }

  /** Whether an answer is on its way, or about to be asked for. */
  asking(path: string): boolean {
    return this.#pending.has(path);
  }

  dispose(): void {
    for (const path of [...this.#pending.keys()]) this.#drop(path);
  }

  async #run(path: string, abort: AbortController): Promise<void> {
    const pending = this.#pending.get(path);
    if (pending?.abort === abort) pending.asking = true;
    await this.#ask(path, abort.signal);
    if (pending === undefined || this.#pending.get(path) !== pending) return;
    this.#pending.delete(path);
    if (pending.again) this.later(path);
  }

  #drop(path: string): void {
    const pending = this.#pending.get(path);
    if (pending === undefined) return;
    if (pending.timer !== null) clearTimeout(pending.timer);
    pending.abort.abort();
    this.#pending.delete(path);
  }
}
