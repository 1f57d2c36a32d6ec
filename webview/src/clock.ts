/** Tells the time to what shows durations: each second while something runs, else each half minute. */
export class Clock {
  readonly #watchers = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #busy = false;

  /** Seconds since the epoch. */
  now(): number {
    return Date.now() / 1000;
  }

  watch(react: () => void): () => void {
    this.#watchers.add(react);
    if (this.#timer === undefined) this.#start();
    return () => this.#watchers.delete(react);
  }

  setBusy(busy: boolean): void {
    if (busy === this.#busy) return;
    this.#busy = busy;
    this.#start();
  }

  #start(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(
      () => {
        for (const react of [...this.#watchers]) react();
      },
      this.#busy ? 1000 : 30_000,
    );
  }
}
