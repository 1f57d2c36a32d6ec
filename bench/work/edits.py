"""``edits.py <folder> <n> <times>``: finding what is stale after one early change among n stages, as JSON, in ms.

The engine runs already, as in the editor; all is cached; a file is saved with another number in its third stage. With
``moved`` a line is added or taken away there, too, so that all others lie elsewhere. ``told`` is the answer as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from stageloom.library import open_workspace
from stageloom.rpc.wire import encode


def main(folder: Path, count: int, times: int) -> None:
    """Measure and print."""
    place, text = folder / "chain.py", (folder / "chain.py").read_text()
    told: dict[str, list[float]] = {"cpu": [], "wall": [], "moved cpu": [], "moved wall": [], "told": []}
    with open_workspace(folder, folder / ".stageloom" / "store") as workspace:
        workspace.plan("chain.py")
        more = 0
        for turn in range(-1, 2 * times):  # the first reads the whole file
            moved = turn % 2 == 1 and turn > 0
            more = (more + 1) % 3 if moved else more
            lines = "    # a line more\n" * more + f"    return s1 + {time.time_ns()}\n"
            place.write_text(text.replace("    return s1 + 1\n", lines))
            cpu, wall = time.process_time(), time.perf_counter()
            plan = workspace.plan("chain.py")
            took = ((time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000)
            stale = sum(stage.is_ == "stale" for stage in plan.stages)
            assert stale == count - 2, f"{stale} of {count} stages are stale"
            if turn < 0:
                continue
            told["moved cpu" if moved else "cpu"].append(took[0])
            told["moved wall" if moved else "wall"].append(took[1])
            begun = time.process_time()
            json.dumps(encode(plan))
            told["told"].append((time.process_time() - begun) * 1000)
    place.write_text(text)
    sys.stdout.write(json.dumps(told))


main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
