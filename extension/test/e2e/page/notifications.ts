import type { Locator, Page } from "playwright-core";
import { patience } from "./waiting.js";

/** The notifications that pop up at the lower right. */
export class Notifications {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** One with this text, once it is there. */
  async appears(text: string | RegExp, timeout = patience): Promise<Locator> {
    const toast = this.#page.locator(".notification-toast", { hasText: text }).first();
    await toast.waitFor({ timeout });
    return toast;
  }

  async disappears(text: string | RegExp, timeout = patience): Promise<void> {
    const toast = this.#page.locator(".notification-toast", { hasText: text }).first();
    await toast.waitFor({ state: "detached", timeout });
  }

  /** Presses a button of the notification with this text. */
  async press(text: string | RegExp, button: string): Promise<void> {
    const toast = await this.appears(text);
    await toast.locator(".monaco-button", { hasText: button }).first().click({ timeout: patience });
  }
}
