import { ResponseError } from "vscode-jsonrpc/node";
import type { Failure, Frame } from "../protocol/kernel/messages.gen.js";
import { failure } from "./answer.js";

/** JSON-RPC's codes of LSP and of this protocol, as `rpc/errors.py` has them. */
export const requestCancelled = -32800;
export const methodNotFound = -32601;
export const protocolMismatch = -32001;

// a record rather than a list, so that the compiler asks for every kind
const kinds: Readonly<Record<Failure["kind"], true>> = {
  exception: true,
  "missing-package": true,
  "missing-output": true,
  unstorable: true,
  unserialisable: true,
  "import-failed": true,
  "code-changed": true,
  killed: true,
  crashed: true,
  timeout: true,
  cancelled: true,
  store: true,
  "disk-full": true,
  damaged: true,
  "no-interpreter": true,
  "old-interpreter": true,
  refused: true,
  "lost-session": true,
  internal: true,
};

/** The failure that an error answer carries as its data, or the best that can be said of the error itself. */
export function failureOfError(method: string, error: unknown): Failure {
  if (!(error instanceof ResponseError)) {
    return failure(
      "internal",
      `${method} could not be asked: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (error.code === requestCancelled) return failure("cancelled", "Cancelled.");
  const carried = readFailure(error.data);
  if (carried !== null) return carried;
  const advice = error.code === protocolMismatch ? "Update the extension and the stageloom package together." : "";
  return failure("internal", error.message, { advice });
}

function readFailure(data: unknown): Failure | null {
  if (typeof data !== "object" || data === null || !("kind" in data) || !("message" in data)) return null;
  const { kind, message } = data;
  if (typeof kind !== "string" || typeof message !== "string" || !isKind(kind)) return null;
  const texts = ["advice", "exception", "detail", "package", "command"] as const;
  const fields = new Map<string, unknown>(Object.entries(data));
  const parts = texts.map((name) => [name, fields.get(name)] as const).filter(([, text]) => typeof text === "string");
  return failure(kind, message, { ...Object.fromEntries(parts), frames: readFrames(fields.get("frames")) });
}

function readFrames(value: unknown): readonly Frame[] {
  return Array.isArray(value) ? value.filter(isFrame) : [];
}

function isFrame(value: unknown): value is Frame {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const texts = ["path", "function", "text"].every((name) => typeof fields.get(name) === "string");
  return texts && Number.isInteger(fields.get("line")) && typeof fields.get("user") === "boolean";
}

function isKind(kind: string): kind is Failure["kind"] {
  return Object.hasOwn(kinds, kind);
}
