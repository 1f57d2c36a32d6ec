import { homedir } from "node:os";
import * as path from "node:path";

import * as vscode from "vscode";

import type { StoreLink } from "../kernels/process.js";
import type { Root } from "./root.js";

const ways = ["reflink", "hardlink", "copy"] as const;
const secondsOfDay = 86_400;

/** The extension's settings, read anew each time. */
export class Settings {
  readonly #root: Root;

  constructor(root: Root) {
    this.#root = root;
  }

  /** The interpreter that the user has named; empty for that of the Python extension, or of `PATH`. */
  get python(): string {
    return this.#text("python");
  }

  /** The absolute folder of the store. */
  get store(): string {
    const named = this.#text("store");
    return path.resolve(this.#root.fsPath, named === "" ? path.join(".stageloom", "store") : named);
  }

  /** How equal files of the store share their space; empty for what the environment says. */
  get storeLink(): StoreLink {
    const named = this.#text("storeLink");
    return ways.find((way) => way === named) ?? "";
  }

  /** For how many seconds what another workspace of the store has reached is kept. */
  get keepOthers(): number {
    return Math.max(0, this.#section().get<number>("storeOthers", 90)) * secondsOfDay;
  }

  /** The URL that results are pushed to and pulled from; empty for none. A path below the workspace or home stands, too. */
  get remote(): string {
    return this.#text("remote");
  }

  /** How many workers run at once; 0 leaves it to the pool. */
  get poolSize(): number {
    return Math.max(0, Math.floor(this.#section().get<number>("pool.size", 0)));
  }

  #text(key: string): string {
    const text = this.#section().get<string>(key, "").trim();
    return text.replaceAll("${workspaceFolder}", () => this.#root.fsPath).replace(/^~(?=\/|\\|$)/, () => homedir());
  }

  #section(): vscode.WorkspaceConfiguration {
    return vscode.workspace.getConfiguration("stageloom", this.#root.folder.uri);
  }
}
