import type { Locator, Page } from "playwright-core";
import { patience, until } from "./waiting.js";

/** The code lenses of the editor that is open, from top to bottom. */
export class Lenses {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The row of lenses over the line that reads `code`: "def plot(", say. */
  async over(code: string): Promise<Locator> {
    const line = this.#page.locator(".view-line", { hasText: code }).first();
    await line.waitFor({ timeout: patience });
    const box = await line.boundingBox();
    if (box === null) throw new Error(`The line ${code} isn't on the screen`);
    const rows = this.#page.locator(".codelens-decoration");
    let best: { row: Locator; distance: number } | undefined;
    for (const row of await rows.all()) {
      const at = await row.boundingBox();
      if (at === null) continue;
      const distance = box.y - at.y;
      if (distance > 0 && (best === undefined || distance < best.distance)) best = { row, distance };
    }
    if (best === undefined) throw new Error(`No lens over ${code}`);
    return best.row;
  }

  /** What the lenses over that line say, once they say something that `matches`. */
  async read(code: string, matches: RegExp, timeout = patience): Promise<string> {
    let text = "";
    await until(
      `lens over "${code}" like ${String(matches)}; it last said "${text}"`,
      async () => {
        text = await this.textOver(code);
        return matches.test(text);
      },
      timeout,
    ).catch((error: unknown) => {
      throw new Error(`Over "${code}" the lenses say "${text}", not ${String(matches)}`, { cause: error });
    });
    return text;
  }

  async textOver(code: string): Promise<string> {
    // VS Code sets lenses with spaces that don't break
    return (await (await this.over(code)).innerText()).replaceAll("\u00a0", " ").trim();
  }

  /** Clicks the lens with this title over that line. Lenses move as states change: it tries again. */
  async click(code: string, title: string | RegExp): Promise<void> {
    await until(`a click on the lens ${String(title)} over "${code}"`, async () => {
      const row = await this.over(code);
      await row.locator("a", { hasText: title }).first().click({ timeout: 2000 });
      return true;
    });
  }
}
