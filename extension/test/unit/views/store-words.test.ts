import { expect, it } from "vitest";

import type { Collected, Verified } from "../../../src/protocol/kernel/messages.gen.js";
import {
  damageText,
  garbageWords,
  howFarWords,
  leftOutText,
  pushedWords,
  receivedWords,
  repairedWords,
} from "../../../src/views/store-words.js";

const nothing: Collected = { garbage: [], count: 0, leftovers: 0, freed: 0, kept: 3, size: 1200, inUse: 0, spared: [] };
const of = (stage: string): Collected["garbage"][number] => ({ path: "p.py", stage, at: 0, size: 10 });

it("garbage is told by stage, with what stays and that it is for good; nothing is asked where there is none", () => {
  expect(garbageWords(nothing, 0)).toBe(null);
  const told = garbageWords(
    { ...nothing, garbage: [of("a"), of("b"), of("a")], count: 3, leftovers: 1, freed: 48e6 },
    0,
  );
  expect(told?.message).toBe("Delete 3 realizations and 1 leftover, which frees 48 MB?");
  expect(told?.detail.split("\n").slice(0, 3)).toEqual(["p.py:a · 2 realizations", "p.py:b · 1 realization", ""]);
  expect(told?.detail).toMatch(/stays: 3 realizations \(1\.2 kB\)\.\nThis cannot be undone\.$/);
});

it("of much garbage a few stages are named, and the rest is counted, what the engine did not list too", () => {
  const garbage = Array.from({ length: 20 }, (_, index) => of(`s${index}`));
  const lines = garbageWords({ ...nothing, garbage, count: 5000 }, 0)?.detail.split("\n") ?? [];
  expect(lines.slice(7, 9)).toEqual(["p.py:s7 · 1 realization", "… and 4,992 more realizations"]);
});

it("leftovers alone are worth asking about", () => {
  expect(garbageWords({ ...nothing, leftovers: 2, freed: 10 }, 0)?.message).toBe(
    "Delete 2 leftovers, which frees 10 B?",
  );
});

it("damage and its repair are told", () => {
  const told: Verified = {
    damages: [{ kind: "tree", path: "/s/trees/x", what: "is damaged" }],
    realizations: 1,
    size: 1,
    moved: 1,
    mended: 0,
    forgotten: 2,
    folder: "/s/damaged",
  };
  expect(damageText(told)).toBe("1 damage\n\ntree: /s/trees/x is damaged\n");
  expect(repairedWords(told)).toMatch(
    /^Repaired: 1 object moved to \/s\/damaged, 0 made anew, 2 realizations forgotten/,
  );
  expect(repairedWords({ ...told, moved: 0, mended: 1, forgotten: 0 })).toMatch(/^Repaired: 1 made anew/);
});

it("what was carried is told, and that there was nothing to carry", () => {
  expect(receivedWords({ added: 2, known: 1, bytes: 1200 })).toBe("Took in 2 realizations (1.2 kB); 1 were here.");
  expect(receivedWords({ added: 0, known: 1, bytes: 0 })).toMatch(/all here/);
  expect(receivedWords({ added: 0, known: 0, bytes: 0 })).toMatch(/none of it/);
  const pushed = { sent: 1, known: 0, bytes: 5, mended: 0, leftOut: [] };
  expect(pushedWords(pushed)).toBe("Pushed 1 realization (5 B); 0 were there.");
  expect(pushedWords({ ...pushed, sent: 0 })).toBe("Nothing to push: it is all there.");
  expect(pushedWords(pushed, true)).toMatch(/there\. What was there is as it should be\.$/);
  expect(pushedWords({ ...pushed, mended: 2 }, true)).toMatch(/Mended there: 2 objects\.$/);
});

it("what could not be sent is told, and why", () => {
  const told = { sent: 0, known: 0, bytes: 0, mended: 0, leftOut: [{ rref: "rref:a", why: "it is damaged" }] };
  expect(pushedWords(told)).toMatch(/1 realization left out/);
  expect(leftOutText(told)).toBe("1 realization left out\n\nrref:a: it is damaged\n");
  expect(howFarWords(12_000, 100_000)).toBe("12,000 of 100,000");
});

it("what stays for other workspaces is told with its age", () => {
  const spared = [{ workspace: "/home/ann/throws", at: 0, count: 3 }];
  const told = garbageWords({ ...nothing, leftovers: 1, spared }, 3 * 86_400);
  expect(told?.detail).toMatch(/\nKept: 3 realizations reached by \/home\/ann\/throws, planned 3 days ago\.\n/);
});
