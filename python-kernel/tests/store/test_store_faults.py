# ruff: noqa: PT017, PERF203  # either outcome is right here: the tests say what each must look like
"""Real faults: processes killed, disks full, folders that cannot be written, bits flipped, many processes at once."""

from __future__ import annotations

import collections
import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from store_child import __file__ as child_file
from store_making import content_of, fast_folder, find, kept, made, plan, read, value_or_none

from forking import ended, fork
from stageloom.store.errors import DiskFullError, StoreError, StoreUnwritableError
from stageloom.store.files import Files
from stageloom.store.store import Store

unix = pytest.mark.skipif(sys.platform == "win32", reason="kill -9, fork and mount")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def spawn(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, child_file, *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=environment()
    )


# --- kill -9 ---------------------------------------------------------------------------------------------------------


def kill_at_random(root: Path, times: int, seed: str) -> int:
    chance = random.Random(seed)
    total = 0
    for round_number in range(times):
        name = f"{seed}{round_number}"
        child = spawn("commit", root, name)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        first = child.stdout.readline() if round_number % 2 else ""
        time.sleep(chance.random() ** 2 * 0.12)
        child.kill()
        told = [line.split() for line in (first + child.stdout.read()).splitlines()]
        child.stdout.close()
        child.wait()
        groups = [range(int(line[1]), int(line[1]) + int(line[2])) for line in told if line[0] == "done"]
        done = {number for group in groups for number in group}
        hidden = {int(line[1]) for line in told if line[0] == "hidden"}
        # It may have died after hiding one and before saying so.
        unsure = {groups[-1][0]} if groups else set()
        with Store.open(root) as store:
            for number in done - hidden:
                found = find(store, f"s{name}", number)
                assert found or number in unsure, f"{number} of {name} was reported done and is lost"
                assert not found or read(store, found[-1]) == content_of(f"s{name}", number)
            assert not any(find(store, f"s{name}", number) for number in hidden)
            assert not store.scars
        total += len(done)
    with Store.open(root) as store:
        assert store.verify() == []
        store.scratch()
        left = list((root / "scratch").glob("*/object-*"))
        assert left == [], "what was about to be stored is swept"
    assert len(list((root / "journal").iterdir())) <= 2
    return total


@unix
def test_kill_9_at_random_moments_loses_nothing_that_was_reported(tmp_path):
    times = 40
    total = kill_at_random(tmp_path / "store", times, "short")
    assert total >= times // 2
    print(f"faults: kill -9 in commit: {times} moments (seed short), {total} realizations reported, 0 lost")


@unix
@pytest.mark.faults
@pytest.mark.parametrize("part", range(5))
def test_kill_9_at_500_random_moments(tmp_path, part):
    total = kill_at_random(tmp_path / "store", 100, f"long{part}")
    print(f"faults: kill -9 in commit: 100 moments (seed long{part}), {total} realizations reported, 0 lost, 0 by hand")


@unix
def test_kill_9_between_placing_and_settling_loses_nothing_that_was_reported(tmp_path):
    chance = random.Random("placed")
    root, times, total, unsettled = tmp_path / "store", 15, 0, 0
    for round_number in range(times):
        child = spawn("place", root, round_number)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        first = child.stdout.readline()
        time.sleep(chance.random() ** 2 * 0.12)
        child.kill()
        told = [line.split() for line in (first + child.stdout.read()).splitlines()]
        child.stdout.close()
        child.wait()
        done = {int(line[1]) + step for line in told if line[0] == "done" for step in range(int(line[2]))}
        placed = {int(line[1]) for line in told if line[0] == "placed"} - done
        with Store.open(root) as store:
            for number in done:
                [found] = find(store, f"s{round_number}", number)
                assert read(store, found) == content_of(f"s{round_number}", number)
            for number in placed:
                for found in find(store, f"s{round_number}", number):  # it may have died after writing the journal
                    assert read(store, found) == content_of(f"s{round_number}", number)
                store.commit([made(store, f"s{round_number}", number)])  # runs again: what lies there is taken up
                found = find(store, f"s{round_number}", number)[-1]
                assert read(store, found) == content_of(f"s{round_number}", number)
        total, unsettled = total + len(done), unsettled + len(placed)
    with Store.open(root) as store:
        assert store.verify() == []
    assert unsettled > 0
    print(f"faults: kill -9 between placing and settling: {times} moments, {total} settled, {unsettled} placed, 0 lost")


def synced_before_the_journal(root: Path, make) -> tuple[set[str], set[str]]:
    """Return the paths of one realization, and what of them was synced where it is before the journal named it."""
    synced: list[str] = []

    class Watched(Files):
        def __init__(self) -> None:
            super().__init__()
            self._sought_syncfs = True  # each path alone, so that it can be seen

        def before(self, operation: str, path: str) -> None:
            if operation == "write" and f"{os.sep}journal{os.sep}" in path:
                synced.append("journal")
            elif operation == "fsync":
                synced.append(path)

    with Store.open(root, files=Watched()) as store:
        [found] = make(store)
        tree = store.tree(found.tree)
        record = root / "records" / found.rref.hash[:2]
        derivation = root / "derivations" / found.dref.hash[:2]
    wanted = {str(path) for path in (tree.parent, tree, *tree.rglob("*"), record, derivation)}
    objects = (record / f"{found.rref.hash}.json", derivation / f"{found.dref.hash}.json", f"{tree}.json")
    wanted.update(map(str, objects))
    return wanted, set(synced[: synced.index("journal")])


@unix
@pytest.mark.parametrize("how", ["placed here", "placed by one that died", "stored before"])
def test_no_run_enters_the_journal_before_all_of_its_tree_is_on_the_disk(tmp_path, how):
    with Store.open(tmp_path) as store:
        if how == "placed by one that died":
            store.place(made(store, "a"))
        elif how == "stored before":
            store.commit([made(store, "b", content=content_of("a", 0))])
    if how == "placed by one that died":
        wanted, synced = synced_before_the_journal(tmp_path, lambda store: store.commit([made(store, "a")]))
    else:
        wanted, synced = synced_before_the_journal(
            tmp_path, lambda store: store.settle([store.place(made(store, "a"))])
        )
    assert len(wanted) == 10
    assert wanted <= synced


@unix
def test_a_placed_tree_that_a_power_cut_tore_is_made_again(tmp_path):
    with Store.open(tmp_path) as store:
        placed = store.place(made(store, "a"))
        tree = tmp_path / "trees" / placed.tree[:2] / placed.tree
        record = tmp_path / "records" / placed.rref.hash[:2] / f"{placed.rref.hash}.json"
        derivation = tmp_path / "derivations" / placed.dref.hash[:2] / f"{placed.dref.hash}.json"
    for path in (tree / "plot.txt", record, derivation, tree.parent / f"{placed.tree}.json"):
        path.chmod(0o644)
        os.truncate(path, 3)
    with Store.open(tmp_path) as store:
        assert store.verify() == [], "nothing refers to it"
        assert find(store, "a") == []
        [found] = store.commit([made(store, "a")])
        assert read(store, found) == content_of("a", 0)
        assert store.verify() == []


def test_what_is_placed_can_be_read_and_isnt_found_before_it_is_settled(tmp_path):
    with Store.open(tmp_path) as store:
        placed = [store.place(made(store, "a", number)) for number in range(3)]
        assert [find(store, "a", number) for number in range(3)] == [[], [], []]
        assert store.sequence == 0
        for number, one in enumerate(placed):
            folder = store.tree(one.tree)
            assert {name: (folder / name).read_bytes() for name in content_of("a", number)} == content_of("a", number)
        found = store.settle(placed)
        assert [one.rref for one in found] == [one.rref for one in placed]
        assert [one.sequence for one in found] == [1, 2, 3]
        assert store.verify() == []


class Faulty(Files):
    """Does ``fault`` instead of the operation with number ``at``."""

    def __init__(self, at: int = -1, fault=lambda operation, path: None, *, alone: bool = False) -> None:
        super().__init__()
        self._sought_syncfs = alone  # then each file is synced alone, as where no call syncs them all
        self.count = -1
        self.at = at
        self.fault = fault
        self.done: list[str] = []

    def before(self, operation: str, path: str) -> None:
        self.count += 1
        self.done.append(operation)
        if self.count == self.at:
            self.fault(operation, path)


def a_group(store: Store, old) -> list:
    """Every kind of thing that a commit does, with an equal tree twice and an early cutoff."""
    return [
        made(store, "new", 1, warnings=["w"]),
        made(store, "new", 2),
        made(store, "same", 1, content=content_of("new", 1)),
        kept(plan("cut", number=1), old.tree, "c" * 32),
    ]


def steps_of_a_commit(folder: Path, *, alone: bool = False) -> list[str]:
    files = Faulty(alone=alone)
    with Store.open(folder) as store:
        [old] = store.commit([made(store, "old")])
    with Store.open(folder, files=files) as store:
        group = a_group(store, old)
        files.count, files.done = -1, []
        store.commit(group)
        return list(files.done)


@unix
@pytest.mark.parametrize("alone", [True, False])
def test_dying_at_each_single_operation_of_a_commit_leaves_a_whole_store(alone):
    with fast_folder() as folder:
        steps = steps_of_a_commit(folder / "count", alone=alone)
        seen = collections.Counter()
        for at, operation in enumerate(steps):
            root = folder / str(at)
            with Store.open(root) as store:
                [old] = store.commit([made(store, "old")])

            def die(root: Path = root, at: int = at, old=old) -> None:
                files = Faulty(-1, lambda *_: os.kill(os.getpid(), signal.SIGKILL), alone=alone)
                store = Store.open(root, files=files)
                group = a_group(store, old)
                files.count, files.at = -1, at
                store.commit(group)

            assert ended(fork(die)) == -signal.SIGKILL, operation
            with Store.open(root) as store:
                assert store.verify() == []
                assert find(store, "old") == [old]
                visible = [bool(find(store, *one)) for one in (("new", 1), ("new", 2), ("same", 1), ("cut", 1))]
                assert len(set(visible)) == 1, "a group is there as a whole or not at all"
                seen[visible[0]] += 1
                store.commit(a_group(store, old))
                assert read(store, find(store, "new", 2)[-1]) == content_of("new", 2)
                assert store.verify() == []
        assert min(seen[False], seen[True]) > 0
        print(f"faults: kill -9 at each of {len(steps)} operations of a commit: {seen[False]} none, {seen[True]} all")


FAILURES = {
    "no space": (OSError(errno.ENOSPC, "No space left on device"), DiskFullError),
    "bad disk": (OSError(errno.EIO, "Input/output error"), StoreError),
    "read-only": (OSError(errno.EROFS, "Read-only file system"), StoreUnwritableError),
    "too many files": (OSError(errno.EMFILE, "Too many open files"), StoreError),
    "interrupt": (KeyboardInterrupt(), KeyboardInterrupt),
}


@pytest.mark.parametrize("name", list(FAILURES))
def test_failing_at_each_single_operation_of_a_commit_leaves_the_store_as_it_was(name):
    failure, expected = FAILURES[name]

    def fail(operation: str, path: str) -> None:
        raise failure

    with fast_folder() as folder:
        steps = steps_of_a_commit(folder / "count")
        refused = 0
        for at, operation in enumerate(steps):
            root = folder / str(at)
            files = Faulty(-1, fail)
            with Store.open(root) as store:
                [old] = store.commit([made(store, "old")])
            with Store.open(root, files=files) as store:
                group = a_group(store, old)
                files.count, files.at = -1, at
                try:
                    store.commit(group)
                except expected:
                    if name == "interrupt" and store.sequence == 5:
                        continue  # it was done, and only tidying was left
                    refused += 1
                    assert store.sequence == 1
                    assert store.history(hidden=True) == [old]
                    again = store.commit(group)  # the same, from where it stood
                    assert [one.visible for one in again] == [True] * 4, operation
                assert store.verify() == []
            with Store.open(root) as store:
                assert store.sequence == 5
                assert read(store, find(store, "same", 1)[-1]) == content_of("new", 1)
        assert refused > len(steps) // 2
        print(f"faults: {name} at each of {len(steps)} operations of a commit: {refused} clean refusals, else harmless")


# --- a full disk, a folder that cannot be written ---------------------------------------------------------------------


class Mount:
    """A small file system in memory; skips the test where none may be mounted."""

    def __init__(self, size: str) -> None:
        self.path = Path(tempfile.mkdtemp())
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(self.path)], capture_output=True, check=False
        )
        if done.returncode:
            self.path.rmdir()
            pytest.skip(f"no file system may be mounted here: {done.stderr.decode().strip()}")

    def remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.path)], check=True)

    def __enter__(self) -> Mount:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True)
        self.path.rmdir()


@unix
def test_a_full_disk_refuses_cleanly_and_goes_on_when_there_is_space_again():
    refused = committed = 0
    with Mount("3m") as mount:
        root, filler = mount.path / "store", mount.path / "filler"
        with Store.open(root) as store:
            store.commit([made(store, "first")])
        done: list[int] = []
        for number in range(80):
            free = os.statvfs(mount.path).f_bavail * os.statvfs(mount.path).f_frsize
            filler.write_bytes(b"\0" * max(0, free - 4096 * (number % 40)))
            with Store.open(root) as store:
                sequence = store.sequence
                try:
                    store.commit([made(store, "x", number, content={"big": bytes([number]) * 9000, "note": b"n"})])
                    committed += 1
                    done.append(number)
                except OSError as error:  # the stage's own writing, not the store's
                    assert error.errno == errno.ENOSPC
                    refused += 1
                except DiskFullError as error:
                    assert "Free space" in error.advice
                    assert store.sequence == sequence
                    assert find(store, "x", number) == []
                    refused += 1
                assert all(find(store, "x", one) for one in done), "what was finished is served on a full disk too"
            filler.unlink()
            for folder in (root / "scratch").iterdir():
                assert [path.name for path in folder.glob("object-*")] == []
                subprocess.run(["rm", "-rf", str(folder)], check=True)
        with Store.open(root) as store:
            assert store.verify() == []
            for number in done:
                assert read(store, find(store, "x", number)[-1])["big"] == bytes([number]) * 9000
            store.commit([made(store, "last")])
    assert refused > 10
    assert committed > 10
    print(f"faults: a disk full to 80 levels: {refused} commits refused, {committed} fitted and read back")


@unix
def test_a_store_on_a_read_only_disk_is_read_with_a_warning():
    with Mount("3m") as mount:
        root = mount.path / "store"
        with Store.open(root) as store:
            [found] = store.commit([made(store, "a")])
            extra = store.scratch()
        mount.remount("ro")
        with Store.open(root) as store:
            assert store.readonly
            assert "cannot be written" in store.warnings[0]
            assert find(store, "a") == [found]
            assert read(store, found) == content_of("a", 0)
            with pytest.raises(StoreUnwritableError, match="choose another folder"):
                store.commit([kept(plan("b"), found.tree, "a")])
            with pytest.raises(StoreUnwritableError):
                store.invalidate([found.rref])
        with pytest.raises(StoreUnwritableError, match="choose another folder"):
            Store.open(mount.path / "elsewhere")
        mount.remount("rw")
        with Store.open(root) as store:
            assert not store.readonly
            store.commit([kept(plan("b"), found.tree, "a")])
        assert extra.exists()


@unix
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="becoming another user needs root")
def test_another_users_store_is_read_with_a_warning():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        root = Path(folder) / "store"
        with Store.open(root) as store:
            [found] = store.commit([made(store, "a")])

        def look() -> int:
            os.setgid(65534)
            os.setuid(65534)
            with Store.open(root) as store:
                right = store.readonly and store.warnings and read(store, find(store, "a")[-1]) == content_of("a", 0)
            try:
                Store.open(Path(folder) / "new")
            except StoreUnwritableError:
                return 0 if right else 8
            return 7

        assert ended(fork(look)) == 0
        assert found.visible


# --- bits ------------------------------------------------------------------------------------------------------------

SOURCE = b"x = 1\n"
STAGES = [("a", 0), ("a", 1), ("b", 0), ("c", 0)]


def build(root: Path) -> None:
    with Store.open(root) as store:
        found = store.commit([made(store, *one, warnings=["w"]) for one in STAGES])
        store.commit([made(store, "hidden"), made(store, "shown")])
        store.invalidate([find(store, "hidden")[0].rref])
        store.invalidate([find(store, "shown")[0].rref])
        store.undo()
        store.commit([kept(plan("cut", number=0), found[0].tree, "cut")])
        store.put_source(SOURCE)
        for one in found:
            store.tree(one.tree)


def spoil(path: Path, how: str, chance: random.Random, others: Sequence[Path] = ()) -> None:
    data = bytearray(path.read_bytes())
    os.chmod(path.parent, 0o755)
    if how == "delete":
        path.unlink()
        return
    os.chmod(path, 0o644)
    place = chance.randrange(len(data)) if data else 0
    if how == "flip" and data:
        data[place] ^= 1 << chance.randrange(8)
        with path.open("r+b") as file:
            file.seek(place)
            file.write(data[place : place + 1])
    elif how == "truncate":
        os.truncate(path, place)
    elif how == "empty":
        os.truncate(path, 0)
    elif how == "swap":  # what a hand that sorts files comes to: another's content under its name
        other = chance.choice(sorted(one for one in others if one != path) or [path])
        content = other.read_bytes()
        os.chmod(other, 0o644)
        other.write_bytes(data)
        path.write_bytes(content)
    else:
        with path.open("r+b") as file:
            file.seek(place)
            file.write(bytes(min(512, len(data) - place)))


def use(root: Path, outcomes: collections.Counter[str]) -> None:
    """Do what a run does; nothing but the right content, a miss, or a store error may come."""
    with Store.open(root) as store:
        for name, number in [*STAGES, ("shown", 0)]:
            value = value_or_none(store, name, number)
            outcomes["missed" if value is None else "served"] += 1
            if value is None:
                store.commit([made(store, name, number)])
                assert value_or_none(store, name, number) == content_of(name, number), "running the stage heals"
            else:
                assert value == content_of(name, number), "a wrong value was served"
        found = find(store, "cut")
        if found and store.check([found[0].tree]) == {}:
            assert read(store, found[0]) == content_of("a", 0)
        for one in store.history(hidden=True):
            try:
                assert store.record(one.rref).tree == one.tree
                assert store.derivation(one.dref).dref == one.dref
            except StoreError:
                outcomes["record refused"] += 1
        try:
            assert store.source(hashlib.sha256(SOURCE).hexdigest()) == SOURCE
        except StoreError:
            outcomes["source refused"] += 1
            assert store.source(store.put_source(SOURCE)) == SOURCE


def flip_bits(folder: Path, times: int, seed: int) -> collections.Counter[str]:
    chance = random.Random(seed)
    outcomes: collections.Counter[str] = collections.Counter()
    for number in range(times):
        root = folder / str(number)
        build(root)
        kinds = {
            "tree": list(root.glob("trees/*/*/**/*.*")),
            "manifest": list(root.glob("trees/*/*.json")),
            "record": list(root.glob("records/*/*")),
            "derivation": list(root.glob("derivations/*/*")),
            "source": list(root.glob("sources/*/*")),
            "journal": list(root.glob("journal/*")),
            "index": [root / "index.sqlite"],
            "format": [root / "format.json"],
            "run": list(root.glob("runs/*/*/*/*")),
        }
        kind = list(kinds)[number % len(kinds)]
        victim = chance.choice(sorted(kinds[kind]))
        how = ("flip", "truncate", "empty", "delete", "swap", "flip", "zero")[number // len(kinds) % 7]
        spoil(victim, how, chance, kinds[kind])
        outcomes["flips"] += how == "flip"
        outcomes[f"{kind} spoiled"] += 1
        if kind == "journal" and number % 2:
            (root / "index.sqlite").unlink()
        use(root, outcomes)
        use(root, collections.Counter())  # a record's damage is seen after its stage was looked up
        with Store.open(root) as store:
            unused = {
                name
                for one in store.history(hidden=True)
                if one.stage in ("hidden", "cut")
                for name in (one.rref.hash, one.dref.hash, *([one.tree] if one.stage == "hidden" else []))
            }
            left = [one for one in store.verify() if one.identity[:32] not in unused]
            for one in left:
                if one.kind == "index":  # no look-up came by what is wrong
                    store.repair([one])
                    assert not [one for one in store.verify() if one.kind == "index"]
            left = [one for one in left if one.kind not in ("journal", "index")]
            assert left == [], f"{kind} {how} is not healed"
        if kind == "journal" and how != "delete":
            continue
        with Store.open(root) as store:
            assert find(store, "hidden") == [], f"{kind} {how}: what was invalidated came back"
    return outcomes


def test_bit_flips_truncation_and_deletion_never_serve_a_wrong_value():
    times = 225
    with fast_folder() as folder:
        outcomes = flip_bits(folder, times, 1)
    assert outcomes["missed"]
    print(f"faults: {times} files flipped, cut, emptied, swapped, deleted: 0 wrong values, {dict(outcomes)}")


@pytest.mark.faults
@pytest.mark.parametrize("part", range(4))
def test_a_thousand_bit_flips(part):
    with fast_folder() as folder:
        outcomes = flip_bits(folder, 900, 2 + part)
    assert outcomes["flips"] > 250
    print(
        f"faults: 900 files (seed {2 + part}) flipped, cut, emptied, swapped, deleted: 0 wrong values, {dict(outcomes)}"
    )


def test_flipping_each_part_of_the_index_never_shows_what_is_hidden():
    with fast_folder() as folder:
        root = folder / "store"
        build(root)
        whole = (root / "index.sqlite").read_bytes()
        chance = random.Random(5)
        missed = right = 0
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(3):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            (root / "index.sqlite").write_bytes(data)
            with Store.open(root) as store:
                assert find(store, "hidden") == []
                for name, number in STAGES:
                    found = find(store, name, number)
                    right += len(found)
                    missed += not found
                    assert all(read(store, one) == content_of(name, number) for one in found)
        print(f"faults: index flipped 150 times: {right} found right, {missed} not found, 0 wrong")
        assert right > missed


def test_a_damaged_line_of_the_journal_is_passed_over_and_told(tmp_path):
    root = tmp_path / "store"
    with Store.open(root) as store:
        for number in range(3):
            store.commit([made(store, "x", number)])
    [segment] = (root / "journal").iterdir()
    lines = segment.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b'"took"', b'"tuck"')
    segment.write_bytes(b"\n".join(lines) + b'deadbeef {"seq":9,"is":"ru')
    (root / "index.sqlite").unlink()
    with Store.open(root) as store:
        assert [bool(find(store, "x", number)) for number in range(3)] == [True, False, True]
        assert [(scar.segment, scar.offset) for scar in store.scars] == [
            (segment.name, len(lines[0]) + len(lines[1]) + 2)
        ]
        assert [damage.kind for damage in store.verify()] == ["journal"]
        store.commit([made(store, "x", 1)])
        assert segment.read_bytes().startswith(b"\n".join(lines)), "the torn tail is cut, the rest is left"
        assert b"deadbeef" not in segment.read_bytes()
    with Store.open(root) as store:
        assert find(store, "x", 1)


# --- many at once ----------------------------------------------------------------------------------------------------


@unix
def test_four_processes_on_an_empty_store_run_each_action_once(tmp_path):
    actions, log = 25, tmp_path / "ran"
    log.touch()
    children = [spawn("race", tmp_path / "store", seed, log, actions) for seed in range(4)]
    assert [child.wait(300) for child in children] == [0] * 4
    for child in children:
        child.stdout.close()
    ran = sorted(map(int, log.read_text().split()))
    assert ran == list(range(actions))
    with Store.open(tmp_path / "store") as store:
        assert store.sequence == actions
        assert store.verify() == []
        assert [one.sequence for one in store.history()] == list(range(actions, 0, -1))
    print(f"faults: 4 processes, {actions} actions: {len(ran)} runs")
