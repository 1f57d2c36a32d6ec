"""Many processes, one store: each stage runs once, and a killed holder of a lock holds nobody up."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from store_making import content_of, find, made, read
from test_store_faults import spawn, unix

from stageloom.store.errors import LockedError
from stageloom.store.store import Store

pytestmark = unix


def race(folder: Path, processes: int, times: int, actions: int = 12) -> None:
    ran_in_all = 0
    for number in range(times):
        log = folder / f"ran{number}"
        log.touch()
        children = [spawn("race", folder / f"store{number}", seed, log, actions) for seed in range(processes)]
        codes = [child.wait(120) for child in children]
        for child in children:
            child.stdout.close()
        assert codes == [0] * processes
        ran = sorted(map(int, log.read_text().split()))
        assert ran == list(range(actions)), "each once"
        ran_in_all += len(ran)
        with Store.open(folder / f"store{number}") as store:
            assert store.sequence == actions
            assert store.verify() == []
    print(f"faults: {processes} processes on an empty store, {times} times: {ran_in_all} stages, each ran once")


@pytest.mark.parametrize("processes", [2, 4, 8])
def test_processes_on_an_empty_store(tmp_path, processes):
    race(tmp_path, processes, 2)


@pytest.mark.faults
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("processes", [2, 4, 8])
def test_processes_on_an_empty_store_200_times(tmp_path, processes, part):
    race(tmp_path, processes, 50)


def killed_holders(root: Path, times: int) -> None:
    chance = random.Random(times)
    Store.open(root).close()
    waited = []
    for number in range(times):
        child = spawn("lock", root, f"key{number}")
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with Store.open(root) as store:
            with pytest.raises(LockedError, match=str(child.pid)):
                store.lock(f"key{number}", wait=0)
            time.sleep(chance.random() * 0.01)
            child.kill()
            began = time.monotonic()
            with store.lock(f"key{number}", wait=30):
                waited.append(time.monotonic() - began)
                store.commit([made(store, "after", number)])
            assert read(store, find(store, "after", number)[0]) == content_of("after", number)
        child.stdout.close()
        child.wait()
    with Store.open(root) as store:
        assert store.verify() == []
        store.gc(delete=True)
        locks = {path.name for path in (root / "locks").iterdir()}
        assert locks == {"store.lock", "gc.lock"}
    print(f"faults: the holder of a lock killed {times} times: free within {max(waited):.3f} s")


def test_a_killed_holder_of_a_lock_holds_nobody_up(tmp_path):
    killed_holders(tmp_path / "store", 15)


@pytest.mark.faults
def test_a_hundred_killed_holders(tmp_path):
    killed_holders(tmp_path / "store", 100)


def test_a_clock_that_jumps_changes_nothing_about_what_is_latest(tmp_path):
    now = [2_000_000_000.0]
    with Store.open(tmp_path, clock=lambda: now[0]) as store:
        for jump in (0.0, -1.5e9, 9e9, -8e9):
            now[0] += jump
            store.commit([made(store, "a", content={"v": str(now[0]).encode()})])
            assert read(store, find(store, "a")[-1]) == {"v": str(now[0]).encode()}
        assert [one.sequence for one in find(store, "a")] == [1, 2, 3, 4]
        store.invalidate([find(store, "a")[-1].rref])
        now[0] -= 1e9
        assert len(find(store, "a")) == 3
        store.undo()
        assert len(find(store, "a")) == 4
