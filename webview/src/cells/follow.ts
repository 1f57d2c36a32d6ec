/**
 * Which cell to bring into sight while a run goes on. The panel follows what runs, until the user looks at something
 * else: scrolls away, or asks for another stage. It goes on following once they are back at what runs.
 */
export class Follower {
  #followed: string | null = null;
  #away = false;

  /** The user scrolled. */
  moved(): void {
    this.#away = true;
  }

  /** A stage's cell was asked for: before a run that is where to begin, within one it is to be left alone. */
  asked(stage: string, running: readonly string[]): void {
    this.#away = running.length > 0 && !running.includes(stage);
  }

  /** The cell to bring into sight now that these stages run; `seen` tells whether a cell's beginning is in sight. */
  next(running: readonly string[], seen: (stage: string) => boolean): string | null {
    const before = this.#followed;
    const [first] = running;
    if (first === undefined) return null;
    // of several that run side by side, the one that was shown
    const now = before !== null && running.includes(before) ? before : first;
    if (now === before) return null;
    if (this.#away && before !== null && seen(before)) this.#away = false;
    this.#followed = now;
    return this.#away || seen(now) ? null : now;
  }

  /** Nothing runs any more. */
  ended(): void {
    this.#followed = null;
  }
}
