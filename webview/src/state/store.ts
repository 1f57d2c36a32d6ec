import type { ToPanel } from "../contract.js";
import { emptyView, step, type View } from "./view.js";

/** Calls back once a frame at most. */
export type Schedule = (callback: () => void) => void;

/**
 * The one owner of what the host has told. Messages of one frame are taken together, and a watcher is called when the
 * part it selects is another than before.
 */
export class Store {
  #view: View = emptyView;
  #queue: ToPanel[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #schedule: Schedule;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  get view(): View {
    return this.#view;
  }

  receive(message: ToPanel): void {
    this.#queue.push(message);
    if (this.#queue.length === 1)
      this.#schedule(() => {
        this.#flush();
      });
  }

  /** Calls `react` after each change of what `select` returns; the answer stops it. */
  watch<T>(select: (view: View) => T, react: (value: T) => void): () => void {
    let before = select(this.#view);
    const check = (): void => {
      const now = select(this.#view);
      if (Object.is(now, before)) return;
      before = now;
      react(now);
    };
    this.#watchers.add(check);
    return () => this.#watchers.delete(check);
  }

  #flush(): void {
    const messages = merged(this.#queue);
    this.#queue = [];
    this.#view = messages.reduce(step, this.#view);
    for (const check of [...this.#watchers]) check();
  }
}

/** Joins neighbouring pieces of one log or curve: thousands a second become one step. */
export const merged = (messages: readonly ToPanel[]): ToPanel[] => {
  const result: ToPanel[] = [];
  for (const message of messages) {
    const last = result.at(-1);
    if (message.is === "log" && last?.is === "log" && last.stage === message.stage) {
      result[result.length - 1] = { ...last, text: last.text + message.text };
    } else if (message.is === "points" && !message.reset && last?.is === "points" && last.stage === message.stage) {
      result[result.length - 1] = { ...last, points: last.points.concat(message.points) };
    } else result.push(message);
  }
  return result;
};
