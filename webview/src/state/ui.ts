import type { Channel } from "./channel.js";

/** Where the graph is looked at from: the point in its middle, and the scale. */
export interface Look {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** A place among the cells. */
export interface Anchor {
  readonly stage: string;
  readonly offset: number;
}

/** What is the panel's own, and survives a reload. Folds hold only what the user has changed. */
export interface Ui {
  readonly path: string;
  readonly selected: string | null;
  /** The cell at the top of the window, and how many pixels of it are above. */
  readonly anchor: Anchor | null;
  readonly look: Look | null;
  readonly folds: Readonly<Record<string, boolean>>;
  /** The graph's share of the panel, in percent. */
  readonly split: number;
}

export const firstUi: Ui = { path: "", selected: null, anchor: null, look: null, folds: {}, split: 40 };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const numberOr = <T>(value: unknown, otherwise: T): number | T =>
  typeof value === "number" && Number.isFinite(value) ? value : otherwise;

const readLook = (value: unknown): Look | null => {
  if (!isRecord(value)) return null;
  const x = numberOr(value["x"], null);
  const y = numberOr(value["y"], null);
  const scale = numberOr(value["scale"], null);
  return x === null || y === null || scale === null || scale <= 0 ? null : { x, y, scale };
};

const readAnchor = (value: unknown): Anchor | null =>
  isRecord(value) && typeof value["stage"] === "string"
    ? { stage: value["stage"], offset: numberOr(value["offset"], 0) }
    : null;

/** Reads what an earlier panel has kept, maybe of another version: what does not fit is left out. */
export const readUi = (kept: unknown): Ui => {
  if (!isRecord(kept)) return firstUi;
  const folds = isRecord(kept["folds"]) ? kept["folds"] : {};
  return {
    path: typeof kept["path"] === "string" ? kept["path"] : "",
    selected: typeof kept["selected"] === "string" ? kept["selected"] : null,
    anchor: readAnchor(kept["anchor"]),
    look: readLook(kept["look"]),
    folds: Object.fromEntries(
      Object.entries(folds).filter((entry): entry is [string, boolean] => typeof entry[1] === "boolean"),
    ),
    split: Math.min(75, Math.max(15, numberOr(kept["split"], firstUi.split))),
  };
};

/** Owns the panel's own state; saves it a little after the last change. */
export class UiState {
  #ui: Ui;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #watchers = new Set<(ui: Ui, before: Ui) => void>();
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#ui = readUi(channel.load());
  }

  get ui(): Ui {
    return this.#ui;
  }

  change(part: Partial<Ui>): void {
    const before = this.#ui;
    this.#ui = { ...before, ...part };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#channel.save(this.#ui);
    }, 150);
    for (const react of [...this.#watchers]) react(this.#ui, before);
  }

  /** Another pipeline in the same panel starts afresh. */
  enter(path: string): void {
    if (this.#ui.path !== path) this.change({ ...firstUi, split: this.#ui.split, path });
  }

  watch(react: (ui: Ui, before: Ui) => void): () => void {
    this.#watchers.add(react);
    return () => this.#watchers.delete(react);
  }
}
