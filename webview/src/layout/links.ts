/** Who is linked with whom, both ways, in flat arrays: what every phase of the layout walks. */
export interface Links {
  readonly count: number;
  /** The end points of each link, by its index. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** `below[belowStart[i] … belowStart[i + 1]]` are the indices of the links that leave i; `above` those that arrive. */
  readonly belowStart: Int32Array;
  readonly below: Int32Array;
  readonly aboveStart: Int32Array;
  readonly above: Int32Array;
}

const grouped = (count: number, ends: Int32Array): [start: Int32Array, links: Int32Array] => {
  const start = new Int32Array(count + 1);
  for (const end of ends) start[end + 1] = (start[end + 1] ?? 0) + 1;
  for (let i = 0; i < count; i++) start[i + 1] = (start[i + 1] ?? 0) + (start[i] ?? 0);
  const next = start.slice();
  const links = new Int32Array(ends.length);
  ends.forEach((end, link) => {
    const at = next[end] ?? 0;
    links[at] = link;
    next[end] = at + 1;
  });
  return [start, links];
};

/** Groups links by both ends; links of one item keep their order. */
export const makeLinks = (count: number, from: Int32Array, to: Int32Array): Links => {
  const [belowStart, below] = grouped(count, from);
  const [aboveStart, above] = grouped(count, to);
  return { count, from, to, belowStart, below, aboveStart, above };
};
