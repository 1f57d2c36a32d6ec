import { Growing } from "./growing.js";

/** What a stage printed, in pieces as they came; `epoch` changes when it is not the former log with more at the end. */
export interface Log {
  readonly epoch: number;
  readonly pieces: Growing<string>;
  readonly size: number;
}

/** Characters kept; beyond, the older half goes. */
export const MOST_LOG = 16 * 1024 * 1024;

export const makeLog = (text: string, epoch: number): Log => ({
  epoch,
  pieces: Growing.of(text === "" ? [] : [text]),
  size: text.length,
});

export const appendLog = (log: Log, text: string): Log => {
  if (text === "") return log;
  const size = log.size + text.length;
  if (size <= MOST_LOG) return { epoch: log.epoch, pieces: log.pieces.append([text]), size };
  const whole = log.pieces.from(0).join("") + text;
  const cut = whole.slice(-MOST_LOG / 2);
  return makeLog(cut.slice(cut.indexOf("\n") + 1), log.epoch + 1);
};

/** The whole text. */
export const logText = (log: Log): string => log.pieces.from(0).join("");
