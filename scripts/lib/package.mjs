import { existsSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { createVSIX } from "@vscode/vsce";
import { projectNode } from "./bootstrap.mjs";
import { root } from "./paths.mjs";
import { mustRun } from "./processes.mjs";
import { packagedReadme } from "./readme.mjs";
import { temporaryFolder } from "./temporary.mjs";

const parts = ["package.json", "README.md", "CHANGELOG.md", "LICENSE", ".vscodeignore", "media"];

/** The pictures that the manifest shows of those that the docs have. */
const pictures = async () => {
  const manifest = await readFile(path.join(root, "package.json"), "utf8");
  return new Set(manifest.match(/docs\/pictures\/[\w-]+\.png/g) ?? []);
};

/**
 * Builds for production and packs, apart from the checkout's own dist/.
 *
 * @param {string} target the .vsix to write
 */
export const packageExtension = async (target) => {
  const folder = temporaryFolder("package");
  for (const part of parts) {
    if (existsSync(path.join(root, part)))
      await cp(path.join(root, part), path.join(folder, part), { recursive: true });
  }
  for (const picture of await pictures()) await cp(path.join(root, picture), path.join(folder, picture));
  const readme = path.join(folder, "README.md");
  await writeFile(readme, packagedReadme(await readFile(readme, "utf8")));
  const build = ["scripts/build.mjs", "--production", "--outdir", path.join(folder, "dist")];
  await mustRun("Building", projectNode, build, { cwd: root });
  await createVSIX({
    cwd: folder,
    packagePath: target,
    // everything is bundled
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: false,
    rewriteRelativeLinks: false,
  });
};
