"""Verifying and collecting can be stopped at any time, say how far they are, and leave the store as it was."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from host import SOURCES, Host

from stageloom.model.objects import Derivation
from stageloom.rpc.errors import RequestCancelledError
from stageloom.rpc.messages import CollectParams, VerifyParams
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.gc import Policy
from stageloom.store.store import Store

#: So long to read that nobody waits for it; on the disk it is nothing but a hole.
LONG = 200 << 30


def fill(root: Path, *, large: bool, count: int = 3) -> None:
    """Store some realizations, the last with a file that takes minutes to read, or whose hash is wrong."""
    with Store.open(root) as store:
        for number in range(count):
            scratch = store.scratch()
            path = scratch / "value.bin"
            path.write_bytes(b"%d" % number)
            told = [("value.bin", 1, hashlib.sha256(path.read_bytes()).hexdigest())]
            if large and number == count - 1:
                os.truncate(path, LONG)
                told = [("value.bin", LONG, "0" * 64)]
            how = Provenance(f"s{number}", "pipeline.py", "20261103-120000-ab")
            plan = Derivation("s", "function", {"n": number})
            store.commit([NewRealization(plan, {}, f"{number:032}", how, scratch, told)])


def reads_long(pid: int) -> bool:
    """Return whether the process has the long file open."""
    folder = f"/proc/{pid}/fd"
    try:
        return any(os.readlink(f"{folder}/{name}").endswith("value.bin") for name in os.listdir(folder))
    except OSError:
        return False


def until(so, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks Linux which files are open")


@linux
def test_a_verification_that_the_editor_cancels_ends_in_the_middle_of_a_file(tmp_path):
    store = tmp_path / ".stageloom" / "store"
    fill(store, large=True)
    with Host(tmp_path) as host:
        request = host.engine.endpoint.submit("store/verify", VerifyParams())
        until(lambda: reads_long(host.engine.process.pid))
        request.cancel()
        with pytest.raises(RequestCancelledError):
            request.result(60)
        assert {one.work for one in host.progress} == {"verify"}
        assert all(0 <= one.done <= one.total == 9 for one in host.progress)
        assert host.ask("store/collect", CollectParams()).count == 3
        assert {one.work for one in host.progress} == {"verify", "collect"}


@linux
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_a_verification_that_is_interrupted_says_so_and_leaves_the_store_as_it_was(tmp_path):
    fill(tmp_path / "store", large=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "stageloom", "verify", "--store", "store"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(lambda: reads_long(process.pid))
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "stageloom: interrupted\n")
    with Store.open(tmp_path / "store") as store:
        assert len(store.history()) == 3, "nothing is taken for damaged"


@pytest.mark.parametrize("work", ["verify", "collect"])
def test_each_moment_at_which_it_may_be_stopped_leaves_nothing_half_done(work, tmp_path):
    moments, told = 0, []

    class StopError(Exception):
        pass

    while True:
        left = moments
        root = tmp_path / str(moments)
        fill(root, large=False, count=5)

        def check() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise StopError

        with Store.open(root) as store:
            store.let_go()
            try:
                if work == "verify":
                    assert not store.verify(check=check, tell=lambda *one: told.append(one))
                else:
                    store.gc(Policy(grace=0), delete=True, check=check, tell=lambda *one: told.append(one))
                break
            except StopError:
                moments += 1
        with Store.open(root) as store:
            assert not store.verify()
            if work == "collect":
                store.gc(Policy(grace=0), delete=True)
                assert not list((root / "trees").rglob("*.bin"))
    assert moments > 5
    assert all(done <= total for done, total in told)
    print(f"faults: {work} stopped at each of {moments} moments: nothing half done")
