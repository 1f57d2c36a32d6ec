import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { packagedReadme } from "../../../../scripts/lib/readme.mjs";

const readme = readFileSync(new URL("../../../../README.md", import.meta.url), "utf8");

it("the extension page gets the README's words, without pictures and links that it cannot follow", () => {
  const packaged = packagedReadme(readme);
  expect(readme).toMatch(/<picture>/);
  expect(packaged).not.toMatch(/<picture|<img|srcset/);
  expect(
    [...packaged.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link).filter((link) => !/^(https:|#)/.test(link!)),
  ).toEqual([]);
  // every paragraph and heading is still there
  const words = (text: string): string =>
    text.replaceAll(/<picture>.*?<\/picture>/gs, "").replaceAll(/\]\([^)]+\)|\[|\s/g, "");
  expect(words(packaged)).toBe(words(readme));
});
