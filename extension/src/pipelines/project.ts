import { resolve, type Foreign, type Resolved, type StageDeclaration } from "./resolve.js";
import { SourceReader, mentionsStages, type Source } from "./source.js";

/** A stage and the file that declares it. */
export interface Declared {
  readonly path: string;
  readonly stage: StageDeclaration;
}

const NOTHING: Resolved = { stages: [], problems: [] };

/** The texts of a workspace's files of stages, read and connected across imports. Paths are relative, with `/`. */
export class Project {
  readonly #readers = new Map<string, SourceReader>();
  readonly #resolved = new Map<string, Resolved>();

  /** Takes a file's text; null where the file is gone. Returns whether any file of stages may look different now. */
  set(path: string, text: string | null): boolean {
    const known = this.#readers.get(path);
    if (text === null || (known === undefined && !mentionsStages(text))) {
      this.#readers.delete(path);
      if (known !== undefined) this.#resolved.clear();
      return known !== undefined;
    }
    const reader = known ?? new SourceReader();
    if (reader.source?.text === text) return false;
    this.#readers.set(path, reader);
    reader.read(text);
    this.#resolved.clear();
    return true;
  }

  /** Every file that is followed. */
  files(): readonly string[] {
    return [...this.#readers.keys()];
  }

  source(path: string): Source | null {
    return this.#readers.get(path)?.source ?? null;
  }

  /** The files that hold stages of their own, in order. */
  pipelines(): readonly string[] {
    return [...this.#readers.keys()].filter((path) => this.resolved(path).stages.length > 0).sort();
  }

  /** The files known to import from `path`, directly. */
  importers(path: string): readonly string[] {
    return [...this.#readers.keys()].filter(
      (other) => other !== path && this.#imports(other).some((one) => one.path === path),
    );
  }

  /** A file's stages and problems, with what it imports from other files of the project taken into account. */
  resolved(path: string): Resolved {
    return this.#resolve(path, new Set());
  }

  /** The declaration behind a name that `path` uses for a stage: its own, or one that it imports. */
  declared(path: string, name: string): Declared | null {
    const stage = this.resolved(path).stages.find((one) => one.name === name);
    return stage === undefined ? (this.#foreign(path, new Set([path])).get(name) ?? null) : { path, stage };
  }

  #resolve(path: string, within: Set<string>): Resolved {
    const known = this.#resolved.get(path);
    if (known !== undefined) return known;
    const source = this.source(path);
    if (source === null || within.has(path)) return NOTHING;
    const inner = new Set(within).add(path);
    const foreign: Foreign = new Map([...this.#foreign(path, inner)].map(([local, { stage }]) => [local, stage]));
    const resolved = resolve(source.written, source.imports, foreign, () => this.#elsewhere(path, inner));
    if (within.size === 0) this.#resolved.set(path, resolved);
    return resolved;
  }

  #foreign(path: string, within: Set<string>): ReadonlyMap<string, Declared> {
    const found = new Map<string, Declared>();
    // once a file, not once a name: along a chain of imports the names would multiply
    const offers = new Map<string, readonly [readonly StageDeclaration[], ReadonlyMap<string, Declared>]>();
    for (const one of this.#imports(path)) {
      if (within.has(one.path)) continue;
      const [theirs, passedOn] = offers.get(one.path) ?? [
        this.#resolve(one.path, within).stages,
        this.#foreign(one.path, new Set(within).add(one.path)),
      ];
      offers.set(one.path, [theirs, passedOn]);
      const offer = (name: string, local: string): void => {
        const stage =
          theirs.find((each) => each.name === name) ??
          theirs.find((each) => each.language === "derivation" && each.function === name);
        const declared = stage === undefined ? passedOn.get(name) : { path: one.path, stage };
        if (declared === undefined) return;
        found.set(local, declared);
        // what makes a derivation is imported by its own name, and other stages call it by the derivation's too
        if (declared.stage.language === "derivation") found.set(declared.stage.name, declared);
      };
      if (one.name === "*") for (const stage of theirs) offer(stage.name, stage.name);
      else offer(one.name, one.local);
    }
    return found;
  }

  /** The stages of all files that one imports, through others too. */
  #elsewhere(path: string, within: Set<string>): readonly StageDeclaration[] {
    const found: StageDeclaration[] = [];
    const seen = new Set(within).add(path);
    const pending = [path];
    for (let from = pending.pop(); from !== undefined; from = pending.pop())
      for (const { module, level } of this.source(from)?.imports ?? []) {
        const target = this.#locate(from, module, level);
        if (target === null || seen.has(target)) continue;
        seen.add(target);
        pending.push(target);
        found.push(...this.#resolve(target, within).stages);
      }
    return found;
  }

  #imports(path: string): readonly { path: string; name: string; local: string }[] {
    return (this.source(path)?.imports ?? []).flatMap(({ module, level, name, local }) => {
      const target = name === "" ? null : this.#locate(path, module, level);
      return target === null ? [] : [{ path: target, name, local }];
    });
  }

  /** The file that a module's name stands for, seen from `from`: beside it, or from the workspace's root. */
  #locate(from: string, module: string, level: number): string | null {
    const folders = from.split("/").slice(0, -1);
    const inner = module === "" ? [] : module.split(".");
    const bases = level > 0 ? [folders.slice(0, folders.length - level + 1)] : [folders, [], ["src"]];
    for (const base of bases) {
      const stem = [...base, ...inner].join("/");
      for (const path of [`${stem}.py`, stem === "" ? "__init__.py" : `${stem}/__init__.py`])
        if (this.#readers.has(path) && path !== from) return path;
    }
    return null;
  }
}
