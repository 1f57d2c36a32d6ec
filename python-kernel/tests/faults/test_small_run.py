"""A small run, killed before and after every operation on the disk, and refused at every one."""

from __future__ import annotations

import collections
import errno
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from small_run import STAGES, VALUES, Tap, command, in_child, realize, runs, standing, write_pipeline
from store_making import fast_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and fork")


def never(number: int) -> bool:
    return False


def nothing(operation: str, path: str) -> None:
    pass


def operations(root: Path, *, reads: bool, after: bool) -> list[str]:
    """What a small run does on the disk, in order."""
    write_pipeline(root)

    def work(told: int) -> list[str]:
        tap = Tap(root / "store", never, nothing, reads=reads, after=after)
        tap.put_on()
        realize(root, os.open(os.devnull, os.O_WRONLY))
        return tap.seen

    code, told = in_child(work)
    assert code == 0
    return json.loads(told)


def whole_again(root: Path, done: Iterable[str]) -> list[str]:
    """Check what a fault left, run again, check that; return the stages that had to run again though they had run."""
    before = runs(root)

    def look(told: int) -> object:
        found = standing(root)
        for name in done:
            assert name in found, f"{name} was reported done and is lost"
        assert all(content == VALUES[name] for name, content in found.items())
        return None

    if (root / "store" / "format.json").exists():
        assert in_child(look)[0] == 0
    else:
        assert not list(done)

    def again(told: int) -> object:
        states = realize(root, os.open(os.devnull, os.O_WRONLY))
        assert set(states.values()) <= {"done", "kept"}, states
        assert standing(root) == {name: VALUES[name] for name in STAGES}
        left = list((root / "store" / "scratch").glob("*/object-*"))
        assert left == [], "what a dead process was about to store is swept"
        return None

    assert in_child(again)[0] == 0
    repeated = runs(root)[len(before) :]
    assert not set(repeated) & set(done), "what was reported done does not run again"
    return sorted(set(repeated) & set(before))


def killed(folder: Path, places: Iterable[int], *, seen: int) -> None:
    lost: collections.Counter[int] = collections.Counter()
    kills = reported = 0
    for at in places:
        root = folder / str(at)
        write_pipeline(root)

        def die(operation: str, path: str) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def work(told: int, root: Path = root, at: int = at) -> None:
            Tap(root / "store", lambda number: number == at, die, reads=False, after=True).put_on()
            realize(root, told)

        code, told = in_child(work)
        assert code in (0, -signal.SIGKILL)
        kills += code != 0
        reported += len(told.split())
        lost[len(whole_again(root, told.split()))] += 1
        shutil.rmtree(root)
    print(
        f"faults: kill -9 before and after operations of a small run: {kills} of {seen}, {reported} stages reported, "
        f"0 lost, 0 needing a hand; ran again though not reported: {dict(sorted(lost.items()))}"
    )


def test_killed_before_and_after_some_operations():
    with fast_folder() as folder:
        seen = operations(folder / "count", reads=False, after=True)
        assert {"write", "fsync", "os.rename", "after rename", "after write", "open to write"} <= set(seen)
        chance = random.Random(3)
        killed(folder, sorted(chance.sample(range(len(seen)), 25)), seen=len(seen))


@pytest.mark.faults
@pytest.mark.parametrize("part", range(3))
def test_killed_before_and_after_every_operation(part):
    with fast_folder() as folder:
        seen = operations(folder / "count", reads=False, after=True)
        killed(folder, range(part, len(seen), 3), seen=len(seen))


FAULTS = ("EIO", "EROFS", "EMFILE", "ENOSPC")


def refused(folder: Path, name: str, places: Iterable[int], *, lasts: bool, seen: int) -> None:
    number = getattr(errno, name)
    told: collections.Counter[str] = collections.Counter()
    for at in places:
        root = folder / f"{name}{at}{lasts}"
        write_pipeline(root)

        def fail(operation: str, path: str) -> None:
            raise OSError(number, os.strerror(number), path)

        def work(pipe: int, root: Path = root, at: int = at) -> object:
            reads = name in ("EIO", "EMFILE")  # the others are about writing
            Tap(root / "store", lambda n: n >= at if lasts else n == at, fail, reads=reads, after=False).put_on()
            return command(root)

        code, said = in_child(work)
        assert code == 0, f"{name} at {at}: {said}"
        exit_code, out, err = json.loads(said)
        assert exit_code in (0, 1, 3), f"{name} at {at}: {out}{err}"
        # a stage whose own writing fails has the traceback of that; nothing else has one
        assert "Exception" not in err, f"{name} at {at}: {out}{err}"
        assert exit_code == 0 or any(word in out + err for word in (os.strerror(number), "space", "annot")), out + err
        told["right" if exit_code == 0 else "clean errors"] += 1
        whole_again(root, STAGES if exit_code == 0 else ())
        shutil.rmtree(root)
    kind = "from each operation on" if lasts else "at single operations"
    print(f"faults: {name} {kind} of a small run: {sum(told.values())} of {seen}, {dict(told)}, 0 needing a hand")


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", FAULTS)
def test_refused_at_some_operations(name, lasts):
    with fast_folder() as folder:
        seen = operations(folder / "count", reads=name in ("EIO", "EMFILE"), after=False)
        chance = random.Random(name)
        refused(folder, name, sorted(chance.sample(range(len(seen)), 6)), lasts=lasts, seen=len(seen))


@pytest.mark.faults
@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", FAULTS)
def test_refused_at_every_operation(name, lasts):
    with fast_folder() as folder:
        seen = operations(folder / "count", reads=name in ("EIO", "EMFILE"), after=False)
        refused(folder, name, range(len(seen)), lasts=lasts, seen=len(seen))


def killed_at_random(folder: Path, times: int, seed: str) -> None:
    """By another process, at any instant: also within SQLite, and within one system call."""
    chance = random.Random(seed)
    kills = reported = lost = 0
    write_pipeline(folder / "timed")
    begun = time.monotonic()
    assert in_child(lambda told: realize(folder / "timed", told) and None)[0] == 0
    usual = time.monotonic() - begun
    for number in range(times):
        root = folder / str(number)
        write_pipeline(root)
        delay = chance.random() * usual * 1.2

        def work(told: int, root: Path = root, delay: float = delay) -> None:
            child = os.fork()
            if child == 0:
                realize(root, told)
                os._exit(0)
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
            os.write(told, b"killed\n" if os.waitpid(child, 0)[1] else b"ended\n")

        code, told = in_child(work)
        assert code == 0
        words = told.split()
        kills += "killed" in words
        done = [word for word in words if word in STAGES]
        reported += len(done)
        lost += len(whole_again(root, done))
        shutil.rmtree(root)
    assert kills > times // 3
    print(
        f"faults: kill -9 in realize: {times} moments (seed {seed!r}), {kills} while it ran, {reported} stages "
        f"reported, 0 lost, 0 needing a hand, {lost} in flight ran again"
    )


def test_killed_at_random_moments():
    with fast_folder() as folder:
        killed_at_random(folder, 20, "short")


@pytest.mark.faults
@pytest.mark.parametrize("part", range(5))
def test_killed_at_500_random_moments(part):
    with fast_folder() as folder:
        killed_at_random(folder, 100, f"long{part}")
