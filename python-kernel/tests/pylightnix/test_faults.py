"""Where upstream is broken: here it is right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from old_archive import old_spack

from stageloom.pylightnix import (
    Build,
    CheckError,
    DRef,
    Registry,
    StorageSettings,
    alldrefs,
    allrrefs,
    build_outpath,
    build_wrapper,
    current_storage,
    dref2path,
    drefcfg,
    fsinit,
    fsstorage,
    instantiate,
    linkrref,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    mklens,
    mkSS,
    path2rref,
    realize,
    realize1,
    realizeMany,
    rref2dref,
    rref2path,
    rrefbstart,
    rrefctx,
    selfref,
    sunpack,
    tlstorage,
)
from stageloom.pylightnix import (
    Path as FacePath,
)
from stageloom.pylightnix.storage import opened
from stageloom.store.errors import DamagedError

SOURCES = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(name="S")
def storage(tmp_path: Path) -> StorageSettings:
    S = mkSS(str(tmp_path / "storage"))
    fsinit(S)
    return S


def stage_text(r: Registry, text: str = "hello", name: str = "text") -> DRef:
    def make(b: Build) -> None:
        Path(mklens(b).out.syspath).write_text(mklens(b).text.val)

    config = mkconfig({"name": name, "text": text, "out": [selfref, "t.txt"]})
    return mkdrv(config, match_only(), build_wrapper(make), r)


def stage_copy(r: Registry) -> DRef:
    base = stage_text(r)

    def make(b: Build) -> None:
        Path(mklens(b).out.syspath).write_text(mklens(b).base.out.contents)

    config = mkconfig({"name": "copy", "base": base, "out": [selfref, "t.txt"]})
    return mkdrv(config, match_latest(), build_wrapper(make), r)


def test_a_changed_artifact_is_an_error_and_made_again(S: StorageSettings) -> None:
    rref = realize1(instantiate(stage_text, S=S))
    path = Path(rref2path(rref, S), "t.txt")
    path.chmod(0o644)
    path.write_text("tampered")
    with pytest.raises(DamagedError, match=r"t\.txt is damaged"):
        rref2path(rref, S)
    again = realize1(instantiate(stage_text, S=S))
    assert again == rref
    assert Path(rref2path(again, S), "t.txt").read_text() == "hello"


@pytest.mark.parametrize("name", ["config.json", "context.json"])
@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[]"])
def test_damaged_descriptions_are_mended(S: StorageSettings, name: str, content: str) -> None:
    rref = realize1(instantiate(stage_copy, S=S))
    folder = Path(rref2path(rref, S))
    config, context = drefcfg(rref2dref(rref), S).val, rrefctx(rref, S)
    path = folder.parent / name if name == "config.json" else folder / name
    right = json.loads(path.read_text())
    folder.chmod(0o755)
    path.chmod(0o644)
    path.write_text(content)
    assert drefcfg(rref2dref(rref), S).val == config
    assert rrefctx(rref, S) == context
    rref2path(rref, S)
    assert realize1(instantiate(stage_copy, S=S)) == rref
    if name == "config.json":
        assert json.loads(path.read_text()) == right


@pytest.mark.parametrize("what", ["an artifact", "a folder", "everything", "a stranger"])
def test_folders_are_a_view_that_is_made_again(S: StorageSettings, what: str) -> None:
    rref = realize1(instantiate(stage_copy, S=S))
    folder = Path(rref2path(rref, S))
    for path in (folder.parent, folder):
        path.chmod(0o755)
    if what == "an artifact":
        (folder / "t.txt").unlink()
    elif what == "a stranger":
        (folder / "stranger.txt").write_text("x")
    else:
        target = folder if what == "a folder" else Path(fsstorage(S))
        subprocess.run(["chmod", "-R", "u+w", str(target)], check=True)
        shutil.rmtree(target)
    assert sorted(os.listdir(rref2path(rref, S))) == [
        "__buildstart__.txt",
        "__buildstop__.txt",
        "context.json",
        "t.txt",
    ]
    assert json.loads(Path(dref2path(rref2dref(rref), S), "config.json").read_text())["name"] == "copy"
    assert len(list(alldrefs(S))) == len(list(allrrefs(S))) == 2


def test_a_storage_can_be_moved(S: StorageSettings, tmp_path: Path) -> None:
    rref = realize1(instantiate(stage_copy, S=S))
    rref2path(rref, S)
    shutil.copytree(str(S.root), tmp_path / "moved")
    T = mkSS(str(tmp_path / "moved"))
    shutil.move(str(S.root), tmp_path / "elsewhere")
    U = mkSS(str(tmp_path / "elsewhere"))
    for storage in (T, U):
        assert list(allrrefs(storage))[-1] == rref
        assert mklens(rref, S=storage).base.out.contents == "hello"
        assert rref2path(rref, storage).startswith(str(storage.root))
        assert realize1(instantiate(stage_copy, S=storage)) == rref


def test_threads_mean_the_same_storage_or_are_told(S: StorageSettings, tmp_path: Path) -> None:
    other = mkSS(str(tmp_path / "other"))
    found: list[object] = []

    def look() -> None:
        try:
            found.append(tlstorage(None))
        except CheckError as error:
            found.append(str(error))

    def in_a_thread() -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    begun, ended = threading.Event(), threading.Event()

    def elsewhere() -> None:
        with current_storage(other):
            begun.set()
            ended.wait(60)
            look()

    with current_storage(S):
        in_a_thread()
        thread = threading.Thread(target=elsewhere)
        thread.start()
        begun.wait(60)
        in_a_thread()
        look()
        ended.set()
        thread.join()
        in_a_thread()
    assert found[0] == S
    assert "several threads" in str(found[1])
    assert found[2:] == [S, other, S]


PROGRAM = """
import os, sys, time
from stageloom.pylightnix import *

S = mkSS(sys.argv[1])
fsinit(S)

def stage(r, n):
    def make(b):
        with open(os.path.join(sys.argv[1], "runs"), "a") as f:
            f.write(f"{n}\\n")
        time.sleep(0.02)
        writestr(os.path.join(build_outpath(b), "f"), str(n))
    return mkdrv(mkconfig({"name": "s", "n": n}), match_only(), build_wrapper(make), r)

for n in range(5):
    print(realize1(instantiate(stage, n=n, S=S)))
"""


def test_processes_at_once_run_each_stage_once(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    rounds = 3
    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        running = [
            subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE, env=environment)
            for _ in range(8)
        ]
        outputs = [process.communicate(timeout=120)[0] for process in running]
        assert [process.returncode for process in running] == [0] * 8
        assert len(set(outputs)) == 1
        assert sorted((folder / "runs").read_text().split()) == list("01234")
    print(f"faults: pylightnix: {rounds * 8} processes, {rounds * 5} stages, each run once")


def test_the_hash_of_code_is_the_same_everywhere_and_sees_helpers(tmp_path: Path) -> None:
    text = textwrap.dedent(
        """
        from stageloom.pylightnix import *
        import json
        import sys
        import other
        from other import more
        def helper(x):
            return x + 1
        class Tool:
            def use(self): return helper(2)
        @autostage(name="s")
        def stage(build, name):
            Tool().use()
            other.used(json.dumps(more()))
        S = mkSS(sys.argv[1])
        fsinit(S)
        print(instantiate(stage, S=S)[0])
        """
    )
    changes = {
        "same": text,
        "comment": text.replace("return x + 1", "return x + 1  # more"),
        "docstring": text.replace("def helper(x):", "def helper(x):\n    '''Add.'''"),
        "layout": text.replace("return x + 1", "return (x\n            + 1)"),
        "elsewhere": text + "\ndef another():\n    return 5\n",
        "imported": text,
        "imported by name": text,
        "imported, unused": text,
        "callee": text.replace("x + 1", "x + 2"),
        "method": text.replace("helper(2)", "helper(3)"),
        "body": text.replace("Tool().use()", "Tool()"),
    }
    found = {}
    for change, source in changes.items():
        path = tmp_path / f"{change}" / "program.py"
        path.parent.mkdir()
        path.write_text(source)
        module = "def used(x):\n    return 1\ndef more():\n    return 2\ndef unused():\n    return 3\n"
        number = {"imported": "1", "imported by name": "2", "imported, unused": "3"}.get(change, "none")
        path.with_name("other.py").write_text(module.replace(f"return {number}", "return 9"))
        for seed in ("1", "2"):
            done = subprocess.run(
                [sys.executable, str(path), str(tmp_path / "S")],
                env={**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONHASHSEED": seed},
                capture_output=True, encoding="utf-8", check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            found[change, seed] = done.stdout
    same = {key for key, value in found.items() if value == found["same", "1"]}
    cosmetic = ("same", "comment", "docstring", "layout", "elsewhere", "imported, unused")
    assert same == {(change, seed) for change in cosmetic for seed in "12"}


def test_many_cached_stages_cost_the_same_each(tmp_path: Path) -> None:
    def chain(n: int, r: Registry) -> DRef:
        last: list[DRef] = []
        for number in range(n):

            def make(b: Build) -> None:
                Path(build_outpath(b), "f").write_text("x")

            config = mkconfig({"name": f"s{number}", "last": list(last)})
            last = [mkdrv(config, match_only(), build_wrapper(make), r)]
        return last[0]

    calls = {}
    for n in (40, 400):
        S = mkSS(str(tmp_path / str(n)))
        fsinit(S)
        realize1(instantiate(chain, n, S=S))
        count = [0]

        def tell(frame: object, event: str, argument: object, count: list[int] = count) -> None:
            count[0] += event in ("call", "c_call")

        begun = time.perf_counter()
        sys.setprofile(tell)
        try:
            realize1(instantiate(chain, n, S=S))
        finally:
            sys.setprofile(None)
        calls[n] = count[0] / n
        print(f"{n} stages: {calls[n]:.0f} calls and {(time.perf_counter() - begun) / n * 1e3:.2f} ms a stage, traced")
    assert calls[400] < 1.2 * calls[40]


def test_nothing_is_made_in_a_dry_run(S: StorageSettings) -> None:
    plan = instantiate(stage_copy, S=S)
    assert realize(plan, dry_run=True)[2] == {}
    assert realizeMany(plan, dry_run=True) == []
    with pytest.raises(CheckError, match="would have to be made"):
        realize1(plan, dry_run=True)
    assert list(allrrefs(S)) == []
    rref = realize1(plan)
    assert realize1(plan, dry_run=True) == rref


def test_failed_builds_leave_nothing_for_ever(S: StorageSettings) -> None:
    def stage(r: Registry) -> DRef:
        def make(b: Build) -> None:
            Path(build_outpath(b), "f").write_text("half")
            raise ValueError

        return mkdrv(mkconfig({"name": "bad"}), match_only(), build_wrapper(make), r)

    with pytest.raises(Exception, match="ValueError"):
        realize1(instantiate(stage, S=S))
    scratch = opened(S).store.path / "scratch"
    assert [path.read_text() for path in scratch.rglob("f")] == ["half"]
    assert not list(Path(str(S.root), "tmp").iterdir())


def test_a_realization_that_is_there_keeps_its_times_and_files(S: StorageSettings) -> None:
    rref = realize1(instantiate(stage_text, S=S))
    start = rrefbstart(rref, S)
    time.sleep(0.01)
    assert realize1(instantiate(stage_text, S=S), force_rebuild=True) == rref
    assert rrefbstart(rref, S) == start


def test_links_are_stored_as_what_they_point_at(S: StorageSettings, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("content")

    def stage(to: str, r: Registry) -> DRef:
        def make(b: Build) -> None:
            os.symlink(to, os.path.join(build_outpath(b), "link"))

        return mkdrv(mkconfig({"name": "links", "to": Path(to).name}), match_only(), build_wrapper(make), r)

    rref = realize1(instantiate(stage, str(tmp_path / "target"), S=S))
    link = Path(rref2path(rref, S), "link")
    assert link.read_text() == "content"
    assert not link.is_symlink()
    with pytest.raises(CheckError, match="not there"):
        realize1(instantiate(stage, str(tmp_path / "nowhere"), S=S))


def test_folders_without_files_and_empty_choices(S: StorageSettings) -> None:
    """A dependency that nothing stands for keeps what lies behind it in the context."""
    base = None

    def stage(r: Registry) -> DRef:
        nonlocal base
        base = stage_text(r)

        def make(b: Build) -> None:
            os.makedirs(os.path.join(build_outpath(b), "empty", "deep"))

        middle = mkdrv(mkconfig({"name": "middle", "base": base}), lambda S, rrefs: [], build_wrapper(make), r)
        config = mkconfig({"name": "top", "middle": middle, "out": [selfref, "empty"]})
        return mkdrv(config, match_only(), build_wrapper(make), r)

    rref = realize1(instantiate(stage, S=S))
    context = rrefctx(rref, S)
    assert sorted(len(rrefs) for rrefs in context.values()) == [0, 1]
    assert base in context
    assert Path(rref2path(rref, S), "empty", "deep").is_dir()
    assert realize1(instantiate(stage, S=S)) == rref


def test_archives_that_lie_are_refused(S: StorageSettings, tmp_path: Path) -> None:
    import zipfile

    rref = realize1(instantiate(stage_copy, S=S))
    archive = tmp_path / "a.zip"
    old_spack([rref], archive, S)
    with zipfile.ZipFile(archive) as good:
        members = {name: good.read(name) for name in good.namelist()}
    listed = json.loads(members["pylightnix.json"])
    file = next(name for name in members if name.startswith("trees/"))

    def with_list(change: object) -> dict[str, bytes]:
        return {**members, "pylightnix.json": json.dumps(change).encode()}

    def entry(**more: object) -> dict[str, object]:
        return {**listed, "realizations": [{**listed["realizations"][0], **more}, *listed["realizations"][1:]]}

    bad = {
        "truncated": archive.read_bytes()[:-200],
        "no zip": b"nonsense",
        "content": {**members, file: b"hellO"},
        "size": {**members, file: b"x" * 9999},
        "file gone": {name: data for name, data in members.items() if name != file},
        "no list": {name: data for name, data in members.items() if name != "pylightnix.json"},
        "format": with_list({**listed, "format": 99}),
        "paths": with_list(entry(files=[["../../evil", 1, "0" * 64]])),
        "beside": with_list(entry(beside={"../_evil": 1})),
        "reference": with_list(entry(rref=listed["realizations"][1]["rref"])),
        "dependency": with_list({**listed, "realizations": listed["realizations"][1:]}),
        "order": with_list(entry(order="[[]]")),
        "garbage": {**members, "pylightnix.json": b"{{{"},
    }
    for name, content in bad.items():
        path = tmp_path / f"{name}.zip"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            with zipfile.ZipFile(path, "w") as archive_:
                for member, data in content.items():
                    archive_.writestr(member, data)
        D = mkSS(str(tmp_path / f"D {name}"))
        fsinit(D)
        with pytest.raises(CheckError):
            sunpack(FacePath(path), D)
        assert rref not in set(allrrefs(D)), name
    assert not list(tmp_path.rglob("*evil*"))
    print(f"faults: pylightnix: {len(bad)} archives that lie, all refused")


def test_a_storage_of_pylightnix_itself_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "store-v0" / f"{'0' * 32}-name").mkdir(parents=True)
    with pytest.raises(CheckError, match="realize into a new one"):
        fsinit(mkSS(str(tmp_path), str(tmp_path / "store-v0")))
    with pytest.raises(CheckError, match="holds what is not"):
        fsinit(mkSS(str(tmp_path), str(tmp_path / "store-v0")), remove_existing=True)
    with pytest.raises(CheckError, match="call fsinit"):
        list(alldrefs(mkSS(str(tmp_path / "nowhere"))))


def test_a_link_leads_back_to_its_realization(S: StorageSettings, tmp_path: Path) -> None:
    rref = realize1(instantiate(stage_text, S=S))
    link = linkrref(rref, str(tmp_path / "out"), S=S)
    assert path2rref(link) == rref
    assert Path(link, "t.txt").read_text() == "hello"


CHAIN = """
import sys
from stageloom.pylightnix import *

S = mkSS(sys.argv[1])
fsinit(S)

def chain(r):
    last = []
    for n in range(12):
        def make(b):
            before = [mklens(dref, b=b).out.contents for dref in mklens(b).last.val]
            writestr(mklens(b).out.syspath, "".join(before) + "x")
            writestr(join(build_outpath(b), "_beside"), "y" * 1000)
        config = mkconfig({"name": f"s{n}", "last": list(last), "out": [selfref, "f"]})
        last = [mkdrv(config, match_only(), build_wrapper(make), r)]
    return last[0]

rref = realize1(instantiate(chain, S=S))
print(mklens(rref, S=S).out.contents, len(list(allrrefs(S))), readstr(join(rref2path(rref, S), "_beside"))[:1])
"""


def test_killed_at_any_moment_and_run_again(tmp_path: Path) -> None:
    import random

    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    kills = hit = 0
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        while kills < 5 * (number + 1):
            process = subprocess.Popen(
                [sys.executable, "-c", CHAIN, str(folder)], env=environment, stdout=-3, stderr=-3
            )
            time.sleep(random.uniform(0.1, 0.9))
            hit += process.poll() is None
            process.kill()
            process.wait()
            kills += 1
        done = subprocess.run(
            [sys.executable, "-c", CHAIN, str(folder)],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{'x' * 12} 12 y\n"
        assert not opened(mkSS(str(folder))).store.verify()
    print(f"faults: pylightnix: killed {hit} of {kills} times while it ran")
