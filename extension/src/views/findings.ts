/** What several pipelines say of the files that they share: a file shows all that any of them says, each thing once. */
export class Findings<T> {
  readonly #key: (one: T) => string;
  /** By file, then by pipeline. */
  readonly #said = new Map<string, Map<string, readonly T[]>>();
  readonly #files = new Map<string, readonly string[]>();

  /** `key` is the same for two things that a reader could not tell apart. */
  constructor(key: (one: T) => string) {
    this.#key = key;
  }

  /** Takes all that a pipeline says now; returns what each file shows that it speaks, or spoke, of. */
  set(pipeline: string, found: ReadonlyMap<string, readonly T[]>): ReadonlyMap<string, readonly T[]> {
    const files = new Set([...(this.#files.get(pipeline) ?? []), ...found.keys()]);
    this.#files.set(pipeline, [...found.keys()]);
    for (const file of files) {
      const said = this.#said.get(file) ?? new Map<string, readonly T[]>();
      const now = found.get(file);
      if (now === undefined) said.delete(pipeline);
      else said.set(pipeline, now);
      if (said.size === 0) this.#said.delete(file);
      else this.#said.set(file, said);
    }
    return new Map([...files].map((file) => [file, this.#all(file)]));
  }

  #all(file: string): readonly T[] {
    const every = [...(this.#said.get(file)?.values() ?? [])].flat();
    return [...new Map(every.map((one) => [this.#key(one), one])).values()];
  }
}
