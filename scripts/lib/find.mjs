import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

/** @param {string} file */
export const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
};

/** The first of these commands that the PATH has. @param {readonly string[]} names @returns {string | undefined} */
export const onPath = (names) => {
  const endings = process.platform === "win32" ? [".exe", ".cmd"] : [""];
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  for (const name of names) {
    for (const folder of folders) {
      const found = endings.map((ending) => path.join(folder, name + ending)).find(isExecutable);
      if (found !== undefined) return found;
    }
  }
  return undefined;
};
