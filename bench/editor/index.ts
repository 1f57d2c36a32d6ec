/** What VS Code's extension host calls: activates extensions one by one and leaves how long each took. */
import { writeFileSync } from "node:fs";
import * as vscode from "vscode";

const own = "stageloom.stageloom";
/** Extensions that come with VS Code, and that an empty workspace doesn't activate. */
const others = ["vscode.markdown-language-features", "vscode.json-language-features", "vscode.css-language-features"];

export async function run(): Promise<void> {
  const taken: Record<string, number> = {};
  let inside: unknown = null;
  for (const id of [own, ...others]) {
    const extension = vscode.extensions.getExtension<unknown>(id);
    if (extension === undefined || extension.isActive) continue;
    const begun = performance.now();
    const api = await extension.activate();
    taken[id] = performance.now() - begun;
    if (id === own && typeof api === "object" && api !== null && "activatedIn" in api) inside = api.activatedIn;
  }
  const target = process.env["STAGELOOM_RESULTS"];
  if (target === undefined) throw new Error("STAGELOOM_RESULTS names no file");
  writeFileSync(target, JSON.stringify({ taken, inside }));
}
