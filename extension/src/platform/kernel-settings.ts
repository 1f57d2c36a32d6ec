import type { Disposable } from "../lifetime.js";

/** How long values have to stand, in milliseconds: while a window opens they come and go. */
const SETTLED = 300;

/**
 * Tells when settings are no longer those that kernels began with. VS Code names in an event what it has compared; what it
 * reads anew by the way, once it knows a setting's scope, comes with an event that names others. So no event's names are
 * asked: each is a reason to look.
 */
export class KernelSettings implements Disposable {
  readonly #read: () => string;
  readonly #changed: () => void;
  #used: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(read: () => string, changed: () => void) {
    this.#read = read;
    this.#changed = changed;
  }

  /** Kernels begin with the settings of now. */
  begun(): void {
    this.#used = this.#read();
  }

  /** Some setting has changed, of whomever. */
  look(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#differ()) this.#timer = setTimeout(this.#settled, SETTLED);
  }

  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#used = null;
  }

  readonly #settled = (): void => {
    this.#timer = null;
    if (!this.#differ()) return;
    this.begun();
    this.#changed();
  };

  #differ(): boolean {
    return this.#used !== null && this.#read() !== this.#used;
  }
}
