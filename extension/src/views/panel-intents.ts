import type { FromPanel } from "../protocol/panels/messages.js";
import { isRecord } from "./context.js";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const isFlag: Check = (value) => typeof value === "boolean";
const isLine: Check = (value) => typeof value === "number" && Number.isInteger(value) && value >= 0;

const FIELDS: Readonly<Record<FromPanel["is"], Readonly<Record<string, Check>>>> = {
  ready: {},
  realize: { stages: isTexts },
  cancel: {},
  invalidate: { stage: isText, dependents: isFlag },
  undo: {},
  reveal: { stage: isText },
  "open-frame": { path: isText, line: isLine },
  diff: { stage: isText },
  "open-file": { rref: isText, file: isText },
  outputs: { stage: isText },
  copy: { text: isText },
};

/** What a panel asks for, if it is that; a page may be of an older version than the host. */
export function readIntent(value: unknown): FromPanel | null {
  if (!isRecord(value) || typeof value["is"] !== "string" || !Object.hasOwn(FIELDS, value["is"])) return null;
  // safe: the line before says that it is one of the keys
  const fields = FIELDS[value["is"] as FromPanel["is"]];
  if (!Object.entries(fields).every(([name, check]) => check(value[name]))) return null;
  // safe: every field that a message of this kind has was checked
  return value as unknown as FromPanel;
}
