/** `npm run package`: writes the .vsix, or the file named after `--`. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { bootstrap } from "./lib/bootstrap.mjs";
import { runMain } from "./lib/failure.mjs";
import { root } from "./lib/paths.mjs";
import { print } from "./lib/print.mjs";
import { endWithSignals } from "./lib/processes.mjs";

await runMain(async () => {
  if (!(await bootstrap())) return Number(process.exitCode ?? 1);
  endWithSignals();
  /** @type {unknown} */
  const manifest = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  // an extension has both, or VS Code doesn't take it
  const { name, version } = /** @type {{ name: string; version: string }} */ (manifest);
  const target = path.resolve(process.argv[2] ?? path.join(root, `${name}-${version}.vsix`));
  const { packageExtension } = await import("./lib/package.mjs");
  await packageExtension(target);
  print(`${((await stat(target)).size / 1024).toFixed(1)} KB  ${path.relative(process.cwd(), target)}`);
  return 0;
});
