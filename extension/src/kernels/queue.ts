/** What a queue knows of who waits in it. */
export interface Waiting {
  /** Who asked; callers get their turns one after the other. */
  readonly caller: string;
  /** Higher ones come first, whoever asked. */
  readonly priority: number;
}

/** One priority's callers in the order of their turns, each with what it has waiting, in order. */
interface Level<T> {
  readonly priority: number;
  readonly callers: Map<string, T[]>;
}

/**
 * A queue that is fair between callers: the highest priority first, within it one of each caller in turn, and of one
 * caller what came first. One that has a thousand waiting delays the others by one each.
 */
export class FairQueue<T extends Waiting> {
  readonly #levels: Level<T>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** How many `caller` has waiting. */
  of(caller: string): number {
    return this.#levels.reduce((sum, { callers }) => sum + (callers.get(caller)?.length ?? 0), 0);
  }

  push(item: T): void {
    this.#lane(item).push(item);
    this.#size += 1;
  }

  /** Puts back what was taken and could not be served: before all else of its caller, and its caller's turn first. */
  putBack(item: T): void {
    const level = this.#level(item.priority);
    const lane = [item, ...(level.callers.get(item.caller) ?? [])];
    const others = [...level.callers].filter(([caller]) => caller !== item.caller);
    level.callers.clear();
    for (const [caller, waiting] of [[item.caller, lane] as const, ...others]) level.callers.set(caller, waiting);
    this.#size += 1;
  }

  /** What comes next, without taking it. */
  peek(): T | undefined {
    const lane = this.#levels[0]?.callers.values().next();
    return lane?.done === false ? lane.value[0] : undefined;
  }

  /** Takes what comes next; its caller's next turn is after the others'. */
  shift(): T | undefined {
    const level = this.#levels[0];
    const first = level?.callers.entries().next();
    if (level === undefined || first === undefined || first.done === true) return undefined;
    const [caller, lane] = first.value;
    const item = lane.shift();
    level.callers.delete(caller);
    if (lane.length > 0) level.callers.set(caller, lane);
    this.#forgetEmpty(level);
    if (item !== undefined) this.#size -= 1;
    return item;
  }

  /** Takes `item` out; says whether it was waiting. */
  remove(item: T): boolean {
    const level = this.#levels.find(({ priority }) => priority === item.priority);
    const lane = level?.callers.get(item.caller);
    const place = lane?.indexOf(item) ?? -1;
    if (level === undefined || lane === undefined || place < 0) return false;
    lane.splice(place, 1);
    if (lane.length === 0) level.callers.delete(item.caller);
    this.#forgetEmpty(level);
    this.#size -= 1;
    return true;
  }

  /** Takes all there is, in order. */
  drain(): readonly T[] {
    const all: T[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) all.push(item);
    return all;
  }

  #lane({ caller, priority }: Waiting): T[] {
    const { callers } = this.#level(priority);
    const lane = callers.get(caller) ?? [];
    callers.set(caller, lane);
    return lane;
  }

  #level(priority: number): Level<T> {
    const found = this.#levels.find((level) => level.priority === priority);
    if (found !== undefined) return found;
    const level: Level<T> = { priority, callers: new Map() };
    this.#levels.push(level);
    this.#levels.sort((one, other) => other.priority - one.priority);
    return level;
  }

  #forgetEmpty(level: Level<T>): void {
    if (level.callers.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
  }
}
