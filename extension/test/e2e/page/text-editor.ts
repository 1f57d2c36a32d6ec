import type { Page } from "playwright-core";
import { patience, until } from "./waiting.js";

/** The text editor that is open, worked with the keyboard. */
export class TextEditor {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The lines on the screen, from top to bottom. */
  async lines(): Promise<string[]> {
    // all at one moment: lines come and go
    const placed = await this.#page
      .locator(".editor-group-container.active .view-line")
      .evaluateAll((lines) => lines.map((line) => ({ y: line.getBoundingClientRect().y, text: line.textContent })));
    return placed.sort((a, b) => a.y - b.y).map(({ text }) => text.replaceAll("\u00a0", " "));
  }

  /** Waits for a text among the lines. */
  async shows(text: string): Promise<void> {
    await until(`${text} in the editor`, async () => (await this.lines()).some((line) => line.includes(text)));
  }

  /** Puts the cursor at the end of a line, counted from 1. */
  async goTo(line: number): Promise<void> {
    await this.#page.locator(".editor-group-container.active .view-lines").first().click({ timeout: patience });
    await this.#page.keyboard.press("Control+G");
    const input = this.#page.locator(".quick-input-widget input.input");
    await input.waitFor({ timeout: patience });
    await input.fill(`:${line}`);
    await input.press("Enter");
    await this.#page.keyboard.press("End");
  }

  /** Writes as if pasted: no completion, no bracket closed by itself. */
  async insert(text: string): Promise<void> {
    await this.#page.keyboard.insertText(text);
  }

  async press(keys: string): Promise<void> {
    await this.#page.keyboard.press(keys);
  }

  /** Replaces a whole line, counted from 1. */
  async replaceLine(line: number, text: string): Promise<void> {
    await this.goTo(line);
    await this.press("Home");
    await this.press("Home");
    await this.press("Shift+End");
    // to column 1, before the indentation too
    await this.press("Delete");
    await this.press("Control+G");
    const input = this.#page.locator(".quick-input-widget input.input");
    await input.waitFor({ timeout: patience });
    await input.fill(`:${line},1`);
    await input.press("Enter");
    await this.press("Shift+End");
    await this.insert(text);
  }

  async save(): Promise<void> {
    await this.press("ControlOrMeta+S");
    await until("the file is saved", async () => (await this.#page.locator(".tab.active.dirty").count()) === 0);
  }
}
