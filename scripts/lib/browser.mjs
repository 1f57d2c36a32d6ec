import path from "node:path";
import { aptInstall } from "./apt.mjs";
import { Failure } from "./failure.mjs";
import { isExecutable, onPath } from "./find.mjs";

/** @returns {string | undefined} a browser of Chromium's family */
export const findBrowser = () => {
  const given = process.env["STAGELOOM_CHROMIUM"];
  if (given !== undefined) {
    if (isExecutable(given)) return given;
    throw new Failure(`STAGELOOM_CHROMIUM is ${given}, which can't be run.`);
  }
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"];
  const places = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ...[process.env["ProgramFiles"], process.env["ProgramFiles(x86)"], process.env["LOCALAPPDATA"]].flatMap((folder) =>
      folder === undefined
        ? []
        : [
            path.join(folder, "Google\\Chrome\\Application\\chrome.exe"),
            path.join(folder, "Microsoft\\Edge\\Application\\msedge.exe"),
          ],
    ),
  ];
  return onPath(names) ?? places.find(isExecutable);
};

/** The browser that tests drive, installed where that is allowed. @returns {Promise<string>} */
export const browser = async () => {
  const found = findBrowser();
  if (found !== undefined) return found;
  await aptInstall(
    ["chromium"],
    "The tests drive a browser, and there is none. Install Chromium or Chrome (Debian: sudo apt-get install chromium), " +
      "or name one in the variable STAGELOOM_CHROMIUM.",
  );
  const installed = findBrowser();
  if (installed === undefined) throw new Failure("apt-get installed chromium, yet it isn't on the PATH.");
  return installed;
};

/** How that browser is started for tests. */
export const browserArguments = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // a browser refuses its sandbox to root
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];
