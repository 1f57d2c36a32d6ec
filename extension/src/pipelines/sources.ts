import { Lifetime, type Disposable } from "../lifetime.js";
import type { WorkspaceFiles } from "./files.js";
import { Project } from "./project.js";
import { Throttle } from "./throttle.js";

/** What became of a file: `fresh` says that it was not there before. */
export interface Became {
  readonly path: string;
  readonly gone: boolean;
  readonly fresh: boolean;
}

/** Follows the texts of a workspace's files of stages, typed or on disk. Says when stages may look different. */
export class ProjectSources implements Disposable {
  readonly project = new Project();
  readonly #files: WorkspaceFiles;
  readonly #changed: () => void;
  readonly #lifetime = new Lifetime();
  readonly #reading = this.#lifetime.add(new Throttle());
  /** Of each file the turn that its text was asked for at. */
  readonly #taken = new Map<string, number>();
  readonly #there = new Set<string>();
  #turns = 0;

  constructor(files: WorkspaceFiles, changed: () => void) {
    this.#files = files;
    this.#changed = changed;
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  /** Reads all files there are; returns their number. */
  async discover(): Promise<number> {
    const paths = await this.#files.list();
    const queue = [...new Set([...paths, ...this.project.files()])];
    const read = async (): Promise<void> => {
      for (let path = queue.pop(); path !== undefined; path = queue.pop()) await this.#read(path);
    };
    await Promise.all(Array.from({ length: 8 }, read));
    this.#changed();
    return paths.length;
  }

  /** Takes the text of an open file of the project at once, without waiting for a change. */
  see(path: string, text: string): void {
    if (this.#files.holds(path) && this.#take(path, text, this.#turn())) this.#changed();
  }

  /** Follows a change, with the text where it was typed; null after the end. */
  async follow(path: string, text: string | null): Promise<Became | null> {
    const python = path.endsWith(".py");
    const turn = this.#turn();
    const now = text ?? (python ? await this.#files.read(path) : null);
    if (this.#lifetime.ended) return null;
    const became = { path, gone: now === null, fresh: !this.#there.has(path) };
    if (python)
      this.#reading.run(path, () => {
        if (this.#take(path, now, turn)) this.#changed();
      });
    else if (text === null) await this.#folder(path);
    if (now === null) this.#there.delete(path);
    else this.#there.add(path);
    return became;
  }

  /** Reads a file; returns whether any file of stages may look different now. */
  async #read(path: string): Promise<boolean> {
    const turn = this.#turn();
    const text = await this.#files.read(path);
    if (text !== null) this.#there.add(path);
    return !this.#lifetime.ended && this.#take(path, text, turn);
  }

  /** A text asked for at a turn says nothing any more where one of a later turn has come: a disk may be slow. */
  #take(path: string, text: string | null, turn: number): boolean {
    if ((this.#taken.get(path) ?? 0) > turn) return false;
    this.#taken.set(path, turn);
    return this.project.set(path, text);
  }

  #turn(): number {
    this.#turns += 1;
    return this.#turns;
  }

  /** VS Code tells of a folder that has gone without naming its files. */
  async #folder(path: string): Promise<void> {
    const within = this.project.files().filter((file) => file.startsWith(`${path}/`));
    const changed = await Promise.all(within.map((file) => this.#read(file)));
    if (changed.includes(true)) this.#changed();
  }
}
