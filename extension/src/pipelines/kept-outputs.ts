import type { Outputs } from "../protocol/kernel/messages.gen.js";

/** What is kept together, in about as many bytes. */
const LIMIT = 32_000_000;

/** What was read of realizations, which never change: the last asked for stays, as far as there is room. */
export class KeptOutputs {
  readonly #kept = new Map<string, { readonly outputs: Outputs; readonly weight: number }>();
  readonly #limit: number;
  #weight = 0;

  constructor(limit = LIMIT) {
    this.#limit = limit;
  }

  of(rref: string): Outputs | null {
    const known = this.#kept.get(rref);
    if (known === undefined) return null;
    this.#kept.delete(rref);
    this.#kept.set(rref, known);
    return known.outputs;
  }

  keep(rref: string, outputs: Outputs): void {
    this.#drop(rref);
    const weight = weighed(outputs);
    this.#kept.set(rref, { outputs, weight });
    this.#weight += weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#limit) return;
      this.#drop(oldest);
    }
  }

  #drop(rref: string): void {
    this.#weight -= this.#kept.get(rref)?.weight ?? 0;
    this.#kept.delete(rref);
  }
}

/** About what a JSON value takes in memory. */
function weighed(value: unknown): number {
  if (typeof value === "string") return 16 + value.length;
  if (typeof value !== "object" || value === null) return 8;
  let weight = 32;
  for (const one of Object.values(value)) weight += 8 + weighed(one);
  return weight;
}
