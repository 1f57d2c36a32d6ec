import type { Event } from "../lifetime.js";

/** What the pipeline model needs of the workspace. Paths are relative to it, with `/`. */
export interface WorkspaceFiles {
  /** The workspace's Python files, those of environments and caches left out. */
  list(): Promise<readonly string[]>;

  /** Whether a file may be one of the project's own, rather than one of an environment or a cache. */
  holds(path: string): boolean;

  /** The text of a file as it stands in the editor, else on disk; null where there is none. */
  read(path: string): Promise<string | null>;

  /** Files that are open with changes not saved, and their texts. */
  dirty(): ReadonlyMap<string, string>;

  /** Saves them all; false where one could not be saved. */
  save(): Promise<boolean>;

  /** A file's text changed, by typing or on disk; null text says that it must be read, or that it is gone. */
  readonly onDidChange: Event<FileChange>;
}

export interface FileChange {
  readonly path: string;
  readonly text: string | null;
}
