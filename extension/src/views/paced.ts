import type { Disposable } from "../lifetime.js";

/** Tells at once, and then once more after each pause in which more has happened: VS Code drops what comes too often. */
export class Paced implements Disposable {
  readonly #tell: () => void;
  readonly #pause: number;
  #timer: NodeJS.Timeout | null = null;
  #again = false;

  constructor(tell: () => void, pause: number) {
    this.#tell = tell;
    this.#pause = pause;
  }

  happened(): void {
    if (this.#timer !== null) {
      this.#again = true;
      return;
    }
    this.#tell();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#again) return;
      this.#again = false;
      this.happened();
    }, this.#pause);
  }

  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
