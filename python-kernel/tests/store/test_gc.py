"""What garbage collection takes away, what it leaves, and what a store is after it was broken off anywhere."""

from __future__ import annotations

import hashlib
import os
import random
import time
from pathlib import Path

import pytest
from store_making import content_of, fast_folder, find, kept, made, plan, read
from test_store_faults import Faulty, spawn, unix

from stageloom.model.values import canonical_bytes, digest
from stageloom.store import store as module
from stageloom.store.errors import NotStoredError, StoreError, StoreReadOnlyError
from stageloom.store.files import Files
from stageloom.store.gc import Policy
from stageloom.store.locks import OpenFile
from stageloom.store.store import Store
from stageloom.store.sweep import Sweep

NOW = Policy(grace=0)


def files_below(root: Path) -> set[str]:
    """All files of objects and provenance."""
    kinds = ("derivations", "records", "trees", "runs", "snapshots", "sources", "damaged")
    return {str(path.relative_to(root)) for kind in kinds for path in (root / kind).rglob("*") if path.is_file()}


def collect(root: Path, policy: Policy = NOW, *, delete: bool = True):
    """Collect as another process would."""
    with Store.open(root) as store:
        return store.gc(policy, delete=delete)


def test_a_dry_run_says_what_would_go_and_takes_nothing(tmp_path):
    with Store.open(tmp_path) as store:
        found = store.commit([made(store, "a", number) for number in range(4)])
    before = files_below(tmp_path)
    told = collect(tmp_path, Policy([found[1].rref], grace=0), delete=False)
    assert [one.rref for one in told.victims] == [str(found[number].rref) for number in (0, 2, 3)]
    assert told.freed == 3 * found[0].size
    assert told.size == 4 * found[0].size
    assert (told.kept, told.in_use, told.deleted) == (1, 0, False)
    assert files_below(tmp_path) == before
    with Store.open(tmp_path) as store:
        assert store.sequence == 4
        assert store.gc(Policy([found[1].rref], grace=0), delete=True).freed == told.freed


def test_what_goes_leaves_nothing_behind_and_can_be_realized_again(tmp_path):
    with Store.open(tmp_path) as store:
        store.commit([made(store, "keep", warnings=["w"])])
        [found] = find(store, "keep")
    before = files_below(tmp_path)
    with Store.open(tmp_path) as store:
        store.commit([made(store, "go", number) for number in range(3)])
        new_run = store.run_folder("20260101-000000-ff", "go")
        (new_run / "log.txt").write_text("…")
    told = collect(tmp_path, Policy([found.rref], grace=0))
    assert len(told.victims) == 3
    assert files_below(tmp_path) == before
    with Store.open(tmp_path) as store:
        assert store.verify() == []
        assert find(store, "go", 1) == []
        assert store.get(store.commit([made(store, "go", 1)])[0].rref) is not None
        assert read(store, find(store, "go", 1)[0]) == content_of("go", 1)
        assert store.verify() == []
    (tmp_path / "index.sqlite").unlink()
    with Store.open(tmp_path) as store:
        assert [bool(find(store, "go", number)) for number in range(3)] == [False, True, False]


def test_what_a_kept_realization_was_made_from_stays(tmp_path):
    with Store.open(tmp_path) as store:
        [low] = store.commit([made(store, "low")])
        [high] = store.commit([made(store, "high", context={low.dref: (low.rref,)})])
        store.commit([made(store, "other")])
    told = collect(tmp_path, Policy([high.rref], grace=0))
    assert [one.stage for one in told.victims] == ["other"]
    with Store.open(tmp_path) as store:
        assert store.verify() == []
        assert read(store, find(store, "low")[0]) == content_of("low", 0)


def test_pins_of_any_workspace_stay(tmp_path):
    with Store.open(tmp_path) as store:
        found = store.commit([made(store, "a", number) for number in range(3)])
        store.pin(found[2].rref, "/somewhere/else")
    assert collect(tmp_path).kept == 1
    with Store.open(tmp_path) as store:
        assert [bool(find(store, "a", number)) for number in range(3)] == [False, False, True]
        store.unpin(found[2].rref, "/somewhere/else")
    assert collect(tmp_path).kept == 0


def test_age_spares_what_is_young(tmp_path):
    now = [1_000_000.0]
    with Store.open(tmp_path, clock=lambda: now[0]) as store:
        store.commit([made(store, "old")])
        now[0] += 1000
        store.commit([made(store, "young")])
        store.let_go()
        told = store.gc(Policy(older_than=500, grace=0), delete=True)
        assert [one.stage for one in told.victims] == ["old"]
        now[0] -= 5000  # the clock jumps back: nothing is old
        assert not store.gc(Policy(older_than=500, grace=0), delete=True).victims


def test_a_budget_takes_the_oldest_and_spares_what_younger_ones_were_made_from(tmp_path):
    with Store.open(tmp_path) as store:
        first = store.commit([made(store, "a", number) for number in range(4)])
        [above] = store.commit([made(store, "above", context={first[1].dref: (first[1].rref,)})])
    each = first[0].size
    told = collect(tmp_path, Policy(max_size=3 * each, grace=0), delete=False)
    assert [one.rref for one in told.victims] == [str(one.rref) for one in (first[0], first[2])]
    assert told.freed == 2 * each
    told = collect(tmp_path, Policy(max_size=1 * each, grace=0), delete=False)
    assert [one.rref for one in told.victims] == [str(one.rref) for one in (first[0], first[2], first[3], above)]
    assert not collect(tmp_path, Policy(max_size=5 * each, grace=0)).victims


def test_a_tree_that_several_have_goes_with_the_last(tmp_path):
    with Store.open(tmp_path) as store:
        [ran] = store.commit([made(store, "ran")])
        [cut] = store.commit([kept(plan("cut"), ran.tree, "x")])
    told = collect(tmp_path, Policy([cut.rref], grace=0))
    assert [one.rref for one in told.victims] == [str(ran.rref)]
    assert told.freed == 0
    with Store.open(tmp_path) as store:
        assert read(store, cut) == content_of("ran", 0)
    assert collect(tmp_path).freed == ran.size


def test_an_invalidation_is_not_forgotten_with_what_it_hid(tmp_path):
    """Else an older copy of the same work would be taken for what was to be done anew."""
    with Store.open(tmp_path) as store:
        [old] = store.commit([made(store, "a")])
        [other] = store.commit([kept(plan("b"), old.tree, find(store, "a")[0].action)])
        store.invalidate([other.rref])
        assert store.find_action(old.action) is None
    collect(tmp_path, Policy([old.rref], grace=0))
    for _ in range(2):
        with Store.open(tmp_path) as store:
            assert store.get(other.rref) is None
            assert store.find_action(old.action) is None
        (tmp_path / "index.sqlite").unlink()
    with Store.open(tmp_path) as store:
        store.undo()
        found = store.find_action(old.action)
        assert found is not None
        assert found.rref == old.rref


def test_what_nothing_refers_to_goes_when_its_time_is_over(tmp_path):
    with Store.open(tmp_path) as store:
        store.commit([made(store, "a")])
        [found] = find(store, "a")
        store.put_snapshot("ab" * 16, b'{"files":{"x.py":"' + store.put_source(b"x = 1").encode() + b'"}}')
        (store.run_folder("20260101-000000-aa", "failed") / "log.txt").write_text("no")
        (tmp_path / "damaged" / "thing").write_text("")
        lock = store.lock("held")
        Path(tmp_path, "locks", "0" * 32 + ".lock").write_text("of the dead")
        keep = Policy([found.rref])
        with Store.open(tmp_path) as other:
            other.gc(keep, delete=True)
        assert (tmp_path / "damaged" / "thing").exists()
        assert sorted(path.name for path in (tmp_path / "locks").iterdir())[2:] == ["store.lock"]
        lock.release()
    told = collect(tmp_path, Policy([found.rref], grace=0))
    assert told.leftovers.count == 4
    left = {path.split(os.sep)[0] for path in files_below(tmp_path)}
    assert left == {"derivations", "records", "trees"}


def test_sources_and_logs_of_what_stays_stay(tmp_path):
    with Store.open(tmp_path) as store:
        name = store.put_source(b"y = 2")
        store.put_snapshot("cd" * 16, b'{"files":{"y.py":"' + name.encode() + b'"}}')
        [found] = store.commit([made(store, "a", snapshot="cd" * 16)])
    collect(tmp_path, Policy([found.rref], grace=0))
    with Store.open(tmp_path) as store:
        assert store.source(name) == b"y = 2"
        assert b"y.py" in store.snapshot("cd" * 16)
        assert list((tmp_path / "runs").rglob("stage.json"))
    collect(tmp_path)
    assert files_below(tmp_path) == set()


def test_what_another_process_has_placed_opened_or_is_about_to_write_stays(tmp_path):
    with Store.open(tmp_path) as store:
        store.commit([made(store, "read"), made(store, "go")])
    with Store.open(tmp_path) as running:
        placed = running.place(made(running, "placed"))
        [opened] = find(running, "read")
        running.tree(opened.tree)
        scratch = running.scratch()
        (scratch / "half").write_text("so far")
        with Store.open(tmp_path) as other:
            told = other.gc(NOW, delete=True)
            assert [one.stage for one in told.victims] == ["go"]
            assert told.in_use == 1
        assert read(running, opened) == content_of("read", 0)
        [settled] = running.settle([placed])
        assert read(running, settled) == content_of("placed", 0)
        assert (scratch / "half").exists()
        assert running.verify() == []
        running.let_go()
        assert len(collect(tmp_path).victims) == 2
        with pytest.raises(NotStoredError):
            running.tree(opened.tree)


def test_what_a_dead_process_placed_goes(tmp_path):
    with Store.open(tmp_path) as store:
        store.commit([made(store, "a")])
        [found] = find(store, "a")
    child = spawn("place", tmp_path, "dead")
    assert child.stdout is not None
    while not child.stdout.readline().startswith("placed"):
        pass
    child.kill()
    child.stdout.read()
    child.wait()
    child.stdout.close()
    with Store.open(tmp_path) as store:
        names = {one.rref for one in store.history(hidden=True)} - {found.rref}
    told = collect(tmp_path, Policy([found.rref], grace=0))
    assert len(told.victims) == len(names)
    assert len(list((tmp_path / "records").glob("*/*"))) == 1
    assert len(list((tmp_path / "trees").glob("*/*"))) == 2


def test_a_store_opened_for_reading_collects_nothing_and_can_say_what_would_go(tmp_path):
    with Store.open(tmp_path) as store:
        store.commit([made(store, "a")])
    with Store.open(tmp_path, readonly=True) as store, pytest.raises(StoreReadOnlyError):
        store.gc(NOW, delete=True)


def test_a_damaged_line_of_the_journal_costs_nothing_that_it_named(tmp_path):
    with Store.open(tmp_path) as store:
        for number in range(3):
            store.commit([made(store, "x", number)])
    [segment] = (tmp_path / "journal").iterdir()
    lines = segment.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b'"took"', b'"tuck"')
    segment.write_bytes(b"\n".join(lines))
    before = files_below(tmp_path)
    (tmp_path / "index.sqlite").unlink()
    told = collect(tmp_path)
    assert len(told.victims) == 2
    left = files_below(tmp_path)
    assert len(left) == len(before) // 3, "the realization whose line is damaged is still there"


def test_interrupted_and_finished_by_the_next(tmp_path):
    class EnoughError(Exception):
        pass

    with Store.open(tmp_path) as store:
        store.commit([made(store, "a", number) for number in range(300)])
    for allowed in (1, 2, 3, 4):
        left = [allowed]

        def check(left=left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise EnoughError

        with Store.open(tmp_path) as store, pytest.raises(EnoughError):
            store.gc(NOW, delete=True, check=check)
        with Store.open(tmp_path) as store:
            assert store.verify() == []
    collect(tmp_path)
    assert files_below(tmp_path) == set()


# --- faults ----------------------------------------------------------------------------------------------------------


def fill(root: Path, number: int = 6) -> list[object]:
    with Store.open(root) as store:
        found = store.commit([made(store, "a", step, warnings=["w"]) for step in range(number)])
        store.commit([kept(plan("cut"), found[0].tree, "cut")])
        return [one.rref for one in found]


@pytest.mark.parametrize("name", ["EIO", "EROFS", "EMFILE", "ENOSPC", "interrupt"])
def test_a_fault_at_every_operation_loses_nothing_that_stays(name):
    import errno

    class Interrupted(BaseException):
        pass

    def fault(operation, path):
        del operation, path
        if name == "interrupt":
            raise Interrupted
        raise OSError(getattr(errno, name), name)

    def collected(root: Path, at: int) -> tuple[int, bool]:
        """Collect with a fault at one operation; return how many there were, and whether it was refused."""
        files = Faulty(-1, fault)
        store = Store.open(root, files=files)
        files.count, files.at = -1, at
        refused = False
        try:
            store.gc(Policy(rrefs[:2], grace=0), delete=True)
        except (StoreError, Interrupted):
            refused = True
        files.at, steps = -1, files.count + 1
        store.close()
        return steps, refused

    with fast_folder() as folder:
        rrefs = fill(folder / "count")
        steps, _ = collected(folder / "count", -1)
        refused = 0
        for at in range(steps):
            root = folder / str(at)
            fill(root)
            refused += collected(root, at)[1]
            with Store.open(root) as again:
                assert again.verify() == []
                for step in range(6):
                    found = find(again, "a", step)
                    assert found or step > 1
                    assert all(read(again, one) == content_of("a", step) for one in found)
            collect(root, Policy(rrefs[:2], grace=0))
            assert len(list((root / "records").glob("*/*"))) == 2
            assert len([path for path in (root / "trees").glob("*/*") if path.is_dir()]) == 2
        assert steps > 20
        assert refused > steps // 2
        print(f"faults: {name} at each of {steps} operations of a collection: {refused} refused, 0 lost")


@unix
def test_kill_9_at_random_moments_of_a_collection(tmp_path):
    kill_collections(tmp_path / "store", 40, "short")


@unix
@pytest.mark.faults
@pytest.mark.parametrize("part", range(5))
def test_kill_9_at_500_random_moments_of_a_collection(tmp_path, part):
    kill_collections(tmp_path / "store", 100, f"long{part}")


def kill_collections(root: Path, times: int, seed: str) -> None:
    chance = random.Random(seed)
    killed = finished = 0
    with Store.open(root) as store:
        [keep] = store.commit([made(store, "keep")])
    for number in range(times):
        with Store.open(root) as store:
            store.commit([made(store, f"g{number}", step) for step in range(40)])
        child = spawn("gc", root, keep.rref)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        time.sleep(chance.random() ** 3 * 0.8)
        child.kill()
        told = child.stdout.read()
        child.stdout.close()
        child.wait()
        killed, finished = killed + ("done" not in told), finished + ("done" in told)
        with Store.open(root) as store:
            assert store.verify() == []
            assert read(store, find(store, "keep")[0]) == content_of("keep", 0)
            for step in range(40):
                assert all(
                    read(store, found) == content_of(f"g{number}", step) for found in find(store, f"g{number}", step)
                )
    collect(root, Policy([keep.rref], grace=0))
    assert len(list((root / "records").glob("*/*"))) == 1
    with Store.open(root) as store:
        store.scratch()
    assert list((root / "scratch").glob("*/object-*")) == []
    print(f"faults: kill -9 in gc: {times} moments (seed {seed}), {killed} cut off, {finished} ended, 0 lost")


@unix
def test_readers_and_writers_beside_collections(tmp_path):
    """Whoever finds a realization can read it, while two processes collect all that nobody uses."""
    root = tmp_path / "store"
    Store.open(root).close()
    collectors = [spawn("gcs", root) for _ in range(2)]
    users = [spawn("use", root, seed) for seed in range(3)]
    time.sleep(4)
    for child in (*users, *collectors):
        assert child.poll() is None, child.communicate()[0]
        child.kill()
    counts = {"made": 0, "found": 0, "gone": 0, "collected": 0}
    for child in (*users, *collectors):
        out = child.communicate()[0]
        for line in out.splitlines():
            word, count = line.split()
            counts[word] += int(count)
    with Store.open(root) as store:
        assert store.verify() == []
    assert min(counts["made"], counts["found"], counts["collected"]) > 0
    print(f"faults: readers beside collections: {counts}, 0 wrong")


def damage_last_line(root: Path) -> None:
    segment = next((root / "journal").glob("*.log"))
    data = bytearray(segment.read_bytes())
    data[-5] ^= 1
    segment.write_bytes(data)


def test_a_last_line_damaged_after_it_was_read_holds_no_collection_up(tmp_path):
    with Store.open(tmp_path) as store:
        found = store.commit([made(store, "a", number) for number in range(3)])
    damage_last_line(tmp_path)
    with Store.open(tmp_path) as store:
        told = store.gc(NOW, delete=True)
        assert [one.rref for one in told.victims] == [str(one.rref) for one in found[:2]]
        assert read(store, find(store, "a", 2)[0]) == content_of("a", 2)


def test_nor_a_repair(tmp_path):
    with Store.open(tmp_path) as store:
        found = store.commit([made(store, "a", number) for number in range(3)])
    damage_last_line(tmp_path)
    with Store.open(tmp_path) as store:
        (tmp_path / "records" / found[0].rref.hash[:2] / f"{found[0].rref.hash}.json").unlink()
        repaired = store.repair(store.verify())
        assert repaired.forgotten == [str(found[0].rref)]


def test_what_a_lost_segment_of_the_journal_named_is_not_taken_for_a_leftover(tmp_path):
    with Store.open(tmp_path) as one, Store.open(tmp_path) as other:
        one.commit([made(one, "a")])
        other.commit([made(other, "b")])
    max((tmp_path / "journal").glob("*.log")).unlink()
    with Store.open(tmp_path) as store:
        assert store.gc(NOW, delete=True).leftovers.count == 0
        assert read(store, find(store, "b")[0]) == content_of("b", 0)


def break_file(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"z" * path.stat().st_size)


def test_what_was_realized_anew_since_it_was_found_damaged_is_not_repaired_away(tmp_path):
    with Store.open(tmp_path) as store:
        [found] = store.commit([made(store, "a", 1)])
        break_file(store.tree(found.tree) / "plot.txt")
        damages = store.verify()
        with Store.open(tmp_path) as other:
            other.commit([made(other, "a", 1)])
        repaired = store.repair(damages)
        assert (repaired.moved, repaired.forgotten) == ([], [])
        assert read(store, find(store, "a", 1)[0]) == content_of("a", 1)
        assert store.verify() == []


def test_what_is_realized_anew_or_collected_while_a_store_is_read_is_no_damage(tmp_path, monkeypatch):
    with Store.open(tmp_path) as store:
        found = store.commit([made(store, "a", number) for number in range(3)])
        break_file(store.tree(found[1].tree) / "plot.txt")
        read_all = module.verify

        def slowly(layout, reading, meter):
            with Store.open(tmp_path) as other:
                other.gc(Policy([found[0].rref, found[1].rref], grace=0), delete=True)
            damages = read_all(layout, reading, meter)
            with Store.open(tmp_path) as other:
                other.commit([made(other, "a", 1)])
            return damages

        monkeypatch.setattr(module, "verify", slowly)
        store.let_go()
        assert store.verify() == []
        assert read(store, find(store, "a", 1)[0]) == content_of("a", 1)


def test_a_store_is_read_where_desktops_left_files_and_empty_folders_were_not_copied(tmp_path):
    with Store.open(tmp_path) as store:
        [found] = store.commit([made(store, "a")])
    for name in ("records", "derivations", "trees"):
        (tmp_path / name / ".DS_Store").write_bytes(b"")
    for name in ("snapshots", "sources", "damaged"):
        (tmp_path / name).rmdir()
    with Store.open(tmp_path) as store:
        assert store.verify() == []
        assert store.gc(Policy([found.rref], grace=0), delete=True).kept == 1
        assert store.put_source(b"x")


def test_old_sources_of_what_is_made_while_the_sweep_goes_on_stay(tmp_path, monkeypatch):
    facts = {"entry": "p.py", "folders": [""], "files": {"p.py": hashlib.sha256(b"x = 1").hexdigest()}}
    identity = digest("snapshot/1", facts)

    def keep(store: Store) -> None:
        store.put_source(b"x = 1")
        store.put_snapshot(identity, canonical_bytes({**facts, "root": ""}))

    with Store.open(tmp_path) as store:
        keep(store)
    for path in (*tmp_path.glob("sources/*/*"), *tmp_path.glob("snapshots/*/*")):
        os.utime(path, (1, 1))
    objects, made_one = Sweep._objects, []

    def slowly(self, folder):
        if folder == "derivations" and not made_one:
            with Store.open(tmp_path) as other:
                keep(other)
                made_one.extend(other.commit([made(other, "a", snapshot=identity)]))
        return objects(self, folder)

    monkeypatch.setattr(Sweep, "_objects", slowly)
    told = collect(tmp_path, Policy())
    assert made_one
    assert told.leftovers.count == 0
    with Store.open(tmp_path) as store:
        assert store.source(facts["files"]["p.py"]) == b"x = 1"
        assert store.snapshot(identity)


@unix
def test_a_lease_found_before_it_was_locked_is_not_taken_for_one_of_the_dead(tmp_path, monkeypatch):
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        take, swept = OpenFile.take, []

        def late(self, **more):
            if self.path.endswith("lease") and not swept:
                swept.append(self.path)
                other.scratch()  # which sweeps
            return take(self, **more)

        monkeypatch.setattr(OpenFile, "take", late)
        placed = store.place(made(store, "a"))
        assert swept
        other.gc(NOW, delete=True)
        [found] = store.settle([placed])
        assert read(store, found) == content_of("a", 0)


def test_what_much_was_made_from_goes_after_the_oldest_of_that(tmp_path):
    with Store.open(tmp_path) as store:
        [data] = store.commit([made(store, "data")])
        tries = [store.commit([made(store, "try", n, context={data.dref: (data.rref,)})])[0] for n in range(4)]
        everything = store.size
    told = collect(tmp_path, Policy(max_size=everything - 1, grace=0))
    assert [one.rref for one in told.victims] == [str(tries[0].rref)]
    told = collect(tmp_path, Policy(max_size=0, grace=0))
    assert len(told.victims) == 4


def test_what_faces_show_of_a_realization_goes_with_it(tmp_path):
    from stageloom.pylightnix.folders import Folders

    with Store.open(tmp_path) as store:
        [go, stay] = store.commit([made(store, "a", number) for number in range(2)])
        gone, stays = Folders(store).realization(go.rref), Folders(store).realization(stay.rref)
    told = collect(tmp_path, Policy([stay.rref], grace=0))
    assert (told.freed, told.leftovers.count) == (go.size, 0)
    assert not gone.exists()
    assert (stays / "plot.txt").read_bytes() == content_of("a", 1)["plot.txt"]
    with Store.open(tmp_path) as store:
        [again] = store.commit([made(store, "a", 0)])
        assert Folders(store).realization(again.rref) == gone
        assert (gone / "plot.txt").read_bytes() == content_of("a", 0)["plot.txt"]


def test_the_facts_of_a_run_are_kept_where_a_collection_begins_as_they_are_written(tmp_path):
    class Slow(Files):
        def before(self, operation: str, path: str) -> None:
            if operation == "rename" and path.endswith("stage.json"):
                collect(tmp_path)

    with Store.open(tmp_path, files=Slow()) as store:
        [found] = store.commit([made(store, "a", host="here")])
        assert (store.run_folder(found.run, found.stage) / "stage.json").is_file()
