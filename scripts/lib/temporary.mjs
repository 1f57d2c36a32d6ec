import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** @param {string} folder */
export const removeFolder = (folder) => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
};

/** A new folder that is gone with this process at the latest. @param {string} name @returns {string} */
export const temporaryFolder = (name) => {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), `stageloom-${name}-`)));
  process.once("exit", () => {
    try {
      removeFolder(folder);
    } catch {
      // another process still writes there; the system empties the folder some day
    }
  });
  return folder;
};
