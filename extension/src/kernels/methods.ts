import type {
  LogMessage,
  Methods,
  RunChanged,
  RunLog,
  RunProgress,
  StoreChanged,
  StoreProgress,
} from "../protocol/kernel/messages.gen.js";

type Towards<Who extends string> = {
  [M in keyof Methods]: Methods[M]["towards"] extends Who ? M : never;
}[keyof Methods];
type Notification = { [M in keyof Methods]: null extends Methods[M]["result"] ? M : never }[keyof Methods];

/** What the rest of the host may ask the engine; the connection's own messages are not among it. */
export type EngineMethod = Exclude<Towards<"engine">, Notification | "initialize" | "shutdown">;
export type WorkerMethod = Towards<"worker">;
export type ParamsOf<M extends keyof Methods> = Methods[M]["params"];
export type ResultOf<M extends keyof Methods> = Methods[M]["result"];

/** What the engine tells unasked, tagged by the method it came by. */
export type EngineEvent =
  | { readonly is: "run/changed"; readonly params: RunChanged }
  | { readonly is: "run/log"; readonly params: RunLog }
  | { readonly is: "run/progress"; readonly params: RunProgress }
  | { readonly is: "store/changed"; readonly params: StoreChanged }
  | { readonly is: "store/progress"; readonly params: StoreProgress }
  | { readonly is: "log/message"; readonly params: LogMessage };

/** Requests that change nothing: asking again after the engine died does no harm. */
const readers: ReadonlySet<EngineMethod> = new Set<EngineMethod>([
  "pipeline/plan",
  "pipeline/why",
  "pipeline/profiles",
  "store/artifacts",
  "store/preview",
  "store/outputs",
  "store/record",
  "store/locate",
  "store/describe",
]);

export function onlyReads(method: EngineMethod): boolean {
  return readers.has(method);
}
