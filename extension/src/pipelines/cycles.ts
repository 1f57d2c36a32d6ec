/** Stages that need each other: `members` in the order given, `ring` one way around, starting at the first. */
export interface Cycle {
  readonly members: readonly string[];
  readonly ring: readonly string[];
}

/** The strongly connected parts of a graph that hold a cycle (R. Tarjan, 1972), without recursion, in the order of its nodes. */
export function findCycles(edges: ReadonlyMap<string, readonly string[]>): readonly Cycle[] {
  const order = new Map([...edges.keys()].map((name, index) => [name, index]));
  return components(edges)
    .filter((part) => part.length > 1 || (edges.get(part[0] ?? "") ?? []).includes(part[0] ?? ""))
    .map((part) => part.sort((left, right) => (order.get(left) ?? 0) - (order.get(right) ?? 0)))
    .sort((left, right) => (order.get(left[0] ?? "") ?? 0) - (order.get(right[0] ?? "") ?? 0))
    .map((members) => ({ members, ring: ringThrough(members, edges) }));
}

function components(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const open = new Set<string>();
  const stack: string[] = [];
  const found: string[][] = [];
  for (const root of edges.keys()) {
    if (index.has(root)) continue;
    const calls: { name: string; next: number }[] = [{ name: root, next: 0 }];
    while (calls.length > 0) {
      const call = calls[calls.length - 1];
      if (call === undefined) break;
      const { name } = call;
      if (!index.has(name)) {
        index.set(name, index.size);
        low.set(name, index.get(name) ?? 0);
        stack.push(name);
        open.add(name);
      }
      const target = (edges.get(name) ?? [])[call.next];
      if (target !== undefined) {
        call.next += 1;
        if (!edges.has(target)) continue;
        if (!index.has(target)) calls.push({ name: target, next: 0 });
        else if (open.has(target)) low.set(name, Math.min(low.get(name) ?? 0, index.get(target) ?? 0));
        continue;
      }
      calls.pop();
      const caller = calls[calls.length - 1];
      if (caller !== undefined) low.set(caller.name, Math.min(low.get(caller.name) ?? 0, low.get(name) ?? 0));
      if (low.get(name) !== index.get(name)) continue;
      const part: string[] = [];
      for (let last = stack.pop(); last !== undefined; last = stack.pop()) {
        open.delete(last);
        part.push(last);
        if (last === name) break;
      }
      found.push(part);
    }
  }
  return found;
}

/** The shortest way from the first member back to itself. */
function ringThrough(members: readonly string[], edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const [start] = members;
  if (start === undefined) return [];
  const inside = new Set(members);
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    for (const target of edges.get(name) ?? []) {
      if (target === start) {
        const ring = [name];
        for (let back = cameFrom.get(name); back !== undefined; back = cameFrom.get(back)) ring.unshift(back);
        return ring;
      }
      if (!inside.has(target) || cameFrom.has(target)) continue;
      cameFrom.set(target, name);
      queue.push(target);
    }
  }
  return members;
}
