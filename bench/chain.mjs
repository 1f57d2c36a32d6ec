/** A chain of tiny stages, cold and warm, each run a whole process of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execute, timed } from "./lib/timing.mjs";

/** Where a peer's cost grows faster than the chain, the lengths beyond which measuring would take an hour. */
const longest = { stageloom: 10_000, joblib: 10_000, pyplant: 1_000, pylightnix: 1_000 };

/**
 * @param {{ python: string; peerPython: string; kernel: string; lengths: readonly number[]; repeats: number }} set
 * @param {(row: object) => void} tell
 */
export const benchChain = async ({ python, peerPython, kernel, lengths, repeats }, tell) => {
  for (const length of lengths) {
    for (const peer of /** @type {const} */ (["stageloom", "joblib", "pyplant", "pylightnix"])) {
      if (length > longest[peer]) {
        tell({ bench: "chain", peer, length, skipped: `its cost grows with the square of the length` });
        continue;
      }
      const folder = await mkdtemp(path.join(tmpdir(), "stageloom-bench-"));
      try {
        await execute(python, [path.join(import.meta.dirname, "chain/write.py"), peer, String(length), path.join(folder, "chain.py")]);
        const [command, args] =
          peer === "stageloom"
            ? [python, ["-m", "stageloom", "realize", "-q", `chain.py:s${String(length - 1)}`]]
            : [peerPython, ["chain.py"]];
        const env = { ...process.env, PYTHONPATH: peer === "stageloom" ? kernel : "", PYTHONDONTWRITEBYTECODE: "" };
        const cold = await timed(command, args, { cwd: folder, env });
        const warm = [];
        for (let turn = 0; turn < (cold > 20_000 ? 1 : repeats); turn += 1) {
          warm.push(await timed(command, args, { cwd: folder, env }));
        }
        tell({ bench: "chain", peer, length, cold, warm: Math.min(...warm) });
      } finally {
        await execute("rm", ["-rf", folder]).catch(() => rm(folder, { recursive: true, force: true }));
      }
    }
  }
};
