"""Equal files of different trees share their space, and are still checked each."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from store_making import find, made, read
from test_store_faults import unix

from stageloom.store.gc import Policy
from stageloom.store.sharing import Sharing
from stageloom.store.store import Store

BIG = os.urandom(3 << 20)


def two(store: Store) -> tuple[Path, Path]:
    """Store the same large file in two trees, and return both."""
    for number in range(2):
        store.commit([made(store, "a", number, content={"big": BIG, "other": bytes([number])})])
    one, two = (store.tree(find(store, "a", number)[0].tree) / "big" for number in range(2))
    return one, two


class Loop:
    """A small file system that can share; skips the test where none may be mounted."""

    def __init__(self, kind: str) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "mounted"
        self.path.mkdir()
        image = self.folder / "image"
        with image.open("wb") as file:
            file.truncate(320 << 20)
        for command in (
            [f"mkfs.{kind}", "-q", str(image)],
            ["mount", "-o", "loop", str(image), str(self.path)],
        ):
            try:
                done = subprocess.run(command, capture_output=True, check=False)
            except FileNotFoundError:
                pytest.skip(f"{command[0]} is not installed")
            if done.returncode:
                pytest.skip(f"no {kind} may be mounted here: {done.stderr.decode().strip()}")

    def __enter__(self) -> Loop:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True)
        (self.folder / "image").unlink()


@unix
@pytest.mark.parametrize("kind", ["btrfs", "xfs"])
def test_by_reflink_where_the_file_system_can(kind):
    with Loop(kind) as loop:

        def used() -> int:
            os.sync()
            found = os.statvfs(loop.path)
            return (found.f_blocks - found.f_bfree) * found.f_frsize

        with Store.open(loop.path / "store") as store:
            store.commit([made(store, "a", 0, content={"big": BIG, "other": b"0"})])
            before = used()
            for number in range(1, 5):
                store.commit([made(store, "a", number, content={"big": BIG, "other": bytes([number])})])
            grown = used() - before
            assert grown < 2 * len(BIG), "four more copies take less than two"
            paths = [store.tree(find(store, "a", number)[0].tree) / "big" for number in range(5)]
            assert len({path.stat().st_ino for path in paths}) == 5
            assert store.verify() == []
            paths[0].chmod(0o644)
            with paths[0].open("r+b") as file:
                file.write(b"spoiled")
            assert paths[3].read_bytes() == BIG, "what is written to one is not in the others"
            print(f"{kind}: four more copies of {len(BIG)} bytes took {grown}")


def test_by_hard_link_where_allowed(tmp_path):
    with Store.open(tmp_path, link="hardlink") as store:
        one, other = two(store)
        assert one.stat().st_ino == other.stat().st_ino
        assert store.verify() == []
        keep = find(store, "a", 1)[0].rref
    with Store.open(tmp_path) as store:
        store.gc(Policy([keep], grace=0), delete=True)
        assert read(store, find(store, "a", 1)[0])["big"] == BIG
        assert store.verify() == []


def test_by_nothing_where_neither_is(tmp_path):
    with Store.open(tmp_path, link="reflink") as store:
        one, other = two(store)
        if one.stat().st_ino == other.stat().st_ino:
            pytest.fail("hard links are for those who ask for them")


def test_what_is_damaged_is_not_linked_to(tmp_path):
    with Store.open(tmp_path, link="hardlink") as store:
        store.commit([made(store, "a", 0, content={"big": BIG, "other": b"0"})])
        victim = store.tree(find(store, "a", 0)[0].tree) / "big"
        victim.chmod(0o644)
        with victim.open("r+b") as file:
            file.write(b"spoiled")
        store.commit([made(store, "a", 1, content={"big": BIG, "other": b"1"})])
        assert read(store, find(store, "a", 1)[0])["big"] == BIG


@pytest.mark.parametrize(
    ("asked", "environment", "shared"),
    [
        ("", "", False),
        ("", "1", True),
        ("", "hardlink", True),
        ("", "copy", False),
        ("", "reflink", False),
        ("hardlink", "copy", True),
        ("copy", "hardlink", False),
        ("reflink", "1", False),
    ],
)
@unix
def test_who_opens_says_how_else_the_environment(asked, environment, shared, tmp_path, monkeypatch):
    monkeypatch.setenv("STAGELOOM_STORE_LINK", environment)
    monkeypatch.setattr(Sharing, "_clone", lambda *_: False)  # whatever this file system can
    with Store.open(tmp_path, link=asked) as store:
        first, second = two(store)
        assert (first.stat().st_ino == second.stat().st_ino) is shared
        assert store.verify() == []


def test_copies_are_asked_of_the_file_system_not_at_all(tmp_path, monkeypatch):
    asked: list[object] = []
    monkeypatch.setattr(Sharing, "_share", lambda *more: asked.append(more))
    with Store.open(tmp_path, link="copy") as store:
        two(store)
        assert asked == []
