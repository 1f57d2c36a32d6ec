import path from "node:path";
import { projectNode } from "./bootstrap.mjs";

/**
 * The environment for what doesn't belong to npm or to a VS Code around us, with the project's Node first on the PATH.
 *
 * @param {NodeJS.ProcessEnv} more
 * @returns {NodeJS.ProcessEnv}
 */
export const cleanEnv = (more = {}) => {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_)|VSCODE_)/.test(name));
  const found = { ...Object.fromEntries(kept), ...more };
  return { ...found, PATH: [path.dirname(projectNode), found["PATH"] ?? ""].join(path.delimiter) };
};
