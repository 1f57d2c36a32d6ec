"""What is kept of derived results: on disk, or in the process alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

from stageloom.tracking.blobs import MemoryBlobs
from stageloom.tracking.cache import Cache, Memory, prune
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import take


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_without_writing_values_stay_in_the_process(tmp_path: Path) -> None:
    Cache(tmp_path, write=False).put("kind", "key", (1, "two"))
    assert files_in(tmp_path) == []
    assert Cache(tmp_path, write=False).get("kind", "key") == (1, "two")
    assert Cache(tmp_path / "other", write=False).get("kind", "key") is None


def test_what_is_asked_for_again_when_saved_goes_to_disk(tmp_path: Path) -> None:
    Cache(tmp_path, write=False).put("kind", "key", (1, "two"))
    assert Cache(tmp_path).get("kind", "key") == (1, "two")
    assert len(files_in(tmp_path)) == 1
    assert Cache(tmp_path).get("kind", "key") == (1, "two")


def test_keystrokes_leave_no_files(tmp_path: Path) -> None:
    text = "from stageloom import stage\n@stage\ndef s(): return 1\n"
    digests = set()
    for number in range(20):
        snapshot = take(tmp_path, "pipeline.py", {"pipeline.py": f"{text}# {number}\n"}, MemoryBlobs())
        digests.add(Code(snapshot, None, tmp_path, write=False).fingerprint("pipeline.py", "s").digest)
    assert len(digests) == 1
    assert files_in(tmp_path) == []
    code = Code(snapshot, None, tmp_path)
    code.fingerprint("pipeline.py", "s")
    assert files_in(tmp_path) == []  # what an edit made is of use to others once it is run
    code.cache.settle()
    assert files_in(tmp_path)


def test_memory_lets_go_of_what_was_asked_for_longest_ago() -> None:
    memory = Memory(limit=30)
    first, second, third = (Path(name) for name in "abc")
    memory.put(first, b"x" * 10)
    memory.put(second, b"x" * 10)
    assert memory.get(first) is not None
    memory.put(third, b"x" * 15)
    assert memory.get(second) is None
    assert memory.get(first) is not None
    assert memory.take(third) is not None
    assert memory.get(third) is None


def test_old_files_and_the_oldest_beyond_the_limit_go(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    for age, name in ((40, "old"), (3, "third"), (2, "second"), (1, "first")):
        path = tmp_path / "ab" / name
        path.write_bytes(b"x" * 100)
        then = time.time() - age * 86400
        os.utime(path, (then, then))
    prune(tmp_path, days=30, size=1000)
    assert {path.name for path in files_in(tmp_path)} == {"first", "second", "third"}
    prune(tmp_path, days=30, size=250)
    assert {path.name for path in files_in(tmp_path)} == {"first", "second"}
    prune(tmp_path / "missing")
