import type { StageView } from "../contract.js";

/** Stages and their edges by index, in topological order: the order of cells, list and graph. */
export interface Order {
  readonly names: readonly string[];
  /** From the index of a dependency to that of the stage that needs it. */
  readonly edges: readonly (readonly [from: number, to: number])[];
}

/**
 * Dependencies before dependents, otherwise as in the source. Stages of a cycle come in source order after what they
 * can follow; a dependency that no stage has is left out.
 */
export const orderOf = (stages: readonly StageView[]): Order => {
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  const names: string[] = [];
  const placed = new Set<string>();
  const place = (first: StageView): void => {
    // an explicit stack: a chain of 10,000 stages is deeper than the call stack
    const open = [first.name];
    const entered = new Set<string>();
    while (open.length > 0) {
      const name = open.at(-1) ?? "";
      const waiting = entered.has(name)
        ? []
        : (byName.get(name)?.dependencies ?? []).filter(
            (other) => byName.has(other) && !placed.has(other) && !entered.has(other),
          );
      entered.add(name);
      if (waiting.length > 0) open.push(...waiting.toReversed());
      else {
        open.pop();
        if (!placed.has(name)) {
          placed.add(name);
          names.push(name);
        }
      }
    }
  };
  for (const stage of byName.values()) if (!placed.has(stage.name)) place(stage);
  const index = new Map(names.map((name, at) => [name, at]));
  const edges = names.flatMap((name, to) =>
    [...new Set(byName.get(name)?.dependencies ?? [])].flatMap((other) => {
      const from = index.get(other);
      return from === undefined ? [] : [[from, to] as const];
    }),
  );
  return { names, edges };
};

export const sameOrder = (one: Order, two: Order): boolean =>
  one.names.length === two.names.length &&
  one.edges.length === two.edges.length &&
  one.names.every((name, at) => name === two.names[at]) &&
  one.edges.every(([from, to], at) => {
    const other = two.edges[at];
    return other?.[0] === from && other[1] === to;
  });
