import type { Collected, LeftOut, Pushed, Received, Verified } from "../protocol/kernel/messages.gen.js";
import { ago, plural, size } from "../protocol/words/figures.js";

const MOST = 8;

/** What is said before garbage goes: how much, and of which stages; null where there is none. `now` is in seconds. */
export function garbageWords(
  told: Collected,
  now: number,
): { readonly message: string; readonly detail: string } | null {
  if (told.count === 0 && told.leftovers === 0) return null;
  const counts = new Map<string, number>();
  for (const { path, stage } of told.garbage) {
    const name = `${path}:${stage}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const lines = [...counts].slice(0, MOST).map(([name, count]) => `${name} · ${plural(count, "realization")}`);
  const untold = told.count - [...counts.values()].slice(0, MOST).reduce((sum, count) => sum + count, 0);
  if (untold > 0) lines.push(`… and ${plural(untold, "more realization")}`);
  const left = told.leftovers === 0 ? [] : [plural(told.leftovers, "leftover")];
  const what = [...(told.count === 0 ? [] : [plural(told.count, "realization")]), ...left].join(" and ");
  const stays = `What the pipelines of this workspace reach as they are now, with each profile, what is pinned and what is in use stays: ${staysWords(told)}.`;
  return {
    message: `Delete ${what}, which frees ${size(told.freed)}?`,
    detail: [
      ...lines,
      ...(lines.length === 0 ? [] : [""]),
      stays,
      ...sparedWords(told, now),
      "This cannot be undone.",
    ].join("\n"),
  };
}

/** What stays for other workspaces that use the store. */
export function sparedWords({ spared }: Collected, now: number): string[] {
  return spared.map(
    ({ workspace, at, count }) =>
      `Kept: ${plural(count, "realization")} reached by ${workspace}, planned ${ago(at, now)}.`,
  );
}

export function staysWords({ kept, size: bytes }: Collected): string {
  return `${plural(kept, "realization")} (${size(bytes)})`;
}

export function collectedWords(told: Collected): string {
  return `Collected ${plural(told.count, "realization")}: ${size(told.freed)} freed, ${staysWords(told)} left.`;
}

/** All that a verification found, as a text to read. */
export function damageText({ damages }: Verified): string {
  return `${plural(damages.length, "damage")}\n\n${damages.map(({ kind, path, what }) => `${kind}: ${path} ${what}\n`).join("")}`;
}

export function verifiedWords(told: Verified): string {
  return `The store is as it was stored: ${plural(told.realizations, "realization")}, ${size(told.size)}.`;
}

export function repairedWords({ moved, mended, forgotten, folder }: Verified): string {
  const aside = moved === 0 ? "" : `${plural(moved, "object")} moved to ${folder}, `;
  return `Repaired: ${aside}${mended} made anew, ${plural(forgotten, "realization")} forgotten. Realize their stages again.`;
}

export function receivedWords({ added, known, bytes }: Received): string {
  if (added > 0) return `Took in ${plural(added, "realization")} (${size(bytes)}); ${known} were here.`;
  return known > 0 ? "Nothing to take in: it is all here." : "Nothing to take in: there is none of it.";
}

export function pushedWords(told: Pushed, checked = false): string {
  const { sent, known, bytes } = told;
  const what =
    sent > 0
      ? `Pushed ${plural(sent, "realization")} (${size(bytes)}); ${known} were there.`
      : "Nothing to push: it is all there.";
  const right =
    told.mended > 0 ? ` Mended there: ${plural(told.mended, "object")}.` : " What was there is as it should be.";
  return `${what}${checked ? right : ""}${leftOutWords(told)}`;
}

export function leftOutWords({ leftOut }: { readonly leftOut: readonly LeftOut[] }): string {
  if (leftOut.length === 0) return "";
  return ` ${plural(leftOut.length, "realization")} left out: what they were made from is not whole here. Realize their stages again.`;
}

/** What could not be sent, as a text to read. */
export function leftOutText({ leftOut }: { readonly leftOut: readonly LeftOut[] }): string {
  return `${plural(leftOut.length, "realization")} left out\n\n${leftOut.map(({ rref, why }) => `${rref}: ${why}\n`).join("")}`;
}

export function howFarWords(done: number, total: number): string {
  return `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
}
