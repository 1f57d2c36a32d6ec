import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** One host's run: which process it is, and the children it started and has not seen gone. */
export interface Lease {
  readonly run: string;
  readonly pid: number;
  readonly started: string;
  readonly machine: string;
  readonly children: readonly LeasedChild[];
}

/** `started` is empty as long as it could not be read; then only the mark can tell the process. */
export interface LeasedChild {
  readonly number: number;
  readonly pid: number;
  readonly started: string;
  readonly name: string;
}

type Line =
  | {
      readonly is: "host";
      readonly run: string;
      readonly pid: number;
      readonly started: string;
      readonly machine: string;
    }
  | ({ readonly is: "child" } & LeasedChild)
  | { readonly is: "gone"; readonly number: number };

const suffix = ".lease";

/**
 * The file of one host's run: its lease in the first line, then children as they come and go.
 *
 * Appended to, never rewritten; a kill at any moment leaves at most a torn last line. It is written at the first child.
 */
export class Journal {
  readonly file: string;
  readonly #host: Line & { is: "host" };
  #open = false;

  constructor(folder: string, host: Omit<Lease, "children">) {
    this.file = path.join(folder, `${host.run}${suffix}`);
    this.#host = { is: "host", run: host.run, pid: host.pid, started: host.started, machine: host.machine };
  }

  child(child: LeasedChild): void {
    this.#append({ is: "child", ...child });
  }

  gone(number: number): void {
    this.#append({ is: "gone", number });
  }

  /** Removes the file: nothing is left to sweep. */
  close(): void {
    if (this.#open) rmSync(this.file, { force: true });
    this.#open = false;
  }

  #append(line: Line): void {
    if (!this.#open) this.#create();
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
  }

  // renamed into place, so that another window never sees it without its first line
  #create(): void {
    mkdirSync(path.dirname(this.file), { recursive: true });
    const aside = `${this.file}.new`;
    writeFileSync(aside, `${JSON.stringify(this.#host)}\n`);
    renameSync(aside, this.file);
    this.#open = true;
  }
}

export function isLeaseFile(name: string): boolean {
  return name.endsWith(suffix);
}

/** Reads a journal; null where its first line is not a lease. Lines that make no sense are passed over. */
export function parseLease(text: string): Lease | null {
  const children = new Map<number, LeasedChild>();
  let host: (Line & { is: "host" }) | null = null;
  for (const line of text.split("\n").map(parseLine)) {
    if (line === null) continue;
    if (line.is === "host") host ??= line;
    else if (line.is === "child") children.set(line.number, line);
    else children.delete(line.number);
  }
  if (host === null) return null;
  const { run, pid, started, machine } = host;
  return { run, pid, started, machine, children: [...children.values()] };
}

function parseLine(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text);
    return isLine(value) ? value : null;
  } catch {
    return null;
  }
}

function isLine(value: unknown): value is Line {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const texts = (...names: string[]): boolean => names.every((name) => typeof fields.get(name) === "string");
  const numbers = (...names: string[]): boolean => names.every((name) => Number.isSafeInteger(fields.get(name)));
  const is = fields.get("is");
  if (is === "host") return texts("run", "started", "machine") && numbers("pid");
  if (is === "child") return texts("started", "name") && numbers("number", "pid");
  return is === "gone" && numbers("number");
}
