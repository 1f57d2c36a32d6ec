import type { Failure, Reason } from "../protocol/kernel/messages.gen.js";
import type { StageState } from "../protocol/panels/messages.js";

/** What a click on the state will tell more of. */
export function explainState(state: StageState): string {
  if (state.is === "stale") return state.reasons.map(({ summary }) => summary).join("\n");
  if (state.is === "failed") return [state.failure.message, state.failure.advice].filter(Boolean).join("\n");
  return "";
}

/** Whether comparing two texts would tell why a stage is stale. */
export function comparable(reasons: readonly Reason[]): readonly (Reason & { before: string; after: string })[] {
  return reasons.flatMap((reason) => {
    const { before, after } = reason;
    return typeof before === "string" && typeof after === "string" ? [{ ...reason, before, after }] : [];
  });
}

/** What a reason's texts are of, as a title names it: code as its definition, which stands as `file.py:name`. */
export function comparedName({ subject }: Reason, stage: string): string {
  const name = subject.slice(subject.lastIndexOf(":") + 1);
  if (subject === "") return stage;
  return /^[\p{L}_][\p{L}\p{N}_.]*$/u.test(name) ? name : (subject.split(":")[0] ?? stage);
}

/** What happened and what to do, as sentences. */
export function adviceText({ message, advice }: Failure): string {
  if (advice === "") return message;
  return `${message}${/[.!?:…]$/.test(message) ? "" : "."} ${advice}`;
}

/** A failure in full: what happened, what to do, and the evidence. */
export function failureText(failure: Failure): string {
  const parts = [
    failure.message,
    failure.advice,
    failure.command === "" ? "" : `    ${failure.command}`,
    failure.detail,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}
