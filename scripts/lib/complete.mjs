import { existsSync } from "node:fs";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** @param {number} pid */
const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

/** Takes a lock file for this process, waiting for its owner; a dead owner's is taken over. @param {string} file */
const lock = async (file) => {
  for (;;) {
    try {
      const handle = await open(file, "wx");
      await handle.writeFile(String(process.pid));
      await handle.close();
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      const owner = Number(await readFile(file, "utf8").catch(() => "0"));
      // an empty file is one that is just being written
      if (owner > 0 && !isAlive(owner)) await rm(file, { force: true });
      else await sleep(200);
    }
  }
};

/**
 * A folder that is complete or absent to whoever asks through this function: a marker is written last, and a folder
 * without it is removed and made again. It is made in place, since Python environments don't survive a rename.
 *
 * @param {string} folder
 * @param {(folder: string) => Promise<void>} make fills the folder, which exists and is empty
 */
export const complete = async (folder, make) => {
  const marker = path.join(folder, ".complete");
  if (existsSync(marker)) return folder;
  await mkdir(path.dirname(folder), { recursive: true });
  const lockFile = `${folder}.lock`;
  await lock(lockFile);
  try {
    if (existsSync(marker)) return folder;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    await make(folder);
    await writeFile(marker, "");
    return folder;
  } finally {
    await rm(lockFile, { force: true });
  }
};
