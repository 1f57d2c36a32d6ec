"""What is damaged on a remote is put right from a store that has it; what a store lacks is left out of what is sent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from store_making import content_of, find, made, read
from test_remote import fill

from stageloom.store.errors import DamagedError, NotStoredError, StoreError
from stageloom.store.parcel import HEAD, RefusedError, card_name
from stageloom.store.remote import Remote
from stageloom.store.store import Store

pytest.importorskip("fsspec")


def flip(path: Path) -> None:
    """Change a bit, and neither size nor rights."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.chmod(0o644)
    path.write_bytes(data)


def objects(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def pull_all(tmp_path: Path, name: str) -> int:
    remote = Remote(str(tmp_path / "remote"))
    with Store.open(tmp_path / name) as store:
        remote.check_head()
        count = len(store.pull(remote, remote.realizations()).added)
        assert store.verify() == []
        return count


def with_log(root: Path):
    """Realizations of which one has sources and a log, as runs leave them."""
    found = fill(root, 2)
    with Store.open(root) as store:
        folder = store.run_folder(found[1].run, found[1].stage)
        (folder / "log.txt").write_text("said", "utf-8")
    return found


def test_each_object_that_is_damaged_at_equal_size_is_told_and_mended(tmp_path):
    found = with_log(tmp_path / "from")
    rrefs = [one.rref for one in found]
    with Store.open(tmp_path / "from") as store:
        store.push(Remote(str(tmp_path / "remote")), rrefs)
        told = refused = 0
        for number, path in enumerate(objects(tmp_path / "remote")):
            flip(path)
            try:
                assert pull_all(tmp_path, f"to-{number}") == 3
            except StoreError as error:
                refused += 1
                told += "stageloom push --check" in str(error)
            remote = Remote(str(tmp_path / "remote"))
            if path.name != HEAD:
                assert not store.push(remote, rrefs).sent, "without a check nobody looks"
            name = path.relative_to(tmp_path / "remote").as_posix()
            assert list(store.push(remote, rrefs, mend=True).mended) == [name]
            assert not store.push(remote, rrefs, mend=True).mended
            assert pull_all(tmp_path, f"after-{number}") == 3
    assert refused >= told >= number - 2
    print(f"faults: each of {number + 1} objects of a remote damaged: {refused} pulls refused, all mended")


def test_what_lies_beside_it_there_and_is_not_here_gives_way_to_what_is(tmp_path):
    found = with_log(tmp_path / "from")
    with Store.open(tmp_path / "from") as store:
        store.push(Remote(str(tmp_path / "remote")), [found[1].rref])
    with Store.open(tmp_path / "other") as store:  # the same made elsewhere, with another log
        fill(tmp_path / "other", 2)
        folder = store.run_folder(found[1].run, found[1].stage)
        (folder / "log.txt").write_text("another", "utf-8")
        [log] = [path for path in objects(tmp_path / "remote") if path.read_bytes() == b"said"]
        flip(log)
        remote = Remote(str(tmp_path / "remote"))
        assert list(store.push(remote, [found[1].rref], mend=True).mended) == [card_name(found[1].rref)]
    with Store.open(tmp_path / "to") as store:
        store.pull(remote, [found[1].rref])
        folder = store.run_folder(found[1].run, found[1].stage)
        assert (folder / "log.txt").read_text("utf-8") == "another"


def test_objects_of_a_file_system_that_moves_nothing_over_a_file_are_mended(tmp_path, monkeypatch):
    found = fill(tmp_path / "from", 1)
    remote = Remote(str(tmp_path / "remote"))
    move = remote._fs.mv

    def strict(source: str, target: str, **more: object) -> None:
        if os.path.lexists(target):
            raise FileExistsError(target)
        move(source, target, **more)

    with Store.open(tmp_path / "from") as store:
        store.push(remote, [found[1].rref])
        flip(next(path for path in objects(tmp_path / "remote" / "files")))
        monkeypatch.setattr(remote._fs, "mv", strict)
        assert len(store.push(remote, [found[1].rref], mend=True).mended) == 1
        monkeypatch.undo()
    assert pull_all(tmp_path, "to") == 2


def test_what_lacks_something_it_was_made_from_is_left_out_and_the_rest_is_sent(tmp_path):
    found = fill(tmp_path / "from", 3)
    with Store.open(tmp_path / "from") as store:
        [apart] = store.commit([made(store, "apart")])
        flip(store.tree(found[0].tree) / "plot.txt")
        assert len(store.repair(store.verify()).forgotten) == 1
        rrefs = [one.rref for one in store.history()]
        told = store.pack(rrefs, tmp_path / "all.zip")
        assert told.realizations == 1
        assert {one.rref for one in told.left_out} == {one.rref for one in found[1:]}
        assert all(f"was made from {found[0].rref}" in one.why for one in told.left_out)
        remote = Remote(str(tmp_path / "remote"))
        pushed = store.push(remote, rrefs)
        assert list(pushed.sent) == [apart.rref]
        assert len(pushed.left_out) == 3
        with pytest.raises((NotStoredError, DamagedError)):
            store.pack([found[1].rref], tmp_path / "one.zip")
        assert not (tmp_path / "one.zip").exists()
        store.commit([made(store, "low")])
        assert not store.pack(rrefs, tmp_path / "all.zip").left_out, "made again, it is whole"
    with Store.open(tmp_path / "to") as store:
        assert len(store.unpack(tmp_path / "all.zip")[1].added) == 5


def test_a_tree_that_is_damaged_is_left_out_before_anything_is_written(tmp_path):
    found = fill(tmp_path / "from", 2)
    with Store.open(tmp_path / "from") as store:
        flip(store.tree(found[2].tree) / "plot.txt")
    with Store.open(tmp_path / "from") as store:
        told = store.pack([one.rref for one in found], tmp_path / "all.zip")
        assert [one.rref for one in told.left_out] == [found[2].rref]
        assert "is damaged" in told.left_out[0].why
    with Store.open(tmp_path / "to") as store:
        roots, received = store.unpack(tmp_path / "all.zip")
        assert roots == list(received.added) == [one.rref for one in found[:2]]


def test_what_the_remote_has_needs_not_be_whole_here(tmp_path):
    found = fill(tmp_path / "from", 2)
    remote = Remote(str(tmp_path / "remote"))
    with Store.open(tmp_path / "from") as store:
        store.push(remote, [found[1].rref])
        flip(store.tree(found[0].tree) / "plot.txt")
        store.repair(store.verify())
        pushed = store.push(remote, [found[2].rref], mend=True)
        assert list(pushed.sent) == [found[2].rref]
        assert not pushed.left_out
    with Store.open(tmp_path / "to") as store:
        assert len(store.pull(remote, [found[2].rref]).added) == 2
        assert read(store, find(store, "low")[0]) == content_of("low", 0)


def test_a_newer_remote_is_not_mended_into_an_older_one(tmp_path):
    found = fill(tmp_path / "from", 1)
    remote = Remote(str(tmp_path / "remote"))
    with Store.open(tmp_path / "from") as store:
        store.push(remote, [found[1].rref])
        head = tmp_path / "remote" / HEAD
        head.chmod(0o644)
        head.write_bytes(b'{"stageloom":99,"roots":[]}')
        with pytest.raises(RefusedError, match="format 99"):
            store.push(remote, [found[1].rref], mend=True)
        head.write_bytes(b"torn")
        assert list(store.push(remote, [found[1].rref], mend=True).mended) == [HEAD]
