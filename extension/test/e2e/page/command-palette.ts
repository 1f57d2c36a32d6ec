import type { Page } from "playwright-core";
import { patience, until } from "./waiting.js";

/** The palette, and the lists to pick from that commands open in its place. */
export class CommandPalette {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Runs a command by its whole title: "Stageloom: Open Pipeline". What takes the focus meanwhile closes the list: it tries again. */
  async run(title: string): Promise<void> {
    await until(`the command ${title}`, async () => {
      await this.#page.keyboard.press("F1");
      const input = this.#page.locator(".quick-input-widget input.input");
      await input.waitFor({ timeout: 5000 });
      await input.fill(`>${title}`, { timeout: 5000 });
      const row = this.#page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
      await row.click({ timeout: 5000 });
      return true;
    });
  }

  /** Picks an entry of the list that is open. */
  async pick(label: string | RegExp): Promise<void> {
    const row = this.#page.locator(".quick-input-list .monaco-list-row", { hasText: label }).first();
    await row.click({ timeout: patience });
  }

  /**
   * Opens a file by name, with the cursor on a line counted from 1; one outside the workspace by its whole path as well.
   * A busy list may miss the key: it tries again.
   */
  async openFile(name: string, line?: number, whole = name): Promise<void> {
    await until(`${name} in the editor`, async () => {
      await this.#page.keyboard.press("ControlOrMeta+P");
      const input = this.#page.locator(".quick-input-widget input.input");
      await input.waitFor({ timeout: 5000 });
      await input.fill(line === undefined ? whole : `${whole}:${line}`, { timeout: 5000 });
      const row = this.#page.locator(".quick-input-list .monaco-list-row.focused", { hasText: name });
      await row.waitFor({ timeout: 5000 });
      await input.press("Enter");
      await this.#page
        .locator(".editor-group-container.active .tab.active", { hasText: name })
        .waitFor({ timeout: 5000 });
      return true;
    });
  }
}
