/** `node scripts/pictures.mjs`: the pictures of the docs, from the last run of the end-to-end tests. */
import { copyFile, mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { Failure, runMain } from "./lib/failure.mjs";
import { root } from "./lib/paths.mjs";
import { print } from "./lib/print.mjs";

const names = ["realized", "panel", "stale", "difference", "artifact", "live", "failed"];
const largest = 250_000;
const taken = path.join(root, "test-results/pictures");
const shown = path.join(root, "docs/pictures");

await runMain(async () => {
  await mkdir(shown, { recursive: true });
  for (const name of names.flatMap((one) => [`${one}-light.png`, `${one}-dark.png`])) {
    const source = path.join(taken, `walk-${name}`);
    const size = await stat(source).then(
      (found) => found.size,
      () => 0,
    );
    if (size === 0) throw new Failure(`${source} isn't there: run the end-to-end tests first.`);
    if (size > largest) throw new Failure(`${source} has ${size} bytes, more than the ${largest} that the docs take.`);
    await copyFile(source, path.join(shown, name));
    print(`${(size / 1000).toFixed(0).padStart(4)} KB  docs/pictures/${name}`);
  }
  return 0;
});
