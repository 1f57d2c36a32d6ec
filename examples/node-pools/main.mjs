// Python functions called from Node: `node examples/node-pools/main.mjs` after `npm run build`.
import { fileURLToPath } from "node:url";
import { openPools } from "stageloom/kernels";

const print = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
const script = fileURLToPath(new URL("texts.py", import.meta.url));

const pools = await openPools();
try {
  const pool = pools.define({ name: "texts", entry: { script }, size: 2, python: process.env["PYTHON"] ?? "python3" });

  // a call is answered with a value that says what it came to: it never throws
  const words = await pool.call("count_words", { text: "to be or not to be" });
  print(`words: ${JSON.stringify(words)}`);

  // as many at once as there are workers; `idempotent` ones are done again where their worker dies
  const estimates = await Promise.all(
    [1, 2, 3, 4].map((seed) => pool.call("estimate_pi", [20_000, seed], { idempotent: true })),
  );
  const values = estimates.flatMap((estimate) => (estimate.is === "ok" ? [Number(estimate.value)] : []));
  print(`pi: ${(values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(2)}`);

  // Python asks this program
  const tools = { greeting: () => "Good morning" };
  const greeting = await pool.call("greet", ["Ada"], { tools });
  print(`tool: ${JSON.stringify(greeting)}`);

  // what an operation raises, and what takes too long
  const quotient = await pool.call("divide", [1, 0]);
  print(`error: ${quotient.is === "error" ? quotient.failure.message : quotient.is}`);
  const late = await pool.call("wait_for_ever", [], { deadline: 500 });
  print(`deadline: ${late.is === "error" ? late.failure.kind : late.is}`);
} finally {
  await pools.dispose();
}
