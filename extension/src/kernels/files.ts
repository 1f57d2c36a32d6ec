import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ExchangeError, type Carrier } from "./exchange.js";
import type { Scratch } from "./scratch.js";

/** From how many bytes on they travel in a file that the worker maps, rather than in the text. */
export const defaultInline = 32 * 1024;

/**
 * Carries bytes to and from a pool's workers, as files that both sides map. What was put is there until the lease is
 * disposed; a worker keeps what it has mapped by then. What is taken is removed at once.
 */
export class Lease implements Carrier, Disposable {
  readonly #scratch: Scratch;
  readonly #inline: number;
  readonly #put: string[] = [];

  constructor(scratch: Scratch, inline: number) {
    this.#scratch = scratch;
    this.#inline = inline;
  }

  put(bytes: Uint8Array): string | null {
    if (bytes.byteLength < this.#inline) return null;
    const file = this.#scratch.file(".bytes");
    this.#put.push(file);
    writeFileSync(file, bytes, { mode: 0o600 });
    return file;
  }

  take(place: string): Uint8Array<ArrayBuffer> {
    if (path.dirname(place) !== this.#scratch.folder) throw new ExchangeError(`${place} is no file of this program's`);
    try {
      const read = readFileSync(place);
      // safe: a file is read into memory of its own, which is not shared
      const buffer = read.buffer;
      const own = read.byteOffset === 0 && read.byteLength === buffer.byteLength;
      return own ? new Uint8Array(buffer) : new Uint8Array(read);
    } catch (error) {
      throw new ExchangeError(`what was sent cannot be read: ${String(error)}`);
    } finally {
      rmSync(place, { force: true });
    }
  }

  dispose(): void {
    for (const file of this.#put.splice(0)) rmSync(file, { force: true });
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
