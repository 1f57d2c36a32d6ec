/** A place that a line of a log names. `line` counts from 0, as everywhere in the protocol. */
export interface Place {
  readonly start: number;
  readonly end: number;
  readonly path: string;
  readonly line: number;
}

const traceback = /File "([^"<>]+)", line (\d+)/g;

/** The places in a line that a Python traceback names. */
export const placesIn = (text: string): Place[] =>
  [...text.matchAll(traceback)].map((found) => ({
    start: found.index,
    end: found.index + found[0].length,
    path: found[1] ?? "",
    line: Math.max(0, Number(found[2]) - 1),
  }));
