/** JavaScript's arrays of numbers. Alone, one is an array of one dimension in Python (NumPy's, where it is there). */
export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray;

/** An array of any number of dimensions: its numbers row by row. */
export class NdArray {
  readonly data: TypedArray;
  readonly shape: readonly number[];

  constructor(data: TypedArray, shape: readonly number[]) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (count !== data.length) throw new RangeError(`${data.length} numbers have not the shape ${shape.join(" × ")}`);
    this.data = data;
    this.shape = shape;
  }
}

/**
 * A table as an Arrow IPC stream: what pyarrow, pandas and Polars tables come as, and what becomes a pyarrow table there.
 * Any reader of Arrow takes the bytes, `tableFromIPC` of apache-arrow for one.
 */
export class ArrowStream {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

const kinds = {
  "<f8": Float64Array,
  "<f4": Float32Array,
  "<i8": BigInt64Array,
  "<u8": BigUint64Array,
  "<i4": Int32Array,
  "<u4": Uint32Array,
  "<i2": Int16Array,
  "<u2": Uint16Array,
  "|i1": Int8Array,
  "|u1": Uint8Array,
} as const;

type Dtype = keyof typeof kinds;

/** NumPy's name for what an array holds. */
export function dtypeOf(data: TypedArray): Dtype {
  if (data instanceof Uint8ClampedArray) return "|u1";
  for (const [dtype, kind] of Object.entries(kinds)) {
    // safe: these are the keys of the table
    if (data instanceof kind) return dtype as Dtype;
  }
  return "|u1";
}

/** The numbers in `bytes`, or null where JavaScript has no array of that kind. */
export function typedArray(dtype: string, bytes: ArrayBuffer): TypedArray | null {
  if (dtype === "|b1") return new Uint8Array(bytes);
  // safe: it was just looked up
  return Object.hasOwn(kinds, dtype) ? new kinds[dtype as Dtype](bytes) : null;
}

export function isTyped(value: object): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && !("asFloat16" in value) && isKnown(value);
}

function isKnown(value: object): boolean {
  return value instanceof Uint8ClampedArray || Object.values(kinds).some((kind) => value instanceof kind);
}
