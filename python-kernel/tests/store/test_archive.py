# ruff: noqa: PT017  # either outcome is right here: the tests say what each must look like
"""Archives: what they carry, and that nothing else comes in."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_making import content_of, fast_folder, find, kept, made, plan, read
from test_store_faults import Faulty, Mount, spawn, unix

from stageloom.model.objects import Record
from stageloom.model.values import canonical_bytes
from stageloom.store.errors import DamagedError, DiskFullError, NotStoredError, StoreError
from stageloom.store.gc import Policy
from stageloom.store.parcel import RefusedError, object_name
from stageloom.store.store import Store
from stageloom.store.sweep import Leftovers, Sweep
from stageloom.store.trees import Manifest, TreeFile


def state(root: Path) -> tuple[int, set[str]]:
    """What a store holds: its sequence, and all files of it that are objects."""
    kinds = ("derivations", "records", "trees", "runs", "snapshots", "sources")
    with Store.open(root) as store:
        sequence = store.sequence
    return sequence, {str(path) for kind in kinds for path in (root / kind).rglob("*") if path.is_file()}


def packed(folder: Path) -> tuple[Path, list[object]]:
    """An archive of one realization that was made from another, with sources and logs."""
    with Store.open(folder / "from") as store:
        snapshot = {"entry": "p.py", "folders": [""], "files": {"p.py": store.put_source(b"x = 1\n")}}
        from stageloom.model.values import digest

        identity = digest("snapshot/1", snapshot)
        store.put_snapshot(
            identity, canonical_bytes({**snapshot, "id": identity, "root": "/home/someone", "format": 1})
        )
        [low] = store.commit([made(store, "low", 1)])
        [high] = store.commit([made(store, "high", 2, context={low.dref: (low.rref,)}, snapshot=identity, host="here")])
        (store.run_folder(high.run, high.stage) / "log.txt").write_text("as it went\n")
        store.pack([high.rref], folder / "a.zip")
    return folder / "a.zip", [low.rref, high.rref]


def test_a_realization_travels_with_all_that_it_was_made_from(tmp_path):
    archive, rrefs = packed(tmp_path)
    with Store.open(tmp_path / "to") as store:
        roots, received = store.unpack(archive)
        assert roots == rrefs[1:]
        assert list(received.added) == rrefs
        [high] = [one for one in store.history() if one.rref == rrefs[1]]
        assert read(store, high) == content_of("high", 2)
        assert read(store, find(store, "low", 1)[0]) == content_of("low", 1)
        assert store.verify() == []
        folder = store.run_folder(high.run, high.stage)
        assert (folder / "log.txt").read_text() == "as it went\n"
        facts = json.loads((folder / "stage.json").read_text())
        assert facts["host"] == "here"
        snapshot = json.loads(store.snapshot(facts["snapshot"]))
        assert snapshot["root"] == "", "where the project lay is nobody's business"
        assert store.source(snapshot["files"]["p.py"]) == b"x = 1\n"
        again = store.unpack(archive)[1]
        assert (again.added, again.known, store.sequence) == ([], 1, 2)


def test_the_same_realizations_make_the_same_archive(tmp_path):
    archive, rrefs = packed(tmp_path)
    first = archive.read_bytes()
    with Store.open(tmp_path / "from") as store:
        store.pack(rrefs[1:], archive)
        assert archive.read_bytes() == first
        store.pack(rrefs[1:], archive, sources=False, logs=False)
        assert len(archive.read_bytes()) < len(first)
    with Store.open(tmp_path / "to") as store:
        assert len(store.unpack(archive)[1].added) == 2
        assert list((tmp_path / "to" / "sources").iterdir()) == []


def test_what_was_invalidated_here_is_visible_again_when_it_is_unpacked_by_name(tmp_path):
    archive, rrefs = packed(tmp_path)
    with Store.open(tmp_path / "to") as store:
        store.unpack(archive)
        store.invalidate(rrefs)
        store.unpack(archive)
        assert [store.get(rref).visible for rref in rrefs] == [False, True]


def test_two_stores_with_an_equal_tree_and_early_cutoff(tmp_path):
    with Store.open(tmp_path / "from") as store:
        [ran] = store.commit([made(store, "ran")])
        [cut] = store.commit([kept(plan("cut"), ran.tree, ran.action)])
        store.pack([ran.rref, cut.rref], tmp_path / "a.zip")
    with Store.open(tmp_path / "to") as store:
        assert len(store.unpack(tmp_path / "a.zip")[1].added) == 2
        assert store.find_action(ran.action) is not None
        assert store.verify() == []


def test_packing_what_is_not_there_or_is_damaged_leaves_no_file(tmp_path):
    _, rrefs = packed(tmp_path)
    with Store.open(tmp_path / "from") as store, Store.open(tmp_path / "empty") as empty:
        with pytest.raises(NotStoredError):
            empty.pack(rrefs, tmp_path / "b.zip")
        file = store.tree(find(store, "low", 1)[0].tree) / "plot.txt"
        file.chmod(0o644)
        file.write_bytes(b"other")
        with pytest.raises(DamagedError):
            store.pack(rrefs, tmp_path / "b.zip")
    assert [path.name for path in tmp_path.glob("*zip*")] == ["a.zip"]


def test_a_large_file_is_never_in_memory(tmp_path):
    import resource

    size = 300 << 20
    with Store.open(tmp_path / "from") as store:
        folder = store.scratch()
        with (folder / "big").open("wb") as file:
            file.truncate(size)
        from stageloom.store.commit import NewRealization, Provenance

        new = NewRealization(plan("big"), {}, "a" * 32, Provenance("big", "p.py", "r"), scratch=folder)
        [found] = store.commit([new])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        store.pack([found.rref], tmp_path / "a.zip")
        with Store.open(tmp_path / "to") as other:
            with pytest.raises(RefusedError, match="allowed"):
                other.unpack(tmp_path / "a.zip", max_size=size - 1)
            assert other.unpack(tmp_path / "a.zip", max_size=2 * size)[1].bytes == size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


# --- what is refused -------------------------------------------------------------------------------------------------


def rewrite(archive: Path, change) -> Path:
    """Return another archive, of the entries that ``change`` makes of those of ``archive``."""
    with zipfile.ZipFile(archive) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    made_of = change(entries)
    target = archive.with_name("bad.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in made_of.items() if isinstance(made_of, dict) else made_of:
            out.writestr(name, data)
    target.write_bytes(target.read_bytes().replace(b"@NUL", b"\0NUL"))
    return target


def symlink(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def with_tree(entries: dict[str, bytes], *files: tuple[str, bytes]) -> dict[str, bytes]:
    """Return an archive whose root has a tree of these files, right in all hashes."""
    entries = dict(entries)
    listed = [TreeFile(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in files]
    manifest = Manifest(tuple(sorted(listed)))
    derivation = plan("forged")
    record = Record(derivation.dref, {}, manifest.tree)
    card = {"rref": str(record.rref), "action": "a" * 32, "stage": "forged", "path": "p.py", "run": "r"}
    card |= {"at": 1.0, "took": 1.0, "snapshot": "", "beside": {}}
    for one, (_, data) in zip(listed, files, strict=True):
        entries[object_name("files", one.sha256)] = data
    entries[object_name("trees", manifest.tree)] = manifest.as_bytes()
    entries[object_name("derivations", derivation.dref.hash)] = canonical_bytes(derivation.as_json())
    entries[object_name("records", record.rref.hash)] = canonical_bytes(record.as_json())
    entries[f"realizations/{derivation.dref.hash}/{record.rref.hash}.json"] = canonical_bytes(card)
    entries["stageloom.json"] = canonical_bytes({"stageloom": 1, "roots": [str(record.rref)]})
    return entries


def longer(entries: dict[str, bytes], kind: str) -> dict[str, bytes]:
    name = next(name for name in entries if name.startswith(kind))
    return {**entries, name: entries[name] + b" "}


def without(entries: dict[str, bytes], kind: str) -> dict[str, bytes]:
    gone = next(name for name in entries if name.startswith(kind))
    return {name: data for name, data in entries.items() if name != gone}


def with_card(entries: dict[str, bytes], **told: str) -> dict[str, bytes]:
    """Return an archive of one realization whose card tells these things, as JSON."""
    entries = with_tree(entries, ("a.txt", b"x"))
    root = json.loads(entries["stageloom.json"])["roots"][0]
    name = f"realizations/{root[38:70]}/{root[5:37]}.json"
    card = {**{key: json.dumps(value) for key, value in json.loads(entries[name]).items()}, **told}
    return {**entries, name: ("{" + ",".join(f'"{key}":{text}' for key, text in card.items()) + "}").encode()}


def with_facts(entries: dict[str, bytes], facts: str) -> dict[str, bytes]:
    """Return an archive of one realization with these facts of its run, as JSON."""
    sha256 = hashlib.sha256(facts.encode()).hexdigest()
    beside = json.dumps({"stage.json": [len(facts.encode()), sha256]})
    return {**with_card(entries, beside=beside), object_name("files", sha256): facts.encode()}


def with_hash(entries: dict[str, bytes], sha256: object) -> dict[str, bytes]:
    """Return an archive of one realization whose list of files has this for a hash."""
    entries = dict(entries)
    manifest = Manifest((TreeFile("a.txt", 1, sha256),))  # type: ignore[arg-type]
    record = Record(plan("forged").dref, {}, manifest.tree)
    made_of = with_tree(entries, ("a.txt", b"x"))
    made_of[object_name("trees", manifest.tree)] = manifest.as_bytes()
    made_of[object_name("records", record.rref.hash)] = canonical_bytes(record.as_json())
    card = json.loads(next(made_of[n] for n in made_of if n.startswith(f"realizations/{record.dref.hash}")))
    card["rref"] = str(record.rref)
    made_of[f"realizations/{record.dref.hash}/{record.rref.hash}.json"] = canonical_bytes(card)
    made_of["stageloom.json"] = canonical_bytes({"stageloom": 1, "roots": [str(record.rref)]})
    return made_of


H = "ab" + "0" * 30
ATTACKS = {
    "a card with half a character": lambda e: with_card(e, path='"\\ud800.py"'),
    "a card with a path that leaves": lambda e: with_card(e, path='"../p.py"'),
    "a card with an absolute path": lambda e: with_card(e, path='"/p.py"'),
    "a card with a time that no clock can show": lambda e: with_card(e, at="1e300"),
    "a card with a time that is no float": lambda e: with_card(e, at="1" + "0" * 400),
    "a card with an endless log": lambda e: with_card(e, beside='{"log.txt": [Infinity, "' + "a" * 64 + '"]}'),
    "a hash that is a number": lambda e: with_hash(e, 5),
    "a hash that leaves": lambda e: with_hash(e, "../../x"),
    "a name that leaves the store": lambda e: {**e, "../../evil": b""},
    "an absolute name": lambda e: {**e, "/etc/passwd": b""},
    "a drive": lambda e: {**e, "C:\\evil": b""},
    "backslashes": lambda e: {**e, f"records\\ab\\{H}.json": b""},
    "a name within that leaves": lambda e: {**e, f"records/../records/ab/{H}.json": b""},
    "another shard": lambda e: {**e, f"records/cd/{H}.json": b""},
    "capitals": lambda e: {**e, f"records/AB/{H.upper()}.json": b""},
    "a NUL": lambda e: {**e, f"records/ab/{H}.json@NUL": b""},
    "a long name": lambda e: {**e, "x" * 300: b""},
    "an emoji": lambda e: {**e, "🎉": b""},
    "a link": lambda e: [*e.items(), (symlink(object_name("files", "ab" + "0" * 62)), b"/etc/passwd")],
    "a folder": lambda e: {**e, "trees/": b""},
    "a name twice": lambda e: [*e.items(), next(iter(e.items()))],  # which zipfile warns of
    "a newer format": lambda e: {**e, "stageloom.json": b'{"stageloom": 2, "roots": []}'},
    "no head": lambda e: without(e, "stageloom.json"),
    "a head of something else": lambda e: {**e, "stageloom.json": b"[]"},
    "a head with a made-up reference": lambda e: {**e, "stageloom.json": b'{"stageloom":1,"roots":["rref:../.."]}'},
    "a head that names what is not there": lambda e: {
        **e,
        "stageloom.json": canonical_bytes({"stageloom": 1, "roots": [f"rref:{H}-{H}-x"]}),
    },
    "a wrong content": lambda e: longer(e, "files/"),
    "a wrong record": lambda e: longer(e, "records/") | {next(n for n in e if n.startswith("records/")): b"{}"},
    "a wrong derivation": lambda e: {**e, next(n for n in e if n.startswith("derivations/")): b'{"name": 3}'},
    "a wrong list of files": lambda e: {**e, next(n for n in e if n.startswith("trees/")): b"[]"},
    "a wrong card": lambda e: {**e, next(n for n in e if n.startswith("realizations/")): b"{}"},
    "a missing content": lambda e: without(e, "files/"),
    "a missing record": lambda e: without(e, "records/"),
    "a missing derivation": lambda e: without(e, "derivations/"),
    "a missing card": lambda e: without(e, "realizations/"),
    "a deep text": lambda e: {**e, "stageloom.json": b"[" * 100_000},
    "a tree that leaves the store": lambda e: with_tree(e, ("../../../evil", b"x")),
    "a tree with an absolute path": lambda e: with_tree(e, ("/tmp/evil", b"x")),
    "a tree with a drive": lambda e: with_tree(e, ("C:/evil", b"x")),
    "a tree with a backslash": lambda e: with_tree(e, ("..\\evil", b"x")),
    "a tree with a NUL": lambda e: with_tree(e, ("a\0b", b"x")),
    "a tree with a device": lambda e: with_tree(e, ("con.txt", b"x")),
    "a tree with a name of 300 characters": lambda e: with_tree(e, ("n" * 300, b"x")),
    "a tree with capitals that collide": lambda e: with_tree(e, ("a.txt", b"x"), ("A.txt", b"y")),
    "a tree with a name twice": lambda e: with_tree(e, ("a.txt", b"x"), ("a.txt", b"y")),
    "a tree with a name in two spellings": lambda e: with_tree(e, ("é", b"x"), ("e\u0301", b"y")),
    "a tree with a file that is a folder": lambda e: with_tree(e, ("a", b"x"), ("a/b", b"y")),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", list(ATTACKS))
def test_refused_with_the_store_as_it_was(name, tmp_path):
    archive, _ = packed(tmp_path)
    bad = rewrite(archive, ATTACKS[name])
    with Store.open(tmp_path / "to") as store:
        store.commit([made(store, "mine")])
    before = state(tmp_path / "to")
    outside = {path for path in tmp_path.rglob("*") if "to" not in path.parts}
    with Store.open(tmp_path / "to") as store:
        with pytest.raises(RefusedError) as caught:
            store.unpack(bad)
        assert str(bad) in str(caught.value)
        assert caught.value.advice
        assert len(list((tmp_path / "to" / "scratch").glob("*/object-*"))) == 0
    assert state(tmp_path / "to") == before
    assert {path for path in tmp_path.rglob("*") if "to" not in path.parts} == outside


@pytest.mark.parametrize("facts", ['{"a": NaN}', "[1]", "{", '{"a": 1e999}', "[" * 100_000, '"\\ud800"'])
def test_facts_that_cannot_be_kept_are_left_out(facts, tmp_path):
    archive, _ = packed(tmp_path)
    with Store.open(tmp_path / "to") as store:
        roots, _ = store.unpack(rewrite(archive, lambda entries: with_facts(entries, facts)))
        assert store.get(roots[0]) is not None


def test_facts_do_not_make_folders_elsewhere_for_programs(tmp_path):
    from stageloom.pylightnix.folders import Folders

    archive, _ = packed(tmp_path)
    outside = ["../" * 5 + "evil", str(tmp_path / "evil"), "inside"]
    facts = json.dumps({"pylightnix": {"folders": outside}})
    with Store.open(tmp_path / "a" / "b" / "to") as store:
        roots, _ = store.unpack(rewrite(archive, lambda entries: with_facts(entries, facts)))
        folder = Folders(store).realization(roots[0])
        assert (folder / "inside").is_dir()
    assert list(tmp_path.rglob("evil")) == []


def test_what_is_told_here_of_a_run_and_its_sources_is_not_replaced(tmp_path):
    archive, rrefs = packed(tmp_path)
    with Store.open(tmp_path / "from") as store:
        found = store.get(rrefs[1])
        told = store.run_folder(found.run, found.stage) / "stage.json"
        content = json.loads(told.read_bytes()) | {"host": "only here"}
        told.chmod(0o644)
        told.write_text(json.dumps(content))
        snapshot = store.snapshot(content["snapshot"])
        store.invalidate([rrefs[1]])
        store.unpack(archive)
        assert store.get(rrefs[1]).visible
        assert json.loads(told.read_bytes()) == content
        assert store.snapshot(content["snapshot"]) == snapshot
    assert list((tmp_path / "from" / "damaged").iterdir()) == []


def test_what_is_collected_while_an_archive_is_looked_through_comes_in_again(tmp_path, monkeypatch):
    archive, rrefs = packed(tmp_path)
    with Store.open(tmp_path / "to") as store:
        store.unpack(archive)
        store.let_go()
        check, collected = store.check, []

        def late(trees):
            if not collected:
                with Store.open(tmp_path / "to") as other:
                    monkeypatch.setattr(Sweep, "run", lambda *_, **__: Leftovers(0, 0))  # which comes later
                    collected.append(other.gc(Policy(grace=0), delete=True))
            return check(trees)

        monkeypatch.setattr(store, "check", late)
        _, received = store.unpack(archive)
        assert set(received.added) == set(rrefs)
        assert len(collected[0].victims) == 2
        assert all(store.get(rref) for rref in rrefs)


def test_names_of_any_script_in_a_tree_come_through(tmp_path):
    archive, _ = packed(tmp_path)
    good = rewrite(archive, lambda e: with_tree(e, ("🎉/данные.txt", b"x"), ("a b/c", b"y")))
    with Store.open(tmp_path / "to") as store:
        [root] = store.unpack(good)[0]
        folder = store.tree(store.get(root).tree)
        assert (folder / "🎉" / "данные.txt").read_bytes() == b"x"
        assert store.verify() == []


def test_what_grows_out_of_all_proportion_is_refused_before_anything_is_unpacked(tmp_path):
    archive, _ = packed(tmp_path)
    with zipfile.ZipFile(archive) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries.items():
            out.writestr(name, data)
        with out.open(zipfile.ZipInfo(object_name("files", "cd" * 32)), "w", force_zip64=True) as file:
            block = bytes(16 << 20)
            for _ in range(70):
                file.write(block)
    stored = zipfile.ZipFile(bomb).getinfo(object_name("files", "cd" * 32))
    assert stored.file_size > 1 << 30
    with Store.open(tmp_path / "to") as store:
        if stored.compress_type == zipfile.ZIP_DEFLATED:
            with pytest.raises(RefusedError, match="would become"):
                store.unpack(bomb)
        with pytest.raises(RefusedError, match="more than the 1000000 allowed"):
            store.unpack(bomb, max_size=1_000_000)
        assert store.sequence == 0


def test_an_entry_that_is_longer_than_it_says_is_refused(tmp_path):
    """A size in the directory that lies: what is read is cut at what the list of files says."""
    archive, _ = packed(tmp_path)
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as source:
        entry = next(one for one in source.infolist() if one.filename.startswith("files/"))
    position = data.rfind(entry.filename.encode()) - 46
    assert data[position : position + 4] == b"PK\x01\x02"
    data[position + 24 : position + 28] = (entry.file_size - 1).to_bytes(4, "little")
    bad = tmp_path / "bad.zip"
    bad.write_bytes(data)
    with Store.open(tmp_path / "to") as store:
        with pytest.raises(RefusedError):
            store.unpack(bad)
        assert store.sequence == 0


def test_truncated_anywhere(tmp_path):
    archive, _ = packed(tmp_path)
    whole = archive.read_bytes()
    bad = tmp_path / "bad.zip"
    chance = random.Random(3)
    lengths = [0, 1, 21, 22, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(60))]
    with Store.open(tmp_path / "to") as store:
        for length in lengths:
            bad.write_bytes(whole[:length])
            with pytest.raises(RefusedError):
                store.unpack(bad)
        assert store.sequence == 0
    print(f"faults: an archive cut off at {len(lengths)} places: {len(lengths)} refused")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6), st.data())
def test_an_archive_with_any_bytes_changed_is_refused_or_right(changes, data):
    with fast_folder() as folder:
        archive, rrefs = packed(folder)
        spoiled = bytearray(archive.read_bytes())
        for place, value in changes:
            spoiled[int(place * len(spoiled))] = value
        archive.write_bytes(spoiled)
        with Store.open(folder / "to") as store:
            try:
                roots, _ = store.unpack(archive)
            except RefusedError:
                assert store.sequence == 0
            else:
                assert set(roots) <= set(rrefs)
                for one in store.history():
                    assert read(store, one) == content_of(one.stage, {"low": 1, "high": 2}[one.stage])
            assert store.verify() == []


NAMES = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["..", "../x", "/x", "c:x", "con", "a/../b", "a//b", "a\\b", "x" * 146, "🎉", ""]
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(NAMES, min_size=1, max_size=4))
def test_a_tree_of_any_names_stays_within_the_store(names):
    with fast_folder() as folder:
        entries = with_tree({}, *((name, bytes([number])) for number, name in enumerate(names)))
        archive = folder / "a.zip"
        with zipfile.ZipFile(archive, "w") as out:
            for name, data in entries.items():
                out.writestr(name, data)
        with Store.open(folder / "to") as store:
            outside = {path for path in folder.rglob("*") if "to" not in path.parts}
            try:
                [root] = store.unpack(archive)[0]
            except RefusedError:
                assert store.sequence == 0
            else:
                tree = store.tree(store.get(root).tree)
                assert sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()) == sorted(
                    names
                )
            assert {path for path in folder.rglob("*") if "to" not in path.parts} == outside
            assert store.verify() == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data):
    with fast_folder() as folder:
        (folder / "a.zip").write_bytes(data)
        with Store.open(folder / "to") as store, pytest.raises(RefusedError):
            store.unpack(folder / "a.zip")


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["EIO", "EROFS", "EMFILE", "ENOSPC", "interrupt"])
def test_a_fault_at_every_operation_of_unpacking_leaves_all_or_nothing(name):
    class Interrupted(BaseException):
        pass

    def fault(operation, path):
        if name == "interrupt":
            raise Interrupted
        raise OSError(getattr(errno, name), name)

    with fast_folder() as folder:
        archive, rrefs = packed(folder)

        def unpacked(root: Path, at: int) -> tuple[int, bool]:
            files = Faulty(-1, fault)
            with Store.open(root) as store:
                store.commit([made(store, "mine")])
            store = Store.open(root, files=files)
            files.count, files.at = -1, at
            refused = False
            try:
                store.unpack(archive)
            except (StoreError, Interrupted):
                refused = True
            files.at, steps = -1, files.count + 1
            store.close()
            return steps, refused

        steps, _ = unpacked(folder / "count", -1)
        refused = whole = 0
        for at in range(steps):
            root = folder / str(at)
            refused += unpacked(root, at)[1]
            with Store.open(root) as store:
                assert store.verify() == []
                there = [store.get(rref) is not None for rref in rrefs]
                assert len(set(there)) == 1
                whole += there[0]
                store.unpack(archive)
                for one in store.history():
                    assert read(store, one) == content_of(one.stage, {"low": 1, "high": 2, "mine": 0}[one.stage])
                assert store.verify() == []
        assert refused > steps // 2
        print(f"faults: {name} at each of {steps} operations of unpack: {refused} refused, {steps - whole} no trace")


@unix
def test_a_full_disk_takes_an_archive_whole_or_not_at_all():
    full_disks(25)


@unix
@pytest.mark.faults
def test_250_full_disks():
    full_disks(250)


def full_disks(times: int) -> None:
    refused = taken = collected = 0
    with fast_folder() as folder:
        with Store.open(folder / "from") as store:
            found = store.commit(
                [made(store, "big", number, content={"data": os.urandom(20_000)}) for number in range(10)]
            )
            store.pack([one.rref for one in found], folder / "a.zip")
        for number in range(times):
            with Mount(f"{200 + 500 * number // times}k") as mount:
                try:
                    Store.open(mount.path / "to").close()
                except DiskFullError:
                    refused += 1
                    continue
                with Store.open(mount.path / "to") as store:
                    try:
                        store.unpack(folder / "a.zip")
                        taken += 1
                    except DiskFullError as error:
                        assert error.advice
                        assert store.sequence == 0
                        refused += 1
                    assert store.verify() == []
                with Store.open(mount.path / "to") as store:
                    store.gc(Policy(grace=0), delete=True)
                    collected += 1
                    assert store.verify() == []
                    assert list((mount.path / "to" / "records").glob("*/*")) == []
    assert refused > 3
    assert taken > 3
    print(f"faults: disks of {times} sizes: {refused} archives refused, {taken} taken, {collected} collections")


@unix
def test_kill_9_at_random_moments_of_packing_and_unpacking(tmp_path):
    kill_carrying(tmp_path, 40, "short")


@unix
@pytest.mark.faults
@pytest.mark.parametrize("part", range(5))
def test_kill_9_at_500_random_moments_of_packing_and_as_many_of_unpacking(tmp_path, part):
    kill_carrying(tmp_path, 200, f"long{part}")


def kill_carrying(tmp_path: Path, times: int, seed: str) -> None:
    chance = random.Random(seed)
    with Store.open(tmp_path / "from") as store:
        found = store.commit([made(store, "a", number) for number in range(150)])
        store.pack([one.rref for one in found], tmp_path / "a.zip")
    whole = (tmp_path / "a.zip").read_bytes()
    cut = [0, 0]
    for number in range(times):
        if number % 2:
            child = spawn("pack", tmp_path / "from", tmp_path / "b.zip")
        else:
            child = spawn("unpack", tmp_path / f"to{number}", tmp_path / "a.zip")
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        time.sleep(chance.random() ** 2 * 0.5)
        child.kill()
        told = child.stdout.read()
        child.stdout.close()
        child.wait()
        cut[number % 2] += "done" not in told
        if number % 2:
            if (tmp_path / "b.zip").exists():
                assert (tmp_path / "b.zip").read_bytes() == whole
                (tmp_path / "b.zip").unlink()
        else:
            with Store.open(tmp_path / f"to{number}") as store:
                assert store.verify() == []
                assert len(store.history()) in (0, 150)
                store.unpack(tmp_path / "a.zip")
                assert len(store.history()) == 150
            shutil.rmtree(tmp_path / f"to{number}")
    for command, count in zip(("unpack", "pack"), cut, strict=True):
        print(f"faults: kill -9 in {command}: {times // 2} moments (seed {seed}), {count} cut off, 0 half there")
