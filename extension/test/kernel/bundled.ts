import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";

const extension = path.resolve(import.meta.dirname, "../..");

/** Programs of the tests and of the extension as single files, built as the extension is, in a folder of their own. */
export interface Programs {
  readonly folder: string;
  readonly guardian: string;
  program(name: string): string;
  dispose(): void;
}

/** Bundles the guardian and the fixtures `names`. */
export async function bundlePrograms(...names: readonly string[]): Promise<Programs> {
  const folder = mkdtempSync(path.join(tmpdir(), "stageloom-programs-"));
  const fixtures = names.map((name) => [name, path.join(import.meta.dirname, "fixtures", `${name}.ts`)] as const);
  await build({
    entryPoints: { guardian: path.join(extension, "src/supervision/guardian.ts"), ...Object.fromEntries(fixtures) },
    outdir: folder,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    logLevel: "warning",
  });
  return {
    folder,
    guardian: path.join(folder, "guardian.cjs"),
    program: (name) => path.join(folder, `${name}.cjs`),
    dispose: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
