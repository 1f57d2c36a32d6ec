import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Where things too large for a checkout are kept between runs, as this platform wants it. @returns {string} */
export const cacheFolder = () => {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === "win32") {
    return path.join(LOCALAPPDATA ?? path.join(homedir(), "AppData", "Local"), "stageloom", "Cache");
  }
  if (process.platform === "darwin") return path.join(homedir(), "Library", "Caches", "stageloom");
  // the XDG specification has relative values ignored
  const given = XDG_CACHE_HOME !== undefined && path.isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : undefined;
  return path.join(given ?? path.join(homedir(), ".cache"), "stageloom");
};
