/**
 * Values that travel between a program and the operations of a pool, as JSON text: the same as `worker/exchange.py`.
 *
 * What JSON has travels as it is; the rest as an object with the key `$stageloom`, which says what it stands for:
 * numbers that are not finite, `bigint` (an integer in Python), bytes, arrays of numbers, Arrow. Bytes stand in the text
 * where they are few; else a carrier takes them, and the text says where they lie.
 */
import { ArrowStream, dtypeOf, NdArray, typedArray, isTyped, type TypedArray } from "./arrays.js";

const tag = "$stageloom";

/** A value that cannot travel, or a text that holds none. The message begins with the path to what is wrong. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
}

/** Takes many bytes to the other side, beside the text. */
export interface Carrier {
  /** Where the other side finds them; null where they are few enough to stand in the text. */
  put(bytes: Uint8Array): string | null;
  /** What the other side left at `place`, in memory of its own; it lies there no more. */
  take(place: string): Uint8Array<ArrayBuffer>;
}

/** Has all in the text. */
export const inText: Carrier = {
  put: () => null,
  take: (place) => {
    throw new ExchangeError(`nothing is known of ${place}`);
  },
};

export function encode(value: unknown, carrier: Carrier = inText): string {
  return JSON.stringify(plain(value, "", new Set(), carrier));
}

export function decode(text: string, carrier: Carrier = inText): unknown {
  try {
    const untagged = (_key: string, found: unknown): unknown => untag(found, carrier);
    const value: unknown = text.includes(`"${tag}"`) ? JSON.parse(text, untagged) : JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof ExchangeError) throw error;
    throw new ExchangeError(`not a value: ${String(error)}`);
  }
}

function plain(value: unknown, path: string, above: ReadonlySet<object>, carrier: Carrier): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : { [tag]: "float", value: wordOf(value) };
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : { [tag]: "int", value: String(value) };
    case "undefined":
      return null;
    case "object":
      return value === null ? null : (carried(value, carrier) ?? container(value, path, above, carrier));
    default:
      throw new ExchangeError(`${at(path)}a ${typeof value} cannot travel`);
  }
}

/** What is bytes; null for all else. */
function carried(value: object, carrier: Carrier): object | null {
  if (value instanceof ArrowStream) return { [tag]: "arrow", ...laid(value.bytes, carrier) };
  if (value instanceof NdArray) return array(value.data, value.shape, carrier);
  if (value instanceof ArrayBuffer) return { [tag]: "bytes", ...laid(new Uint8Array(value), carrier) };
  if (value instanceof Uint8Array) return { [tag]: "bytes", ...laid(value, carrier) };
  return isTyped(value) ? array(value, [value.length], carrier) : null;
}

function array(data: TypedArray, shape: readonly number[], carrier: Carrier): object {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { [tag]: "array", dtype: dtypeOf(data), shape, ...laid(bytes, carrier) };
}

function laid(bytes: Uint8Array, carrier: Carrier): object {
  const place = carrier.put(bytes);
  if (place !== null) return { at: place };
  return { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64") };
}

function container(value: object, path: string, above: ReadonlySet<object>, carrier: Carrier): unknown {
  if (above.has(value)) throw new ExchangeError(`${at(path)}it holds itself`);
  const inside = new Set([...above, value]);
  if (Array.isArray(value)) return value.map((part, index) => plain(part, `${path}[${index}]`, inside, carrier));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (value instanceof Date) return value.toJSON();
  if (prototype !== null && prototype !== Object.prototype)
    throw new ExchangeError(`${at(path)}a ${value.constructor.name} cannot travel`);
  const parts = Object.entries(value).filter(([, part]) => part !== undefined);
  const made = Object.fromEntries(parts.map(([name, part]) => [name, plain(part, `${path}.${name}`, inside, carrier)]));
  // as pairs, since readers look at what is inside first
  return tag in made ? { [tag]: "object", value: Object.entries(made) } : made;
}

function untag(found: unknown, carrier: Carrier): unknown {
  if (typeof found !== "object" || found === null || !(tag in found)) return found;
  const parts = new Map<string, unknown>(Object.entries(found));
  const [kind, value] = [parts.get(tag), parts.get("value")];
  switch (kind) {
    case "object":
      if (Array.isArray(value)) return Object.fromEntries(value.filter(isPair));
      break;
    case "int":
      if (typeof value === "string" && /^-?\d+$/.test(value)) return BigInt(value);
      break;
    case "float": {
      const number = typeof value === "string" ? numbers[value] : undefined;
      if (number !== undefined) return number;
      break;
    }
    case "bytes":
      return bytesOf(parts, carrier);
    case "arrow":
      return new ArrowStream(bytesOf(parts, carrier));
    case "array":
      return arrayOf(parts, carrier);
  }
  throw new ExchangeError(`nothing is known of a ${String(kind)} ${JSON.stringify(value ?? null)}`);
}

function bytesOf(parts: ReadonlyMap<string, unknown>, carrier: Carrier): Uint8Array<ArrayBuffer> {
  const [place, text] = [parts.get("at"), parts.get("base64")];
  if (typeof place === "string") return carrier.take(place);
  if (typeof text !== "string") throw new ExchangeError("bytes lie neither in the text nor beside it");
  // a copy, since small buffers share memory, in which numbers would not lie where they must
  return new Uint8Array(Buffer.from(text, "base64"));
}

function arrayOf(parts: ReadonlyMap<string, unknown>, carrier: Carrier): unknown {
  const [dtype, shape] = [parts.get("dtype"), parts.get("shape")];
  const bytes = bytesOf(parts, carrier);
  const data = typeof dtype === "string" ? typedArray(dtype, bytes.buffer) : null;
  if (data === null || !Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size)))
    throw new ExchangeError(`nothing is known of an array of ${String(dtype)}`);
  // safe: all of them are whole numbers, as was just seen
  const sizes = shape as number[];
  return sizes.length === 1 ? data : new NdArray(data, sizes);
}

function isPair(value: unknown): value is readonly [string, unknown] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === "string";
}

const numbers: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, "-inf": -Infinity };

function wordOf(value: number): string {
  if (Number.isNaN(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

function at(path: string): string {
  return path === "" ? "" : `${path.replace(/^\./, "")}: `;
}
