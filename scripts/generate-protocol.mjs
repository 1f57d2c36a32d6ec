// Writes extension/src/protocol/kernel/*.gen.* from the Python messages; with --check it says whether they are up to date.
import path from "node:path";
import { runMain } from "./lib/failure.mjs";
import { root } from "./lib/paths.mjs";
import { print } from "./lib/print.mjs";
import { run } from "./lib/processes.mjs";
import { findPython } from "./lib/python.mjs";

await runMain(async () => {
  const { executable } = await findPython();
  const generator = path.join(root, "python-kernel", "tools", "protocol.py");
  const folder = path.join(root, "extension", "src", "protocol", "kernel");
  const { code, tail } = await run(executable, ["-I", generator, folder, ...process.argv.slice(2)]);
  print(tail.trim());
  return code ?? 1;
});
