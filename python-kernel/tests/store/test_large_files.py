"""A large file goes to the disk while it is hashed."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from pathlib import Path

import pytest

from stageloom.store import trees


@pytest.mark.parametrize("size", [0, 1, trees._BLOCK, trees._BLOCK + 1, trees._LARGE, trees._LARGE + 7])
def test_the_hash_is_that_of_the_content(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "a.bin").write_bytes(content)
    [file] = trees.scan(str(tmp_path)).files
    assert (file.size, file.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert trees.hash_file(str(tmp_path / "a.bin")) == file.sha256


@pytest.mark.skipif(sys.platform == "win32", reason="a file opened for reading can't be flushed there")
def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(trees._LARGE))

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(trees.os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        trees.scan(str(tmp_path))
