import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ArrowStream, NdArray } from "../../src/kernels/arrays.js";
import type { Outcome } from "../../src/kernels/outcome.js";
import { poolsForEachTest, type TestPools } from "./pools.js";
import { until } from "./processes.js";

const ok = (value: unknown) => ({ is: "ok", value }) as const;

function valueOf(outcome: Outcome): unknown {
  if (outcome.is !== "ok") throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
}

// needs NumPy, pandas and pyarrow, which the tests' Python has
describe.runIf(process.platform !== "win32")("values", () => {
  let pools: TestPools;
  poolsForEachTest((made) => {
    pools = made;
  });

  /** What lies in files between this program and its workers. */
  function left(): readonly string[] {
    const shared = path.join(pools.folder, "shared", "pools");
    return readdirSync(shared).flatMap((owner) =>
      readdirSync(path.join(shared, owner)).filter((name) => !name.endsWith(".journal")),
    );
  }

  // in the text, and in a file
  it.each([1_000_000, 1])(
    "that are arrays are NumPy's there and typed arrays here (in text below %i)",
    async (inlineBelow) => {
      const pool = await pools.define({ size: 1, inlineBelow });
      const sent = [
        [new Float64Array([1, 2.5, NaN]).map((x) => (Number.isNaN(x) ? 0 : x)), "float64", 3.5],
        [new Float32Array([1.5]), "float32", 1.5],
        [new BigInt64Array([1n, -2n]), "int64", -1],
        [new BigUint64Array([2n]), "uint64", 2],
        [new Int32Array([-1]), "int32", -1],
        [new Uint32Array([7]), "uint32", 7],
        [new Int16Array([-3]), "int16", -3],
        [new Uint16Array([3]), "uint16", 3],
        [new Int8Array([-4]), "int8", -4],
        [new Uint8ClampedArray([255]), "uint8", 255],
      ] as const;
      for (const [array, dtype, sum] of sent) {
        expect(await pool.call("described", [array])).toEqual(ok(["numpy", "ndarray", dtype, [array.length], sum]));
        if (dtype !== "uint8") expect(await pool.call("echo", [array])).toEqual(ok(array));
      }
      expect(await pool.call("described", [Buffer.from("bytes")])).toEqual(ok(["builtins", "bytes", 5]));
      expect(await pool.call("echo", [{ deep: [new Uint8Array([1, 2])] }])).toEqual(
        ok({ deep: [new Uint8Array([1, 2])] }),
      );
      const matrix = new NdArray(new Float64Array([1, 2, 3, 4, 5, 6]), [2, 3]);
      expect(await pool.call("described", [matrix])).toEqual(ok(["numpy", "ndarray", "float64", [2, 3], 21]));
      expect(await pool.call("transposed", [])).toEqual(ok(new NdArray(new Float64Array([0, 3, 1, 4, 2, 5]), [3, 2])));
      expect(await pool.call("array_of", [">i2", [3]])).toEqual(ok(new Int16Array([0, 1, 2])));
      expect(await pool.call("array_of", ["bool", [2]])).toEqual(ok(new Uint8Array([0, 1])));
      expect(await pool.call("array_of", ["f8", [0]])).toEqual(ok(new Float64Array()));
      expect(await pool.call("doubled", [new Float64Array([4])])).toEqual(ok(new Float64Array([8])));
      expect(await pool.call("plain_arrays", [])).toEqual(
        ok([new Float64Array([1.5, 2.5]), new Uint8Array([97, 98]), new Uint8Array([98, 121, 116, 101, 115])]),
      );
      const complex = await pool.call("array_of", ["c16", [2]]);
      expect(complex.is === "error" && complex.failure.message).toContain("an array of complex128 cannot travel");
      expect(left()).toEqual([]);
    },
  );

  it("that are tables are Arrow, from pandas and to pyarrow", async () => {
    const pool = await pools.define({ size: 1 });
    for (const rows of [3, 100_000]) {
      const { frame } = valueOf(await pool.call("frame", [rows])) as { frame: ArrowStream };
      expect(frame).toBeInstanceOf(ArrowStream);
      const arrived = await pool.call("described", [frame]);
      expect(arrived).toEqual(ok(["pyarrow", "Table", rows, ["n", "name"]]));
      expect(await pool.call("table_sum", [frame, "n"])).toEqual(ok((rows * (rows - 1)) / 2));
    }
    expect(left()).toEqual([]);
  });

  it("of 100 MB go there and back", async () => {
    const pool = await pools.define({ size: 1 });
    await pool.call("doubled", [new Float64Array(1)]);
    const array = new Float64Array(12_500_000).fill(1);
    const at = performance.now();
    const back = valueOf(await pool.call("doubled", [array])) as Float64Array;
    const took = performance.now() - at;
    expect([back.length, back[0], back.at(-1)]).toEqual([12_500_000, 2, 2]);
    expect(left()).toEqual([]);
    process.stdout.write(`100 MB there and back took ${took.toFixed(0)} ms\n`);
  });

  it("go by tools, sessions and streams too, and leave nothing behind where one dies or nobody reads", async () => {
    const pool = await pools.define({ size: 1, inlineBelow: 100 });
    const numbers = new Float64Array(1000).fill(3);
    const tools = { numbers: () => numbers, count: (args: unknown) => (args as [Float64Array])[0].length };
    expect(await pool.call("ask", ["numbers"], { tools })).toEqual(ok(numbers));
    expect(await pool.call("ask", ["count", numbers], { tools })).toEqual(ok(1000));
    const opened = await pool.openSession("Ledger", [[numbers]]);
    if (opened.is !== "ok") throw new Error(opened.failure.message);
    expect(await opened.value.call("add", [numbers])).toEqual(ok(2));
    await opened.value.release();
    let read = 0;
    for await (const chunk of pool.stream("arrays", [500, 1000])) {
      expect((chunk as Float64Array)[0]).toBe(read);
      read += 1;
      if (read === 300) break;
    }
    // its answer was noted, but never sent: it is taken from the journal, and the file with it
    expect(await pool.call("dies_with_an_array", [1000])).toEqual(ok(new Float64Array(1000).fill(1)));
    const sent = await pool.call("die", [], { tools });
    expect(sent.is).toBe("indeterminate");
    await until("what the dead left is gone", 60_000, () => left().length === 0);
  });

  it("that a worker says lie elsewhere are not read", async () => {
    const pool = await pools.define({ size: 1 });
    const lie = { $stageloom: "bytes", at: "/etc/hostname" };
    expect(await pool.call("echo", [lie])).toEqual(ok(lie));
    const { decode } = await import("../../src/kernels/exchange.js");
    const { Lease } = await import("../../src/kernels/files.js");
    const { Scratch } = await import("../../src/kernels/scratch.js");
    const { processTable } = await import("../../src/supervision/table.js");
    const scratch = await Scratch.open(pools.path("scratch"), processTable(process.platform));
    expect(() => decode(JSON.stringify(lie), new Lease(scratch, 1))).toThrow("no file of this program's");
    scratch.dispose();
  });
});
