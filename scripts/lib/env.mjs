import path from "node:path";
import { projectNode } from "./bootstrap.mjs";

/** What npm tells the scripts it runs. Settings that the user exported (a registry, a proxy) are kept. */
const fromNpm =
  /^npm_((?!config_)|config_(user_agent|npm_version|node_gyp|local_prefix|global_prefix|prefix|globalconfig|init_module)$)/;

/**
 * The environment for what doesn't belong to npm or to a VS Code around us, with the project's Node first on the PATH.
 *
 * @param {NodeJS.ProcessEnv} more
 * @returns {NodeJS.ProcessEnv}
 */
export const cleanEnv = (more = {}) => {
  const kept = Object.entries(process.env).filter(([name]) => !fromNpm.test(name) && !name.startsWith("VSCODE_"));
  const found = { ...Object.fromEntries(kept), ...more };
  return { ...found, PATH: [path.dirname(projectNode), found["PATH"] ?? ""].join(path.delimiter) };
};
