import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect } from "vitest";
import type { AxeResults, ElementContext } from "axe-core";
import { pipeline } from "./data.js";
import { test, type Panel } from "./host.js";
import { openMidRun } from "./mid-run.js";
import { themes } from "./themes.js";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe finds wrong, a line each. */
const wrong = async (panel: Panel): Promise<readonly string[]> => {
  // as the debugger's, which the page's policy does not bind
  await panel.page.evaluate(await readFile(axe, "utf8"));
  const results = await panel.page.evaluate(() =>
    // the script above has put it there
    (window as unknown as { axe: { run: (where: ElementContext) => Promise<AxeResults> } }).axe.run({
      include: [["body"]],
      // the theme's own colour, of what screen readers pass over
      exclude: [[".line-number"]],
    }),
  );
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 160)} ${failureSummary ?? ""}`),
  );
};

/** What Tab reaches, in order, until it leaves the page: each with how its focus shows. */
const tabbed = async (panel: Panel): Promise<readonly { name: string; shown: boolean; visible: boolean }[]> => {
  const found: { name: string; shown: boolean; visible: boolean }[] = [];
  for (let count = 0; count < 200; count++) {
    await panel.page.keyboard.press("Tab");
    await panel.settle(2);
    const here = await panel.page.evaluate(() => {
      let element = document.activeElement;
      const host = element;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      if (element === null || host === null || element === document.body) return null;
      // how it looks, and what is about it: a ring may be on any of them
      const look = (): string =>
        [element, host, element.parentElement, host.parentElement, ...(element.shadowRoot?.children ?? [])]
          .flatMap((one) =>
            one === null ? [] : [null, "::before", "::after"].map((part) => getComputedStyle(one, part)),
          )
          .map((style) => [style.outline, style.boxShadow, style.borderColor, style.background, style.inset].join())
          .join();
      const focused = look();
      // only what is an HTML or SVG element has focus
      const holder = host as HTMLElement;
      holder.blur();
      const shown = look() !== focused;
      holder.focus();
      const box = host.getBoundingClientRect();
      return {
        name: host.getAttribute("aria-label") ?? host.getAttribute("title") ?? host.textContent.trim().slice(0, 40),
        shown,
        visible: box.height > 0 && box.bottom > 0 && box.top < innerHeight,
      };
    });
    if (here === null) break;
    found.push(here);
  }
  return found;
};

describe("accessibility", () => {
  test.for(Object.values(themes))("axe finds nothing wrong in $name", async (theme, { host }) => {
    const panel = await openMidRun(host, theme);
    expect(await wrong(panel)).toEqual([]);
    for (const stage of ["train", "evaluate", "baseline", "gallery"]) {
      await panel.post({ is: "focus", stage });
      await panel.settle(14);
      expect(await wrong(panel), stage).toEqual([]);
    }
  });

  test("nor in a panel without stages, or without trust", async ({ host }) => {
    const panel = await host.open(themes.light);
    await panel.post({ is: "snapshot", pipeline: pipeline([], { trusted: false }), outputs: [], focus: null });
    await panel.page.locator(".welcome").waitFor();
    expect(await wrong(panel)).toEqual([]);
  });

  test.for(Object.values(themes))(
    "Tab reaches every control and shows where it is, in $name",
    async (theme, { host }) => {
      const panel = await openMidRun(host, theme);
      const reached = await tabbed(panel);
      expect(reached.length).toBeGreaterThan(12);
      expect(reached.filter(({ shown }) => !shown).map(({ name }) => name)).toEqual([]);
      expect(reached.filter(({ visible }) => !visible).map(({ name }) => name)).toEqual([]);
    },
  );

  test.for([
    ["reduce", 0],
    ["no-preference", 1],
  ] as const)("with motion %s, at least %d things move without end", async ([motion, least], { host }) => {
    const panel = await openMidRun(host, themes.dark, undefined, motion);
    const endless = await panel.page.evaluate(
      () =>
        document
          .getAnimations()
          .filter((one) => one.playState === "running" && one.effect?.getComputedTiming().iterations === Infinity)
          .length,
    );
    if (motion === "reduce") expect(endless).toBe(0);
    else expect(endless).toBeGreaterThanOrEqual(least);
  });
});
