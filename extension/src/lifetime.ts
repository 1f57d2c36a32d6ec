/** What owns something and gives it back. VS Code's own disposables fit. */
export interface Disposable {
  dispose(): unknown;
}

/** Subscribes a listener; disposing what it returns ends that. The shape of VS Code's events, without VS Code. */
export type Event<T> = (listener: (value: T) => void) => Disposable;

/**
 * Owns disposables and disposes them in reverse order of taking, one after the other.
 *
 * Adding to a lifetime that has ended disposes at once, so a part that arrives late is never left behind.
 */
export class Lifetime implements Disposable {
  readonly #owned: Disposable[] = [];
  #ended = false;
  #end: Promise<void> | null = null;

  get ended(): boolean {
    return this.#ended;
  }

  /** Takes `part` over and hands it back. */
  add<T extends Disposable>(part: T): T {
    if (this.#ended) void this.#late(part);
    else this.#owned.push(part);
    return part;
  }

  /** Runs `undo` at the end. */
  defer(undo: () => unknown): void {
    this.add({ dispose: undo });
  }

  /** Ends it; every part is disposed even where an earlier one fails, and the failures are thrown together. */
  dispose(): Promise<void> {
    this.#ended = true;
    this.#end ??= this.#disposeAll();
    return this.#end;
  }

  async #disposeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = this.#owned.pop(); part !== undefined; part = this.#owned.pop()) {
      try {
        await part.dispose();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "Not everything could be disposed");
  }

  async #late(part: Disposable): Promise<void> {
    await part.dispose();
  }
}

/** Fires values at its listeners. A listener that throws does not keep the others from hearing. */
export class Emitter<T> implements Disposable {
  readonly #listeners = new Set<{ hear: (value: T) => void }>();

  readonly event: Event<T> = (hear) => {
    const listener = { hear };
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };

  fire(value: T): void {
    const failures: unknown[] = [];
    for (const listener of [...this.#listeners]) {
      try {
        listener.hear(value);
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) {
      queueMicrotask(() => {
        throw new AggregateError(failures, "A listener failed");
      });
    }
  }

  dispose(): void {
    this.#listeners.clear();
  }
}
