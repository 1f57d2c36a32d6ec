"""Unpacking, and a clock that jumps, while others read."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from small_run import PIPELINE, STAGES, VALUES, realize, write_pipeline
from store_making import made
from test_store_faults import spawn

from stageloom.library import load
from stageloom.store.store import Store


@pytest.mark.skipif(sys.platform == "win32", reason="processes that are killed")
def test_readers_and_collections_beside_unpacking(tmp_path):
    """Whoever finds a realization can read it, while it is unpacked again and again, and collected."""
    with Store.open(tmp_path / "from") as store:
        found = store.commit([made(store, "used", number) for number in range(30)])
        store.pack([one.rref for one in found], tmp_path / "a.zip")
    root = tmp_path / "store"
    Store.open(root).close()
    others = [spawn("unpacks", root, tmp_path / "a.zip"), spawn("gcs", root)]
    users = [spawn("use", root, seed) for seed in range(2)]
    children = (*users, *others)
    lines: list[str] = []
    heard = [threading.Thread(target=lambda told=child.stdout: lines.extend(told)) for child in children]
    for thread in heard:
        thread.start()
    begun = time.monotonic()
    while time.monotonic() < begun + 4 or not {"unpacked", "found"} <= {line.split()[0] for line in list(lines)}:
        assert time.monotonic() < begun + 180, "nothing was unpacked, or nothing found"
        assert [child.poll() for child in children] == [None] * len(children)
        time.sleep(0.05)
    for child in children:
        child.kill()
        child.wait()
    for thread in heard:
        thread.join(60)
    counts = dict.fromkeys(("made", "found", "gone", "collected", "unpacked"), 0)
    for line in lines:
        word, count = line.split()
        counts[word] += int(count)
    for child in children:
        child.stdout.close()
    with Store.open(root) as store:
        assert store.verify() == []
    print(f"faults: readers beside unpack and gc: {counts}, 0 wrong")


def test_a_clock_that_jumps_between_and_during_runs(tmp_path, monkeypatch):
    root = tmp_path / "project"
    write_pipeline(root)
    real, offset = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + offset[0])
    monkeypatch.setattr(time, "time_ns", lambda: int((real() + offset[0]) * 1e9))
    jumps = (0.0, -10 * 365 * 86400.0, 20 * 365 * 86400.0, -86400.0, 3600.0, -3600.0)
    for number, jump in enumerate(jumps):
        offset[0] = jump
        assert set(realize(root).values()) == {"done" if number == 0 else "kept"}
        assert load(str(root / "pipeline.py"), root=str(root), store=str(root / "store")) == VALUES["report"]
        (root / "pipeline.py").write_text(
            (root / "pipeline.py").read_text().replace("* factor", f"* factor + {number + 1}")
        )
        offset[0] = -jump
        states = realize(root)
        assert states["numbers"] == "kept"
        assert states["total"] == "done"
        write_back(root)
        assert set(realize(root).values()) == {"kept"}, "what was made first is found again, whatever the clock says"
    with Store.open(root / "store") as store:
        store.gc(delete=False)
        assert [one.sequence for one in store.history()] == sorted(
            (one.sequence for one in store.history()), reverse=True
        )
        assert {one.stage for one in store.history()} == set(STAGES)
    print(f"faults: a clock that jumps by up to 30 years: {3 * len(jumps)} runs, each found what was made before")


def write_back(root) -> None:
    import textwrap

    (root / "pipeline.py").write_text(textwrap.dedent(PIPELINE))
