"""Large files that are hashed while they are written."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from stageloom.artifacts import hashing
from stageloom.artifacts.arrays import array_parts, write_array
from stageloom.artifacts.values import load, save
from stageloom.store.trees import scan


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths that are read to be hashed."""
    from stageloom.store import trees

    read: list[str] = []
    ask = trees.hash_file
    monkeypatch.setattr(trees, "hash_file", lambda path: read.append(os.path.basename(path)) or ask(path))
    return read


def test_a_large_array_is_not_read_to_be_hashed(tmp_path: Path, scanned: list[str]) -> None:
    value = np.arange(1_300_000, dtype=np.float64)
    save({"large": value, "small": np.arange(3)}, tmp_path)
    known = hashing.hashes_below(str(tmp_path))
    found = scan(str(tmp_path), known)
    assert [path for path, _, _ in known] == ["return/large.npy"]
    assert "large.npy" not in scanned
    assert found == scan(str(tmp_path))
    assert hashing.hashes_below(str(tmp_path)) == []
    loaded = load(tmp_path)
    assert isinstance(loaded, dict)
    np.testing.assert_array_equal(loaded["large"], value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(700_000.0).reshape(700, 1000),
        np.asfortranarray(np.arange(700_000.0).reshape(700, 1000)),
        np.arange(1_400_000.0)[::2],
        np.arange(700_000).astype("datetime64[s]"),
        np.arange(700_000.0).astype(">f8"),
        np.full(2_000_000, "äb"),
        np.full(5_000_000, True),
        np.broadcast_to(np.arange(1000.0), (700, 1000)),
    ],
    ids=["c", "fortran", "strided", "time", "big-endian", "text", "bool", "broadcast"],
)
def test_the_bytes_are_those_that_numpy_writes(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    plain = io.BytesIO()
    write_array(plain, array)
    assert b"".join(map(bytes, array_parts(array))) == plain.getvalue()


def test_a_file_that_changed_since_is_hashed_anew(tmp_path: Path, scanned: list[str]) -> None:
    save(b"x" * (5 << 20), tmp_path)
    [file] = tmp_path.rglob("*.bin")
    with file.open("r+b") as stream:
        stream.write(b"y")
    os.utime(file, ns=(1, 1))
    known = hashing.hashes_below(str(tmp_path))
    assert known == []
    [found] = [one for one in scan(str(tmp_path), known).files if one.path.endswith(".bin")]
    assert found.sha256 == hashlib.sha256(b"y" + b"x" * ((5 << 20) - 1)).hexdigest()
    assert file.name in scanned


def test_what_is_hashed_is_what_is_written_though_the_array_changes_meanwhile(tmp_path: Path) -> None:
    array = np.zeros(40 << 20, np.uint8)
    over = threading.Event()

    def change() -> None:
        number = 0
        while not over.is_set():
            number = (number + 1) % 256
            array[:: 1 << 12] = number

    changing = threading.Thread(target=change)
    changing.start()
    try:
        hashing.write_hashed(tmp_path / "a", array_parts(array))
    finally:
        over.set()
        changing.join()
    [(path, size, sha256)] = hashing.hashes_below(str(tmp_path))
    content = (tmp_path / "a").read_bytes()
    assert (path, size, sha256) == ("a", len(content), hashlib.sha256(content).hexdigest())


def test_an_error_while_writing_leaves_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    before = threading.active_count()
    with monkeypatch.context() as patched:
        patched.setattr(hashing, "_write", full)
        with pytest.raises(OSError, match="No space"):
            hashing.write_hashed(tmp_path / "a", [b"x" * (5 << 20)])
    assert threading.active_count() == before
    assert hashing.hashes_below(str(tmp_path)) == []


def test_a_flush_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(hashing.os, "fsync", broken)
        with pytest.raises(OSError, match="Input/output"):
            hashing.write_hashed(tmp_path / "a", [b"x" * (40 << 20)])
    assert hashing.hashes_below(str(tmp_path)) == []


def test_a_file_that_cannot_be_read_again_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Path.open

    def refused(self: Path, mode: str = "r", *args: int, **named: int) -> object:
        if mode == "rb":
            raise OSError(24, "Too many open files")
        return ask(self, mode, *args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refused)
        with pytest.raises(OSError, match="Too many"):
            hashing.write_hashed(tmp_path / "a", [b"x" * (5 << 20)])
    assert hashing.hashes_below(str(tmp_path)) == []
