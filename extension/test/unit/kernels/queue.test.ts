import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairQueue, type Waiting } from "../../../src/kernels/queue.js";

interface Item extends Waiting {
  readonly number: number;
}

const item = (caller: string, number: number, priority = 0): Item => ({ caller, number, priority });

function filled(...items: readonly Item[]): FairQueue<Item> {
  const queue = new FairQueue<Item>();
  for (const one of items) queue.push(one);
  return queue;
}

function order(queue: FairQueue<Item>): string[] {
  return queue.drain().map(({ caller, number }) => `${caller}${number}`);
}

describe("a fair queue", () => {
  it("gives each caller a turn, and each caller's own in order", () => {
    const greedy = [1, 2, 3, 4].map((number) => item("a", number));
    expect(order(filled(...greedy, item("b", 1), item("c", 1), item("b", 2)))).toEqual(
      ["a1", "b1", "c1", "a2", "b2", "a3", "a4"], // prettier-ignore
    );
  });

  it("gives what has priority first, whoever asked", () => {
    expect(order(filled(item("a", 1), item("b", 2, 5), item("a", 3, -1), item("c", 4, 5)))).toEqual([
      "b2",
      "c4",
      "a1",
      "a3",
    ]);
  });

  it("gives first what was put back", () => {
    const queue = filled(item("a", 1), item("b", 1), item("a", 2));
    const taken = queue.shift()!;
    queue.putBack(taken);
    expect(queue.peek()).toBe(taken);
    expect(order(queue)).toEqual(["a1", "b1", "a2"]);
  });

  it("takes out what nobody wants any more, once", () => {
    const gone = item("a", 1);
    const queue = filled(gone, item("b", 1));
    expect([queue.remove(gone), queue.remove(gone), queue.size, queue.of("a")]).toEqual([true, false, 1, 0]);
    expect(order(queue)).toEqual(["b1"]);
  });

  it("loses nothing and gives nothing twice, whatever is done to it", () => {
    const steps = fc.array(
      fc.record({ act: fc.nat(4), caller: fc.constantFrom("a", "b", "c"), priority: fc.integer({ min: -1, max: 1 }) }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, (acts) => {
        const queue = new FairQueue<Item>();
        const inside = new Set<Item>();
        for (const [number, { act, caller, priority }] of acts.entries()) {
          if (act < 2) {
            const one = item(caller, number, priority);
            queue.push(one);
            inside.add(one);
          } else if (act === 2) {
            const peeked = queue.peek();
            const taken = queue.shift();
            expect(taken).toBe(peeked);
            if (taken !== undefined) expect(inside.delete(taken)).toBe(true);
          } else if (act === 3) {
            const taken = queue.shift();
            if (taken !== undefined) queue.putBack(taken);
          } else {
            const [one] = inside;
            if (one !== undefined) expect(queue.remove(one) && inside.delete(one)).toBe(true);
          }
          expect(queue.size).toBe(inside.size);
        }
        expect(new Set(queue.drain())).toEqual(inside);
      }),
    );
  });
});
