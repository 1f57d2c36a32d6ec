"""``edits.py <folder> <n> <times>``: finding what is stale after one early change among n stages, as JSON, in ms.

The engine runs already, as in the editor; all is cached; a file is saved with another number in its third stage.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from stageloom.library import open_workspace


def main(folder: Path, count: int, times: int) -> None:
    """Measure and print."""
    place, told = folder / "chain.py", {"cpu": [], "wall": []}
    text = place.read_text()
    with open_workspace(folder, folder / ".stageloom" / "store") as workspace:
        workspace.plan("chain.py")
        for _ in range(times):
            place.write_text(text.replace("    return s1 + 1\n", f"    return s1 + {time.time_ns()}\n"))
            cpu, wall = time.process_time(), time.perf_counter()
            plan = workspace.plan("chain.py")
            told["cpu"].append((time.process_time() - cpu) * 1000)
            told["wall"].append((time.perf_counter() - wall) * 1000)
            stale = sum(stage.is_ == "stale" for stage in plan.stages)
            assert stale == count - 2, f"{stale} of {count} stages are stale"
    place.write_text(text)
    sys.stdout.write(json.dumps(told))


main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
