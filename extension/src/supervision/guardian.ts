/**
 * The guardian's own program: `node guardian.js <lease file> <run>`.
 *
 * It waits for the end of its standard input, which comes when the host ends, however it ends; then it kills what the
 * host left. It runs on the host's own executable (in VS Code with ELECTRON_RUN_AS_NODE), since that is the one program
 * sure to be there on every platform, and so shares all of its code with the sweep of the next start.
 */
import { readFile, rm } from "node:fs/promises";
import { parseLease, type Lease } from "./journal.js";
import { killLeftovers } from "./sweep.js";
import { processTable } from "./table.js";

async function main(file: string, run: string): Promise<void> {
  // whoever ends a process tree politely must not end the guardian before the host
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // stay
    });
  }
  process.title = "stageloom-guardian";
  await untilHostEnds();
  const table = processTable(process.platform);
  const empty: Lease = { run, pid: 0, started: "", machine: "", children: [] };
  const lease = parseLease(await readFile(file, "utf8").catch(() => "")) ?? empty;
  const { clean } = await killLeftovers(lease, table, { fresh: true, within: 10_000 });
  if (clean) await rm(file, { force: true });
  process.exit(0);
}

function untilHostEnds(): Promise<void> {
  return new Promise((resolve) => {
    const ended = (): void => {
      resolve();
    };
    process.stdin.on("end", ended).on("close", ended).on("error", ended).resume();
  });
}

const [file, run] = process.argv.slice(2);
if (file !== undefined && run !== undefined) void main(file, run);
