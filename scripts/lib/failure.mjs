import { complain } from "./print.mjs";

/** What went wrong outside the scripts, in words for whoever started them: printed without a stack. */
export class Failure extends Error {}

/**
 * Runs a script's main function; its number is the exit status.
 *
 * @param {() => Promise<number | undefined>} main
 */
export const runMain = async (main) => {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof Failure) complain(`\n${error.message}`);
    else complain(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1;
  }
};
