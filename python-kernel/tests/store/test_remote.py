"""Remotes: real file systems of fsspec, written by several, cut off, damaged."""

from __future__ import annotations

import functools
import http.server
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from store_making import content_of, find, made, read
from test_archive import packed
from test_store_faults import Mount, environment, spawn, unix

from stageloom.store.errors import StoreError
from stageloom.store.parcel import RefusedError, card_name
from stageloom.store.remote import Remote, RemoteError
from stageloom.store.store import Store

pytest.importorskip("fsspec")


def fill(root: Path, count: int = 5):
    with Store.open(root) as store:
        [low] = store.commit([made(store, "low")])
        made_of = {low.dref: (low.rref,)}
        return [low, *store.commit([made(store, "a", number, context=made_of) for number in range(count)])]


@pytest.mark.parametrize("kind", ["file", "memory", "plain path"])
def test_there_and_back(kind, tmp_path):
    found = fill(tmp_path / "from")
    url = {"file": f"file://{tmp_path}/remote", "memory": f"memory://{tmp_path.name}", "plain path": f"{tmp_path}/r"}
    remote = Remote(url[kind])
    with Store.open(tmp_path / "from") as store:
        pushed = store.push(remote, [found[1].rref])
        assert (len(pushed.sent), pushed.known) == (2, 0)
        assert pushed.bytes > 0
        pushed = store.push(remote, [one.rref for one in found])
        assert (len(pushed.sent), pushed.known) == (4, 2)
        again = store.push(remote, [one.rref for one in found])
        assert (again.sent, again.known, again.bytes) == ([], 6, 0)
    assert set(remote.realizations()) == {one.rref for one in found}
    assert remote.realizations([found[2].dref]) == [found[2].rref]
    with Store.open(tmp_path / "to") as store:
        received = store.pull(remote, [found[2].rref])
        assert list(received.added) == [found[0].rref, found[2].rref]
        assert read(store, find(store, "low")[0]) == content_of("low", 0)
        received = store.pull(remote, remote.realizations())
        assert (len(received.added), received.known) == (4, 2)
        assert store.pull(remote, remote.realizations()).added == []
        assert store.verify() == []


def test_only_what_is_missing_is_sent(tmp_path):
    found = fill(tmp_path / "from")
    remote = Remote(f"file://{tmp_path}/remote")
    with Store.open(tmp_path / "from") as store:
        first = store.push(remote, [found[1].rref])
        (tmp_path / "remote" / card_name(found[1].rref)).unlink()
        again = store.push(remote, [found[1].rref])
        assert len(again.sent) == 1
        assert 0 < again.bytes < first.bytes / 3, "the card alone"
    assert list((tmp_path / "remote" / "incoming").iterdir()) == []


def test_what_else_lies_among_the_realizations_is_passed_over(tmp_path):
    with Store.open(tmp_path / "from") as store:
        [found] = store.commit([made(store, "a")])
        store.push(Remote(str(tmp_path / "remote")), [found.rref])
    cards = tmp_path / "remote" / "realizations"
    for folder in (cards, cards / found.dref.hash):
        (folder / ".DS_Store").write_bytes(b"")
    assert Remote(str(tmp_path / "remote")).realizations() == [found.rref]


def test_an_archive_is_a_remote_to_pull_from(tmp_path):
    archive, rrefs = packed(tmp_path)
    remote = Remote(f"zip://::{archive}")
    assert set(remote.realizations()) == set(rrefs)
    with Store.open(tmp_path / "to") as store:
        assert list(store.pull(remote, [rrefs[1]]).added) == rrefs
        assert store.verify() == []
    with Store.open(tmp_path / "from") as store, pytest.raises(StoreError):
        store.push(Remote(f"zip://::{archive}"), [store.commit([made(store, "new")])[0].rref])
    assert zipfile.ZipFile(archive).testzip() is None


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_over_http(tmp_path):
    pytest.importorskip("aiohttp")
    found = fill(tmp_path / "from")
    with Store.open(tmp_path / "from") as store:
        store.push(Remote(str(tmp_path / "remote")), [one.rref for one in found])
    handler = functools.partial(Quiet, directory=str(tmp_path / "remote"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        remote = Remote(f"http://127.0.0.1:{server.server_address[1]}")
        with Store.open(tmp_path / "to") as store:
            assert len(store.pull(remote, [found[3].rref]).added) == 2
            assert set(remote.realizations()) == {one.rref for one in found}
            assert len(store.pull(remote, remote.realizations()).added) == 4
            assert store.verify() == []
            with pytest.raises(RemoteError, match="written"):
                store.push(remote, [store.commit([made(store, "new")])[0].rref])
    finally:
        server.shutdown()
        server.server_close()
    with Store.open(tmp_path / "other") as store, pytest.raises(RemoteError, match="Check the address"):
        store.pull(remote, [found[3].rref])


def test_what_is_no_remote_is_refused(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "stageloom.json").write_text('{"stageloom": 2, "roots": []}')
    [found, *_] = fill(tmp_path / "from")
    with Store.open(tmp_path / "from") as store:
        with pytest.raises(RefusedError, match="nothing at"):
            store.pull(Remote(str(tmp_path / "other")), [found.rref])
        for command in (store.push, store.pull):
            with pytest.raises(RefusedError, match="format 2"):
                command(Remote(str(tmp_path / "newer")), [found.rref])
        with pytest.raises(RemoteError, match="nosuch"):
            Remote("nosuch://bucket/x")
        remote = Remote(str(tmp_path / "remote"))
        store.push(remote, [found.rref])
    other = fill(tmp_path / "elsewhere")[2]
    with Store.open(tmp_path / "to") as store, pytest.raises(RefusedError, match="is missing"):
        store.pull(remote, [other.rref])


def test_the_missing_package_is_named_with_the_command_that_installs_it(tmp_path):
    program = (
        "import sys; sys.modules['fsspec'] = None\nfrom stageloom.store.remote import Remote\nRemote('memory://x')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert 'pip install "stageloom[remotes]"' in done.stderr


def test_damage_on_the_remote_is_refused_and_costs_nothing(tmp_path):
    found = fill(tmp_path / "from")
    remote = Remote(str(tmp_path / "remote"))
    with Store.open(tmp_path / "from") as store:
        store.push(remote, [one.rref for one in found])
    chance = random.Random(2)
    files = sorted(path for path in (tmp_path / "remote").rglob("*") if path.is_file())
    refused = 0
    for number in range(60):
        victim = chance.choice(files)
        whole = victim.read_bytes()
        how = ("flip", "truncate", "delete", "empty")[number % 4]
        if how == "flip":
            place = chance.randrange(len(whole))
            victim.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        elif how == "truncate":
            victim.write_bytes(whole[: chance.randrange(len(whole))])
        elif how == "delete":
            victim.unlink()
        else:
            victim.write_bytes(b"")
        with Store.open(tmp_path / f"to{number}") as store:
            try:
                store.pull(remote, [one.rref for one in found])
            except RefusedError:
                refused += 1
            for one in store.history():
                number_of = next(i for i, it in enumerate(found) if it.rref == one.rref)
                assert read(store, one) == content_of(one.stage, max(0, number_of - 1))
            assert store.verify() == []
        victim.parent.mkdir(exist_ok=True)
        victim.write_bytes(whole)
    assert refused > 50
    print(f"faults: {refused} of 60 damaged remotes refused, 0 wrong values, what came before the damage is whole")


@unix
def test_several_writers_at_once(tmp_path):
    fill(tmp_path / "from", 20)
    remote = Remote(str(tmp_path / "remote"))
    children = [spawn("push", tmp_path / "from", tmp_path / "remote") for _ in range(4)]
    outs = [child.communicate(timeout=120)[0] for child in children]
    assert all("done" in out for out in outs), outs
    with Store.open(tmp_path / "to") as store:
        assert len(store.pull(remote, remote.realizations()).added) == 21
        assert store.verify() == []
    print("faults: 4 writers pushed the same 21 realizations at once:", *(out.split()[-1] for out in outs), "sent")


@unix
def test_kill_9_at_random_moments_of_pushing_and_pulling(tmp_path):
    kill_carrying(tmp_path, 40, "short")


@unix
@pytest.mark.faults
@pytest.mark.parametrize("part", range(5))
def test_kill_9_at_500_random_moments_of_pushing_and_as_many_of_pulling(tmp_path, part):
    kill_carrying(tmp_path, 200, f"long{part}")


def kill_carrying(tmp_path: Path, times: int, seed: str) -> None:
    chance = random.Random(seed)
    found = fill(tmp_path / "from", 40)
    rrefs = {one.rref for one in found}
    whole = Remote(str(tmp_path / "whole"))
    with Store.open(tmp_path / "from") as store:
        store.push(whole, rrefs)
    cut, resumed = [0, 0], [0, 0]
    for number in range(times):
        command, root, url = ("push", "from", f"r{number}") if number % 2 else ("pull", f"to{number}", "whole")
        child = spawn(command, tmp_path / root, tmp_path / url)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.random() ** 2 * 0.6)
        child.kill()
        told = child.stdout.read()
        child.stdout.close()
        child.wait()
        cut[number % 2] += "done" not in told
        if command == "push":
            remote = Remote(str(tmp_path / url))
            there = remote.realizations()
            with Store.open(tmp_path / f"to{number}") as store:
                if there:
                    store.pull(remote, there)
                assert store.verify() == []
            with Store.open(tmp_path / "from") as store:
                pushed = store.push(remote, rrefs)
                assert pushed.known == len(there)
                resumed[1] += 0 < pushed.known < len(rrefs)
            assert set(remote.realizations()) == rrefs
            shutil.rmtree(tmp_path / url)
        else:
            with Store.open(tmp_path / root) as store:
                assert store.verify() == []
                before = len(store.history())
                store.pull(whole, rrefs)
                resumed[0] += 0 < before < len(rrefs)
                assert len(store.history()) == len(rrefs)
                assert store.verify() == []
        shutil.rmtree(tmp_path / f"to{number}")
    for command, count, again in zip(("pull", "push"), cut, resumed, strict=True):
        print(f"faults: kill -9 in {command}: {times // 2} moments (seed {seed}), {count} cut off, {again} resumed")


@unix
def test_a_full_disk_under_the_remote_or_the_store(tmp_path):
    with Store.open(tmp_path / "from") as store:
        found = store.commit([made(store, "big", n, content={"d": os.urandom(20_000)}) for n in range(10)])
    rrefs = [one.rref for one in found]
    refused = sent = 0
    for number in range(12):
        with Mount(f"{150 + 40 * number}k") as mount:
            remote = Remote(str(mount.path / "remote"))
            with Store.open(tmp_path / "from") as store:
                try:
                    store.push(remote, rrefs)
                    sent += 1
                except RemoteError:
                    refused += 1
            with Store.open(tmp_path / f"to{number}") as store:
                there = remote.realizations()
                if there:
                    assert len(store.pull(remote, there).added) == len(there)
                assert store.verify() == []
    assert min(refused, sent) > 1
    print(f"faults: remotes of 12 sizes: {refused} pushes refused, {sent} fitted, all that has a card is whole")
