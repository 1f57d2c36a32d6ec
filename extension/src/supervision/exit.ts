/** How a process ended. `error` says why it never started; then there is neither code nor signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: string | null;
}

/** In words, to stand after a name: `ended with exit code 3`, `was killed by SIGKILL`. */
export function describeExit({ code, signal, error }: Exit): string {
  if (error !== null) return `could not be started: ${error}`;
  if (signal !== null) return `was killed by ${signal}`;
  if (code === null) return "ended";
  // Windows reports crashes as large codes, which people look up in hexadecimal
  return `ended with exit code ${code > 0xffff ? `0x${code.toString(16).toUpperCase()}` : String(code)}`;
}
