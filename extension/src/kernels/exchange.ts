/**
 * Values that travel between a program and the operations of a pool, as JSON text: the same as `worker/exchange.py`.
 *
 * What JSON has travels as it is; the rest as an object with the key `$stageloom`, which says what it stands for:
 * numbers that are not finite, and `bigint`, which is an integer in Python.
 */
const tag = "$stageloom";

/** A value that cannot travel, or a text that holds none. The message begins with the path to what is wrong. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
}

export function encode(value: unknown): string {
  return JSON.stringify(plain(value, "", new Set()));
}

export function decode(text: string): unknown {
  try {
    const value: unknown = text.includes(`"${tag}"`) ? JSON.parse(text, untag) : JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof ExchangeError) throw error;
    throw new ExchangeError(`not a value: ${String(error)}`);
  }
}

function plain(value: unknown, path: string, above: ReadonlySet<object>): unknown {
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
      return value === null ? null : container(value, path, above);
    default:
      throw new ExchangeError(`${at(path)}a ${typeof value} cannot travel`);
  }
}

function container(value: object, path: string, above: ReadonlySet<object>): unknown {
  if (above.has(value)) throw new ExchangeError(`${at(path)}it holds itself`);
  const inside = new Set([...above, value]);
  if (Array.isArray(value)) return value.map((part, index) => plain(part, `${path}[${index}]`, inside));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (value instanceof Date) return value.toJSON();
  if (prototype !== null && prototype !== Object.prototype)
    throw new ExchangeError(`${at(path)}a ${value.constructor.name} cannot travel`);
  const parts = Object.entries(value).filter(([, part]) => part !== undefined);
  const made = Object.fromEntries(parts.map(([name, part]) => [name, plain(part, `${path}.${name}`, inside)]));
  // as pairs, since readers look at what is inside first
  return tag in made ? { [tag]: "object", value: Object.entries(made) } : made;
}

function untag(_key: string, found: unknown): unknown {
  if (typeof found !== "object" || found === null || !(tag in found) || !("value" in found)) return found;
  const { [tag]: kind, value } = found;
  if (kind === "object" && Array.isArray(value)) return Object.fromEntries(value.filter(isPair));
  if (kind === "int" && typeof value === "string" && /^-?\d+$/.test(value)) return BigInt(value);
  const number = typeof value === "string" ? numbers[value] : undefined;
  if (kind === "float" && number !== undefined) return number;
  throw new ExchangeError(`nothing is known of a ${String(kind)} ${JSON.stringify(value)}`);
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
