/** Where a part writes what it does; the extension gives an output channel, a test an array. */
export interface Logger {
  trace(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

function nothing(): void {
  // by design
}

/** Says nothing. */
export const silent: Logger = { trace: nothing, info: nothing, warn: nothing, error: nothing };

/** Writes to `logger` with a name before every line. */
export function named(logger: Logger, name: string): Logger {
  return {
    trace: (text) => {
      logger.trace(`${name}: ${text}`);
    },
    info: (text) => {
      logger.info(`${name}: ${text}`);
    },
    warn: (text) => {
      logger.warn(`${name}: ${text}`);
    },
    error: (text) => {
      logger.error(`${name}: ${text}`);
    },
  };
}
