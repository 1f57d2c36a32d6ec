import { existsSync, readFileSync } from "node:fs";

import { expect, it } from "vitest";

interface Step {
  readonly description: string;
  readonly media: {
    readonly markdown?: string;
    readonly image?: Readonly<Record<string, string>>;
    readonly altText?: string;
  };
  readonly completionEvents?: readonly string[];
}

const at = (file: string): URL => new URL(`../../../${file}`, import.meta.url);
const manifest = JSON.parse(readFileSync(at("package.json"), "utf8")) as {
  // safe: VS Code would not load a manifest of another shape
  contributes: { walkthroughs: { steps: Step[] }[]; commands: { command: string }[] };
};
const { walkthroughs, commands } = manifest.contributes;
const steps = walkthroughs.flatMap((one) => one.steps);
const known = new Set(commands.map(({ command }) => command));

it("the walkthrough's pictures are there, light and dark, with words for who can't see them", () => {
  for (const { media } of steps) {
    const files = [...(media.markdown === undefined ? [] : [media.markdown]), ...Object.values(media.image ?? {})];
    expect(files.filter((file) => !existsSync(at(file)))).toEqual([]);
    if (media.image !== undefined) {
      expect(Object.keys(media.image).sort()).toEqual(["dark", "hc", "hcLight", "light"]);
      expect(media.altText).not.toBe("");
    }
  }
});

it("its links and its signs of completion are commands of the extension", () => {
  const named = steps.flatMap(({ description, completionEvents = [] }) => [
    ...[...description.matchAll(/command:(stageloom[\w.]+)/g)].map(([, command]) => command),
    ...completionEvents.map((event) => event.replace("onCommand:", "")),
  ]);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((command) => !known.has(command ?? ""))).toEqual([]);
});
