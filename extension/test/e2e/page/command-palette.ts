import type { Page } from "playwright-core";
import { patience } from "./waiting.js";

/** The palette, and the lists to pick from that commands open in its place. */
export class CommandPalette {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Runs a command by its whole title: "Stageloom: Open Pipeline". */
  async run(title: string): Promise<void> {
    await this.#page.keyboard.press("F1");
    const input = this.#page.locator(".quick-input-widget input.input");
    await input.waitFor({ timeout: patience });
    await input.fill(`>${title}`);
    const row = this.#page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
    await row.click({ timeout: patience });
  }

  /** Picks an entry of the list that is open. */
  async pick(label: string | RegExp): Promise<void> {
    const row = this.#page.locator(".quick-input-list .monaco-list-row", { hasText: label }).first();
    await row.click({ timeout: patience });
  }

  /** Opens a file of the workspace by name, with the cursor on a line counted from 1. */
  async openFile(name: string, line?: number): Promise<void> {
    await this.#page.keyboard.press("ControlOrMeta+P");
    const input = this.#page.locator(".quick-input-widget input.input");
    await input.waitFor({ timeout: patience });
    await input.fill(name);
    const row = this.#page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first();
    await row.waitFor({ timeout: patience });
    if (line !== undefined) await input.fill(`${name}:${line}`);
    await input.press("Enter");
    await this.#page.locator(".tab.active", { hasText: name }).waitFor({ timeout: patience });
  }
}
