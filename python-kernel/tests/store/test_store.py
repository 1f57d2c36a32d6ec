"""The store from the outside: what is committed is found, opened, hidden and shown again."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time

import pytest
from store_making import content_of, find, kept, made, plan, read, write

from forking import ended, fork
from stageloom.model.objects import context_key
from stageloom.model.references import DRef, RRef
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.disk import kind_from
from stageloom.store.errors import (
    BadNameError,
    DamagedError,
    LockedError,
    MissingFileError,
    NotStoredError,
    StoreError,
    StoreFormatError,
    StoreMissingError,
    StoreReadOnlyError,
)
from stageloom.store.journal import encode
from stageloom.store.store import Store, lock_key, new_run
from stageloom.store.trees import LONGEST_PATH


@pytest.fixture
def root(tmp_path):
    return tmp_path / ".stageloom" / "store"


@pytest.fixture
def store(root):
    with Store.open(root) as opened:
        yield opened


def test_what_is_committed_is_found_by_plan_by_action_and_after_reopening(root, store):
    new = made(store, "anneal", 3, warnings=["slow"])
    [found] = store.commit([new])
    assert find(store, "anneal", 3) == [found]
    assert store.find_action(new.action) == found
    assert (found.stage, found.path, found.sequence, found.visible, found.kept) == (
        "anneal",
        "pipeline.py",
        1,
        True,
        False,
    )
    assert read(store, found) == content_of("anneal", 3)
    assert found.size == sum(map(len, content_of("anneal", 3).values())) == store.size
    assert store.derivation(found.dref) == plan("anneal", number=3)
    assert store.record(found.rref).tree == found.tree
    assert json.loads((store.run_folder(found.run, "anneal") / "stage.json").read_text())["warnings"] == ["slow"]
    assert not new.scratch.exists()
    assert store.history("pipeline.py", "anneal") == [found]
    assert store.history("other.py") == []
    store.close()
    with Store.open(root) as again:
        assert find(again, "anneal", 3) == [found]
        assert read(again, found) == content_of("anneal", 3)
        assert again.verify() == []


def test_a_context_tells_realizations_apart_and_is_kept_in_the_record(store):
    [first, second] = store.commit([made(store, "params", 0), made(store, "params", 0, content={"x": b"other"})])
    assert find(store, "params") == [first, second], "the latest is last"
    contexts = [{one.dref: (one.rref,)} for one in (first, second)]
    [down] = store.commit([made(store, "anneal", context=contexts[0])])
    assert find(store, "anneal", context=contexts[0]) == [down]
    assert find(store, "anneal", context=contexts[1]) == []
    assert store.record(down.rref).context == contexts[0]
    keys = [(down.dref.hash, context_key(context)) for context in contexts]
    assert store.find_many(keys) == [[down], []]


def test_trees_are_read_only_stored_once_and_hold_what_was_written_alone(root, store):
    content = {"a.txt": b"same", "deep/er/b.bin": b"\0" * 1000}
    new = made(store, "one", content=content)
    (new.scratch / "empty" / "folder").mkdir(parents=True)
    [one, two] = store.commit([new, made(store, "two", content=content)])
    [three] = store.commit([made(store, "three", content=content)])
    assert one.tree == two.tree == three.tree
    assert store.size == one.size
    folder = store.tree(one.tree)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
        "a.txt",
        "deep",
        "deep/er",
        "deep/er/b.bin",
    ]
    assert stat.S_IMODE((folder / "a.txt").stat().st_mode) == 0o444
    assert {stat.S_IMODE(at.stat().st_mode) for at in (folder, folder / "deep", folder / "deep/er")} == {0o555}
    assert len(list((root / "trees").glob("*/*.json"))) == 1


def test_a_tree_may_be_empty(store):
    [found] = store.commit([made(store, "nothing", content={})])
    assert read(store, found) == {}
    assert store.commit([made(store, "nothing", content={})])[0].tree == found.tree
    assert store.verify() == []


def test_files_that_were_not_told_or_not_hashed_are_hashed(store):
    scratch = store.scratch()
    told = write(scratch, {"a": b"1", "b": b"22"})
    (scratch / "c").write_bytes(b"333")
    untold = [("a", 1, ""), ("b", 7, told[1][2])]  # no hash, and a size that is not the file's
    [found] = store.commit([NewRealization(plan("x"), {}, "act", Provenance("x", "p.py", "r"), scratch, untold)])
    assert read(store, found) == {"a": b"1", "b": b"22", "c": b"333"}
    assert store.verify() == []


def test_a_promised_file_that_is_missing_is_named(store):
    new = made(store, "x", content={"there": b""})
    new = NewRealization(new.derivation, {}, "a", new.provenance, new.scratch, [*new.files, ("plot.png", 3, "")])
    with pytest.raises(MissingFileError, match=r"plot\.png"):
        store.commit([new])
    assert store.sequence == 0


@pytest.mark.parametrize(
    "name", ["a\\b", "line\nbreak", "tab\t", "CON", "sub/nul.txt", "lpt1", "x" * (LONGEST_PATH + 1)]
)
def test_names_that_no_tree_can_have_are_refused(store, name):
    new = made(store, "x", content={name: b"1"} if len(name) < 200 else {"/".join(["d" * 50] * 3): b"1"})
    with pytest.raises(BadNameError):
        store.commit([new])
    assert store.history(hidden=True) == []


def test_a_link_in_scratch_is_refused(store, tmp_path):
    new = made(store, "x")
    (new.scratch / "link").symlink_to(tmp_path)
    with pytest.raises(BadNameError, match="link"):
        store.commit([new])


def test_early_cutoff_points_at_the_old_tree(store):
    [old] = store.commit([made(store, "plot")])
    [new] = store.commit([kept(plan("plot", edited=1), old.tree, old.action)])
    assert (new.tree, new.size, new.kept) == (old.tree, old.size, True)
    assert new.rref != old.rref
    assert store.find(new.dref, new.context_key) == [new]
    assert store.find_action(old.action) == new
    with pytest.raises(NotStoredError):
        store.commit([kept(plan("plot", edited=2), "0" * 32, "b")])


def test_invalidating_hides_and_undo_shows_again(store):
    a, b = store.commit([made(store, "a"), made(store, "b")])
    sequence = store.invalidate([a.rref])
    assert (find(store, "a"), find(store, "b")) == ([], [b])
    assert [one.rref for one in store.history()] == [b.rref]
    assert {(one.rref, one.visible) for one in store.history(hidden=True)} == {(a.rref, False), (b.rref, True)}
    assert store.invalidate([a.rref]) == 0, "nothing visible was named"
    assert store.undo() == (sequence, [a.rref])
    assert find(store, "a") == [a]
    assert store.undo() == (0, [])
    assert store.undo(sequence) == (0, []), "it does not stand any more"
    assert store.undo(a.sequence) == (0, []), "that is no invalidation"


def test_an_invalidated_stage_that_ran_again_is_visible_and_stays_so_when_undone(store):
    [first] = store.commit([made(store, "a")])
    store.invalidate([first.rref])
    [again] = store.commit([made(store, "a")])
    assert again.rref == first.rref
    assert again.sequence == 3
    assert find(store, "a") == [again]
    assert store.undo() == (2, [])
    assert find(store, "a") == [again]


def test_undo_goes_back_step_by_step(store):
    a, b = store.commit([made(store, "a"), made(store, "b")])
    first, second = store.invalidate([a.rref]), store.invalidate([b.rref])
    assert store.undo(first) == (first, [a.rref])
    assert (find(store, "a"), find(store, "b")) == ([a], [])
    assert store.undo() == (second, [b.rref])


def test_invalidated_work_is_not_found_by_its_action_in_another_context(store):
    [old] = store.commit([made(store, "plot")])
    [copy] = store.commit([kept(plan("plot", edited=1), old.tree, old.action)])
    sequence = store.invalidate([copy.rref])
    assert store.find_action(old.action) is None, "else invalidating would have no effect"
    assert find(store, "plot") == [old], "its own plan is untouched"
    store.undo(sequence)
    assert store.find_action(old.action) == copy
    store.invalidate([copy.rref])
    [anew] = store.commit([made(store, "plot")])
    assert store.find_action(old.action) == anew


def test_pins_belong_to_a_workspace(root, store):
    [found] = store.commit([made(store, "a")])
    store.pin(found.rref, "/w/one")
    with Store.open(root, workspace="/w/one") as one, Store.open(root, workspace="/w/two") as two:
        assert [find(one, "a")[0].pinned, find(two, "a")[0].pinned] == [True, False]
        store.unpin(found.rref, "/w/one")
        assert not find(one, "a")[0].pinned


def test_another_opening_sees_what_happens(root, store):
    with Store.open(root) as other:
        assert other.sequence == 0
        [found] = store.commit([made(store, "a")])
        assert other.sequence == 1
        assert find(other, "a") == [found]
        other.invalidate([found.rref])
        assert find(store, "a") == []
        other.commit([made(other, "b")])
        assert store.sequence == 3
        assert len(list((root / "journal").iterdir())) == 2
    store.close()
    for _ in range(3):
        with Store.open(root) as later:
            later.commit([made(later, "c")])
    assert len(list((root / "journal").iterdir())) == 2, "segments are continued, not added"


def test_threads_share_a_store(store):
    def work(number: int) -> None:
        for step in range(5):
            [found] = store.commit([made(store, f"t{number}", step)])
            assert find(store, f"t{number}", step) == [found]
            assert read(store, found) == content_of(f"t{number}", step)

    failures = []
    threads = [threading.Thread(target=lambda n=n: _noting(failures, work, n)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.sequence == 30
    assert store.verify() == []


def _noting(failures, work, number):
    try:
        work(number)
    except BaseException as error:
        failures.append(error)
        raise


# --- the folder ------------------------------------------------------------------------------------------------------


def test_the_store_keeps_itself_out_of_version_control(root, store):
    assert (root.parent / ".gitignore").read_text() == "*\n"
    assert json.loads((root / "format.json").read_text())["format"] == 1


def test_a_newer_format_is_refused_with_its_number(root, store):
    store.close()
    os.chmod(root / "format.json", 0o644)
    (root / "format.json").write_text('{"format": 7}')
    with pytest.raises(StoreFormatError, match=r"format 7.*Update Stageloom"):
        Store.open(root)


@pytest.mark.parametrize("how", ["flipped", "cut", "emptied", "not text"])
def test_a_damaged_format_follows_from_the_journal(root, store, how):
    [found] = store.commit([made(store, "a")])
    store.close()
    right = (root / "format.json").read_text()
    spoiled = {"flipped": right.replace("1", "3", 1), "cut": right[:6], "emptied": "", "not text": "\0\xff"}[how]
    for readonly in (True, False):
        os.chmod(root / "format.json", 0o644)
        (root / "format.json").write_text(spoiled, encoding="latin-1")
        with Store.open(root, readonly=readonly) as opened:
            assert find(opened, "a") == [found]
            assert read(opened, found) == content_of("a", 0)
    assert (root / "format.json").read_text() == right


def test_a_damaged_format_of_a_newer_store_is_not_taken_for_this_one(root, store):
    store.commit([made(store, "a")])
    store.close()
    newer = encode({"seq": 0, "is": "segment", "id": "ab", "format": 2})
    (root / "journal" / "0002.log").write_bytes(newer)
    os.chmod(root / "format.json", 0o644)
    (root / "format.json").write_text("")
    with pytest.raises(StoreFormatError, match=r"format 2.*Update Stageloom"):
        Store.open(root)
    for segment in (root / "journal").iterdir():
        segment.write_bytes(b"nothing of ours\n")
    with pytest.raises(StoreFormatError, match=r"damaged, and so is the journal"):
        Store.open(root)
    for segment in (root / "journal").iterdir():
        segment.unlink()
    with Store.open(root) as opened:
        assert all(read(opened, one) == content_of("a", 0) for one in opened.history())
        opened.commit([made(opened, "a")])


def test_a_folder_of_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(StoreFormatError, match=r"thesis\.tex"):
        Store.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(StoreError):
        Store.open(tmp_path / "thesis.tex")


def test_a_store_that_is_not_there_is_not_made_unless_asked(root):
    for how in ({"create": False}, {"readonly": True}):
        with pytest.raises(StoreMissingError):
            Store.open(root, **how)
    assert not root.exists()


def test_a_removed_store_says_so(root, store):
    store.commit([made(store, "a")])
    shutil.rmtree(root)
    with pytest.raises(StoreMissingError, match="removed"):
        find(store, "a")


def test_reading_only_changes_nothing(root, store):
    [found] = store.commit([made(store, "a")])
    store.close()
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    with Store.open(root, readonly=True) as reader:
        assert reader.readonly
        assert reader.warnings == ()
        assert find(reader, "a") == [found]
        assert read(reader, found) == content_of("a", 0)
        assert reader.verify() == []
        for write_it in (
            reader.scratch,
            lambda: reader.invalidate([found.rref]),
            lambda: reader.commit([]),
            reader.undo,
        ):
            with pytest.raises(StoreReadOnlyError, match="opened for reading"):
                write_it()
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_on_a_network_the_index_stays_on_this_host(root, tmp_path, monkeypatch):
    monkeypatch.setattr("stageloom.store.store.network_kind", lambda path: "nfs4")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    for number in range(2):
        with Store.open(root) as store:
            assert "one host at a time" in store.warnings[0]
            assert len(store.history()) == number
            store.commit([made(store, "a", number)])
    assert not (root / "index.sqlite").exists()
    assert len(list((tmp_path / "cache" / "stageloom" / "index").glob("*.sqlite"))) == 1


def test_the_deepest_mount_says_what_a_folder_is_on():
    mounts = "/dev/sda / ext4 rw 0 0\nhost:/h /home nfs4 rw 0 0\n/dev/sdb /home/me/my\\040disk ext4 rw 0 0\n"
    kinds = [kind_from(mounts, path) for path in ("/srv", "/home/me/p", "/homeless", "/home/me/my disk/p")]
    assert kinds == ["", "nfs4", "", ""]


def test_sources_are_kept_by_content(store):
    names = store.put_sources([b"x = 1\n", b"y = 2\n", b"x = 1\n"])
    assert names[0] == names[2] == store.put_source(b"x = 1\n")
    assert store.source(names[1]) == b"y = 2\n"
    with pytest.raises(NotStoredError):
        store.source("0" * 64)


def test_runs_have_folders_whatever_stages_are_called(store):
    run = new_run(1_793_000_000)
    names = ["plot", "Plot", "con", "a/b", "a\\b", "x" * 300, "été", "..", ".", "a b", "a_b"]
    folders = [store.run_folder(run, name) for name in names]
    assert len({str(folder).lower() for folder in folders}) == len(names)
    assert {folder.parent.parent.name for folder in folders} == {run[:6]}
    assert all(folder.is_dir() for folder in folders)


# --- damage ----------------------------------------------------------------------------------------------------------


def _spoil(path, how):
    was = path.stat()
    data = path.read_bytes()
    os.chmod(path.parent, 0o755)
    if how == "delete":
        path.unlink()
        return
    os.chmod(path, 0o644)
    path.write_bytes({"flip": bytes([data[0] ^ 1]) + data[1:], "cut": data[:-1], "grow": data + b"!"}[how])
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))  # even where the time of change was put back


@pytest.mark.parametrize("how", ["flip", "cut", "grow", "delete"])
def test_a_damaged_file_is_named_not_found_again_and_healed_by_realizing(root, store, how):
    [found] = store.commit([made(store, "a")])
    bad = store.tree(found.tree) / "plot.txt"
    _spoil(bad, how)
    with pytest.raises(DamagedError, match=r"plot\.txt") as caught:
        store.tree(found.tree)
    assert caught.value.path == str(bad)
    assert "Realize its stage again" in caught.value.advice
    assert list(store.check([found.tree])) == [found.tree]
    assert find(store, "a") == []
    assert store.find_action(found.action) is None
    assert [damage.path for damage in store.verify()] == [str(bad)]
    [healed] = store.commit([made(store, "a")])
    assert find(store, "a") == [healed]
    assert healed.tree == found.tree
    assert read(store, healed) == content_of("a", 0)
    assert store.verify() == []
    assert len(list((root / "damaged").iterdir())) == 1


def test_a_file_put_into_a_tree_is_noticed_but_not_what_a_desktop_drops(store):
    [found] = store.commit([made(store, "a")])
    folder = store.tree(found.tree)
    os.chmod(folder, 0o755)
    (folder / ".DS_Store").write_bytes(b"")
    assert store.tree(found.tree) == folder
    (folder / "extra.txt").write_bytes(b"")
    with pytest.raises(DamagedError, match=r"extra\.txt"):
        store.tree(found.tree)


def test_a_lost_manifest_follows_from_the_files(root, store):
    [found] = store.commit([made(store, "a")])
    [manifest] = (root / "trees").glob("*/*.json")
    data = manifest.read_bytes()
    for spoil in (manifest.unlink, lambda: _spoil(manifest, "flip")):
        spoil()
        assert read(store, found) == content_of("a", 0)
        assert manifest.read_bytes() == data
    assert store.verify() == []


@pytest.mark.parametrize("kind", ["records", "derivations"])
def test_a_damaged_record_or_plan_is_healed_by_the_action_alone(root, store, kind):
    [found] = store.commit([made(store, "a")])
    [path] = (root / kind).glob("*/*.json")
    _spoil(path, "flip")
    with pytest.raises(DamagedError):
        store.record(found.rref) if kind == "records" else store.derivation(found.dref)
    assert find(store, "a") == []
    [healed] = store.commit([kept(plan("a", number=0), store.find_action(found.action).tree, found.action)])
    assert find(store, "a") == [healed]
    assert store.verify() == []


def test_the_index_can_be_deleted_or_be_garbage_at_any_time(root, store):
    a, b = store.commit([made(store, "a"), made(store, "b")])
    store.invalidate([b.rref])
    want = (store.history(hidden=True), store.sequence)
    outcomes = 0
    store.close()
    index = root / "index.sqlite"
    for spoil in (
        index.unlink,
        lambda: index.write_bytes(b""),
        lambda: index.write_bytes(b"not a database" * 1000),
        lambda: index.write_bytes(index.read_bytes()[:5000]),
        lambda: os.truncate(index, index.stat().st_size - 4096),
    ):
        for while_open in (True, False):
            Store.open(root).close()
            if while_open:
                with Store.open(root) as opened:
                    spoil()
                    assert (opened.history(hidden=True), opened.sequence) == want
            else:
                spoil()
            with Store.open(root) as opened:
                assert (opened.history(hidden=True), opened.sequence) == want
                assert find(opened, "a") == [a]
            outcomes += 1
    print(f"faults: index lost, emptied or cut {outcomes} times: rebuilt each time")


# --- locks and scratch -----------------------------------------------------------------------------------------------


def test_a_lock_excludes_other_threads_and_openings_until_released(root, store):
    key = lock_key(DRef("0" * 32, "x"), "1" * 32)
    with Store.open(root) as other:
        with store.lock(key):
            with pytest.raises(LockedError, match=str(os.getpid())):
                other.lock(key, wait=0)
            began = time.monotonic()
            with pytest.raises(LockedError):
                store.lock(key, wait=0.05)
            assert 0.04 < time.monotonic() - began < 30
            other.lock(lock_key(DRef("0" * 32, "x"), "1" * 32, 1), wait=0).release()
        other.lock(key, wait=0).release()
    assert [path.name for path in (root / "locks").iterdir()] == ["store.lock"]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and fork")
def test_a_lock_is_free_when_its_holder_is_killed_though_a_child_of_it_lives(root, store):
    code = (
        "import os, sys, time\n"
        "from stageloom.store.store import Store\n"
        "store = Store.open(sys.argv[1]); held = store.lock('k')\n"
        "store.commit([])\n"
        "child = os.fork()\n"
        "if child: print(child, flush=True)\n"
        "time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True)
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(LockedError, match=str(holder.pid)):
            store.lock("k", wait=0)
        holder.kill()
        holder.wait()
        store.lock("k", wait=1).release()
    finally:
        os.kill(child, 9)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_is_told_to_open_its_own(root, store):
    def use() -> int:
        try:
            find(store, "a")
        except StoreError as error:
            store.close()
            with Store.open(root) as own:
                own.commit([made(own, "child")])
            return 7 if "forked" in str(error) else 8
        return 9

    assert ended(fork(use)) == 7
    assert len(find(store, "child")) == 1


def test_what_the_dead_left_in_scratch_goes_after_some_days(root, store):
    mine = store.scratch()
    code = (
        "import os, sys\nfrom stageloom.store.store import Store\n"
        "s = Store.open(sys.argv[1]); print(s.scratch(), s.scratch()); s._scratch\n"
        "open(s._scratch.path(), 'w').close(); sys.stdout.flush(); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=False)
    old, young = done.stdout.split()
    (root / "scratch" / "x").mkdir()
    os.utime(old, (1, 1))
    with Store.open(root) as later:
        later.scratch()
        assert mine.exists()
        assert not os.path.exists(old)
        assert os.path.exists(young)
        assert [name for name in os.listdir(os.path.dirname(young)) if name.startswith("object")] == []


def test_references_in_found_are_the_records_own(store):
    [found] = store.commit([made(store, "name-with.dots_and+more", 5)])
    assert RRef.parse(str(found.rref)) == found.rref == store.record(found.rref).rref
    assert store.get(found.rref) == found
    assert store.get(RRef("0" * 32, "1" * 32, "x")) is None
