import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";

/** What a worker's journal says of one call. */
export type Noted =
  | { readonly is: "never-began" }
  | { readonly is: "began" }
  /** It ended, with what `kind` says (`v` a value, `f` a failure) as JSON. */
  | { readonly is: "ended"; readonly kind: string; readonly text: string };

const magic = "SLJRNL1\n";
const answerAt = 4096;

/**
 * What the journal of a dead worker says of `call`: `worker/journal.py` has the layout.
 *
 * The worker wrote into pages that belong to the system, so it is all there however the worker died. Where the file
 * cannot be read, or what it says of an answer is torn, the call counts as begun: that promises least.
 */
export function readJournal(file: string, call: number): Noted {
  let pages: Buffer;
  try {
    pages = readFileSync(file);
  } catch (error) {
    // without a journal the worker had not got as far as serving calls
    return isMissing(error) ? { is: "never-began" } : { is: "began" };
  }
  if (pages.length < answerAt || pages.toString("latin1", 0, magic.length) !== magic) return { is: "never-began" };
  const [started, ended, length] = [8, 16, 24].map((place) => Number(pages.readBigUInt64LE(place)));
  if (started !== call) return { is: "never-began" };
  if (ended !== call || length === undefined || answerAt + length > pages.length) return { is: "began" };
  const answer = pages.subarray(answerAt, answerAt + length);
  if (crc32(answer, crc32(pages.subarray(16, 24))) !== pages.readUInt32LE(32)) return { is: "began" };
  return { is: "ended", kind: answer.toString("latin1", 0, 1), text: answer.toString("utf8", 1) };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
