"""Configurations, references, lenses, builds and storages of the 2021 manual's API, and what lies on disk."""

from __future__ import annotations

import inspect
import json
import os
import re
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from manual_story import stage_all, stage_anneal, stage_params

from stageloom.pylightnix import manual as pl
from stageloom.pylightnix.manual import Build, Manager, build_wrapper, match_only, mkconfig, mkdrv, mklens, selfref
from stageloom.pylightnix.view import BadConfigError
from stageloom.store.errors import NotStoredError

TESTS = Path(__file__).parent


def test_every_public_name_is_tested() -> None:
    text = "".join(path.read_text("utf-8") for path in TESTS.glob("*.py"))
    assert [name for name in pl.__all__ if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_every_public_function_says_what_it_does() -> None:
    silent = [name for name in pl.__all__ if inspect.isroutine(getattr(pl, name)) and not getattr(pl, name).__doc__]
    assert silent == []


# --- configurations ------------------------------------------------------------------------------------------------


def test_a_configuration_survives_in_order(S: pl.StorageSettings) -> None:
    written = {"z": 1, "name": "ordered", "a": {"y": [1.5, None, True], "b": "text"}}
    closure = pl.instantiate(pl.mknode, written, S=S)
    config = pl.drefcfg_(closure.dref, S)
    assert list(config.val) == ["z", "name", "a", "__artifacts__"]
    assert pl.config_dict(config)["a"] == written["a"]
    rref = pl.realize(closure)
    fresh = f"""
        from stageloom.pylightnix.manual import *
        S = mksettings({S.storage!r})
        print(list(drefcfg(rref2dref({str(rref)!r}), S).val))
    """
    told = python(fresh)
    assert told.strip() == "['z', 'name', 'a', '__artifacts__']"


def test_the_order_outlives_the_folders(S: pl.StorageSettings) -> None:
    closure = pl.instantiate(pl.mknode, {"z": 1, "a": {"y": 1, "b": 2}}, S=S)
    pl.dirrm(pl.fsstorage(S))
    config = pl.drefcfg_(closure.dref, S).val
    assert list(config) == ["z", "a", "name", "__artifacts__"]
    assert list(config["a"]) == ["y", "b"]


def test_parts_of_a_configuration() -> None:
    dref = pl.instantiate(stage_params).dref
    config = mkconfig({"name": "x", "needs": [{"deep": dref}], "path": [dref, "a"], "out": [selfref, "o"]})
    assert isinstance(config, pl.Config)
    assert pl.config_name(config) == "x"
    assert pl.config_name(mkconfig({})) == "unnamed"
    assert pl.config_deps(config) == {dref}
    assert json.loads(pl.config_serialize(config)) == pl.config_dict(config)
    assert len(pl.config_hash(config)) == 32
    assert pl.mkrefpath(dref, ["a", "b"]) == [dref, "a", "b"]
    assert pl.config_cattrs(config).name == "x"
    assert isinstance(pl.config_cattrs(config), pl.ConfigAttrs)
    resolved = pl.resolve(config, dref)
    assert isinstance(resolved, pl.RConfig)
    assert resolved.val["out"] == [dref, "o"]
    assert config.val["out"] == [pl.promise, "o"]
    assert mkconfig(config) is config


def test_a_manager_in_locals_is_left_out() -> None:
    def config(m: Manager) -> pl.Config:
        name = "x"
        return mkconfig(locals())

    assert config(Manager()).val == {"name": "x"}


@pytest.mark.parametrize("value", [(1, 2), b"x", float("nan"), {1: 2}, {1, 2}, print])
def test_what_json_would_lose_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        mkconfig({"a": value})
    with pytest.raises(pl.UsageError, match="takes a dict"):
        mkconfig(3)


# --- references ----------------------------------------------------------------------------------------------------


def test_references_are_texts_that_come_apart() -> None:
    rref = pl.realize(pl.instantiate(stage_all))
    rhash, dhash, name = pl.unrref(rref)
    assert pl.mkrref(rhash, dhash, name) == rref
    dref = pl.rref2dref(rref)
    assert pl.undref(dref) == (dhash, name)
    assert pl.mkdref(dhash, name) == dref
    assert isinstance(dref, str)
    assert pl.isdref(dref)
    assert pl.isrref(rref)
    assert not pl.isdref(rref)
    assert not pl.isrref("rref:x")
    assert pl.isrefpath([dref, "a"])
    assert not pl.isrefpath([rref, "a"])
    assert f"{rref}" == rref
    assert {rref: 1}[str(rref)] == 1
    for wrong in ("", "dref:x", "rref:../..", "dref:" + "0" * 32 + "-../x"):
        with pytest.raises(pl.UsageError, match="reference"):
            pl.undref(wrong)


def test_the_graph() -> None:
    plot = pl.realize(pl.instantiate(stage_all))
    dref = pl.rref2dref(plot)
    anneal = pl.rrefdeps1([plot])
    params = pl.rrefdeps1(anneal)
    assert pl.rrefdeps([plot]) == anneal | params
    assert pl.drefdeps1([dref]) == {pl.rref2dref(one) for one in anneal}
    assert pl.drefdeps([dref]) == {pl.rref2dref(one) for one in anneal | params}
    assert set(pl.alldrefs()) == {dref} | pl.drefdeps([dref])
    assert set(pl.allrrefs()) == {plot} | anneal | params
    assert pl.drefrrefs(dref) == [plot]
    assert list(pl.drefrrefsC(dref, pl.rrefctx(plot))) == [plot]
    assert list(pl.drefrrefsC(dref, {})) == []
    assert pl.context_deref(pl.rrefctx(plot), next(iter(pl.drefdeps1([dref])))) == list(anneal)
    with pytest.raises(pl.UsageError, match="name it in the configuration"):
        pl.context_deref({}, dref)


def test_what_is_only_instantiated_is_known(S: pl.StorageSettings) -> None:
    dref = pl.instantiate(stage_params, S=S).dref
    assert list(pl.alldrefs(S)) == [dref]
    assert list(pl.allrrefs(S)) == []
    assert pl.drefrrefs(dref, S) == []
    assert Path(pl.drefcfgpath(dref, S)).name == "config.json"
    assert mklens(dref, S=S).name.val == "params"


# --- on disk -------------------------------------------------------------------------------------------------------


def test_folders_on_disk(S: pl.StorageSettings) -> None:
    rref = pl.realize(pl.instantiate(stage_all, S=S))
    folder = Path(pl.rref2path(rref, S))
    assert {one.name for one in folder.iterdir()} == {
        "context.json",
        "__buildstart__.txt",
        "__buildstop__.txt",
        "plot.txt",
    }
    assert json.loads((folder / "context.json").read_text()) == pl.rrefctx(rref, S)
    assert (folder / "context.json").read_text() == pl.context_serialize(pl.rrefctx(rref, S))
    assert len(pl.rrefctx(rref, S)) == 2  # all that it was made from, not only what directly
    start, stop = (pl.parsetime((folder / f"__build{one}__.txt").read_text()) for one in ("start", "stop"))
    assert start is not None
    assert stop is not None
    assert start <= stop
    assert pl.parsetime("never") is None
    for one in (folder, *folder.rglob("*")):
        assert not one.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    above = Path(pl.dref2path(pl.rref2dref(rref), S))
    assert folder.parent == above
    assert above.parent == Path(pl.fsstorage(S))
    assert json.loads((above / "config.json").read_text())["name"] == "plot"
    assert pl.path2rref(str(folder)) == rref
    assert pl.path2dref(str(above)) == pl.rref2dref(rref)
    assert pl.path2rref("/tmp/x") is None
    assert [Path(one).name for one in pl.rrefdata(rref, S)] == ["plot.txt"]


def test_folders_are_made_again_and_a_storage_can_be_moved(S: pl.StorageSettings, tmp_path: Path) -> None:
    rref = pl.realize(pl.instantiate(stage_all, S=S))
    assert mklens(rref, S=S).out.contents.startswith("minimum")
    pl.dirrm(pl.fsstorage(S))
    assert not os.path.exists(pl.fsstorage(S))
    assert mklens(rref, S=S).out.contents.startswith("minimum")
    os.rename(S.storage, tmp_path / "moved")
    moved = pl.mksettings(str(tmp_path / "moved"))
    assert mklens(rref, S=moved).ref_anneal.ref_params.out.contents == "[2, 3, 7]"


def test_a_folder_that_was_changed_is_mended() -> None:
    rref = pl.realize(pl.instantiate(stage_all))
    folder = Path(pl.rref2path(rref))
    folder.chmod(0o755)
    (folder / "context.json").unlink()
    (folder / "plot.txt").unlink()
    assert Path(pl.rref2path(rref)) == folder
    assert (folder / "plot.txt").exists()
    assert (folder / "context.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "params"}', "\xff", "[" * 5000])
def test_a_damaged_configuration_is_a_clean_error_or_mended(S: pl.StorageSettings, content: str) -> None:
    closure = pl.instantiate(stage_params, S=S)
    path = Path(pl.drefcfgpath(closure.dref, S))
    path.chmod(0o644)
    path.write_text(content, "latin-1")
    assert pl.drefcfg_(closure.dref, S).val["name"] == "params"
    assert json.loads(path.read_text())["name"] == "params"
    unknown = pl.mkdref("0" * 32, "x")
    Path(pl.fsstorage(S), "0" * 32 + "-x").mkdir()
    Path(pl.fsstorage(S), "0" * 32 + "-x", "config.json").write_text(content, "latin-1")
    with pytest.raises(BadConfigError, match=r"config\.json is damaged"):
        pl.drefcfg(unknown, S)


def test_references_made_up_by_hand(S: pl.StorageSettings) -> None:
    for call in (pl.drefcfg, pl.dref2path):
        with pytest.raises(NotStoredError):
            call(pl.mkdref("1" * 32, "x"), S)
    with pytest.raises(NotStoredError):
        pl.rref2path(pl.mkrref("1" * 32, "2" * 32, "x"), S)


# --- lenses --------------------------------------------------------------------------------------------------------


def test_lenses() -> None:
    closure = pl.instantiate(stage_all)
    rref = pl.realize(closure)
    lens = mklens(rref)
    assert isinstance(lens, pl.Lens)
    assert lens.val == lens.rref == rref
    assert lens.dref == pl.rref2dref(rref)
    assert lens.syspath == pl.rref2path(rref)
    assert lens.name.val == "plot"
    assert lens.get("name").optval == "plot"
    assert lens.ref_anneal.dref == pl.DRef(lens.ref_anneal.val)
    assert lens.ref_anneal.rref in pl.allrrefs()
    assert lens.out.refpath == [lens.dref, "plot.txt"]
    assert lens.out.syspath == os.path.join(pl.rref2path(rref), "plot.txt")
    assert lens.out.contents == pl.readstr(lens.out.syspath)
    assert lens.ref_anneal.ref_params.out.contents == "[2, 3, 7]"
    assert json.loads(lens.ref_anneal.trace.contents)[:3] == [2, 3, 7]
    assert mklens(closure.dref).syspath == pl.dref2path(closure.dref)
    assert mklens(closure.dref, rref=rref).ref_anneal.rref == lens.ref_anneal.rref
    assert mklens(closure.dref, ctx=pl.rrefctx(rref)).ref_anneal.rref == lens.ref_anneal.rref
    assert mklens(closure).dref == closure.dref
    assert pl.realize(mklens(closure).ref_anneal.closure) == lens.ref_anneal.rref
    assert "ref_anneal" in repr(lens.ref_anneal)


def test_a_lens_on_a_dict_can_be_set() -> None:
    values = {"a": {"b": 1, "c": None}}
    mklens(values).a.b.val = 2
    assert values["a"]["b"] == 2
    assert mklens(values).a.c.optval is None
    with pytest.raises(pl.UsageError, match="use optval"):
        _ = mklens(values).a.c.val
    with pytest.raises(pl.UsageError, match="cannot be set"):
        mklens(values).val = 3


def test_a_lens_looks_into_json_files() -> None:
    def stage(m: Manager) -> pl.DRef:
        def make(b: Build) -> None:
            pl.writestr(mklens(b).out.syspath, '{"best": {"value": 4}}')

        return mkdrv(m, mkconfig({"out": [selfref, "o.json"]}), match_only(), build_wrapper(make))

    assert mklens(pl.realize(pl.instantiate(stage))).out.best.value.val == 4


def test_lenses_say_what_is_wrong() -> None:
    rref = pl.realize(pl.instantiate(stage_all))
    dref = pl.rref2dref(rref)
    for look, said in (
        (lambda: mklens(rref).nothing, "has no 'nothing'; it has name, out, ref_anneal"),
        (lambda: mklens(rref).name.deeper, "is no configuration"),
        (lambda: mklens(rref).name.syspath, "has no path"),
        (lambda: mklens(rref).name.dref, "no reference"),
        (lambda: mklens(rref).name.rref, "no reference"),
        (lambda: mklens(rref).name.refpath, "no path into a stage"),
        (lambda: mklens(dref).out.syspath, "begin at a realization"),
        (lambda: mklens(dref).ref_anneal.rref, "begin at a realization"),
        (lambda: mklens(dref).closure, "what instantiate returned"),
        (lambda: mklens(rref).out.x, "no JSON file"),
    ):
        with pytest.raises(AssertionError, match=said):
            look()


# --- builds --------------------------------------------------------------------------------------------------------


def test_what_a_build_tells() -> None:
    seen: dict[str, object] = {}

    class Mine(Build):
        def __init__(self, arguments: pl.BuildArgs) -> None:
            super().__init__(arguments)
            self.mine = True

    def make(b: Mine) -> None:
        seen["mine"] = b.mine
        seen["name"] = pl.build_name(b)
        seen["config"] = pl.build_config(b).val["step"]
        assert pl.build_cattrs(b) is pl.build_cattrs(b)
        seen["attribute"] = pl.build_cattrs(b).step
        params = pl.DRef(pl.build_config(b).val["ref"])
        assert pl.build_deref_(b, params) == [pl.build_deref(b, params)] == pl.build_context(b)[params]
        assert pl.build_path(b, [params, "params.json"]) == mklens(b).ref.out.syspath
        assert pl.build_outpaths(b) == [pl.build_outpath(b)]
        assert pl.build_path(b, [selfref, "o"]) == mklens(b).out.syspath
        environment = pl.build_environ(b, {"HOME": "/"})
        assert (environment["HOME"], environment["step"], environment["out"]) == ("/", "3", mklens(b).out.syspath)
        with pytest.raises(pl.UsageError, match="no path"):
            pl.build_path(b, ["x"])
        pl.writestr(mklens(b).out.syspath, "x")
        with pytest.raises(pl.UsageError, match="set their number before"):
            pl.build_setoutpaths(b, 2)

    def stage(m: Manager) -> pl.DRef:
        config = mkconfig({"name": "told", "step": 3, "ref": stage_params(m), "out": [selfref, "o"]})
        return mkdrv(m, config, match_only(), pl.build_wrapper_(make, Mine))

    pl.realize(pl.instantiate(stage))
    assert seen == {"mine": True, "name": "told", "config": 3, "attribute": 3}


def test_builds_with_no_or_several_folders() -> None:
    def none(m: Manager) -> pl.DRef:
        return mkdrv(m, mkconfig({"a": 1}), match_only(), build_wrapper(pl.build_outpath, nouts=None))

    def several(m: Manager) -> pl.DRef:
        return mkdrv(m, mkconfig({"a": 2}), match_only(), build_wrapper(pl.build_outpath, nouts=2))

    with pytest.raises(pl.UsageError, match="no output folder"):
        pl.realize(pl.instantiate(none))
    with pytest.raises(pl.UsageError, match="2 output folders"):
        pl.realize(pl.instantiate(several))


# --- matchers ------------------------------------------------------------------------------------------------------


def test_matchers_and_keys() -> None:
    many = pl.realizeMany(
        pl.instantiate(lambda m: pl.redefine(stage_anneal, new_matcher=pl.match_some(4))(m, stage_params(m)))
    )
    made = pl.drefrrefs(pl.rref2dref(many[0]))
    assert many == sorted(many, reverse=True)  # by hash
    assert pl.match_latest(2)(None, made) == made[:1:-1]
    assert pl.match_latest(5)(None, made) is None
    assert pl.match_all(None, made) == made
    assert pl.match_all(None, []) is None
    assert sorted(pl.match_exact(made[:2])(None, made)) == sorted(made[:2])
    assert pl.match_exact(made[:2])(None, made[1:]) is None
    assert match_only()(None, made[:1]) == made[:1]
    assert match_only()(None, []) is None
    with pytest.raises(pl.MatchError, match="there are 4"):
        match_only()(None, made)
    assert pl.match(pl.latest(), lambda found: found[:1])(None, made) == made[-1:]
    assert pl.match(pl.exact(made[1:3]), lambda found: found, pl.match_some(1, pl.texthash()))(None, made) == [
        max(made[1:3])
    ]


def test_latest_is_by_sequence_not_by_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    def stage(m: Manager) -> pl.DRef:
        return pl.redefine(stage_anneal, new_matcher=pl.match_latest())(m, stage_params(m))

    first = pl.realize(pl.instantiate(stage))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 1e6)
    closure = pl.instantiate(stage)
    second = pl.realize(closure, force_rebuild=True)
    assert first != second
    assert pl.realize(closure) == second


# --- storages ------------------------------------------------------------------------------------------------------


def test_which_storage_is_meant(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pl.fsroot() == str(place / "store")
    monkeypatch.delenv("STAGELOOM_STORE")
    monkeypatch.setenv("PYLIGHTNIX_ROOT", str(place / "root"))
    assert pl.fsroot() == str(place / "root")
    monkeypatch.setenv("PYLIGHTNIX_STORAGE", str(place / "storage"))
    rref = pl.realize(pl.instantiate(stage_params))
    seen: list[list[str]] = []
    thread = threading.Thread(target=lambda: seen.append([pl.fsroot(), *pl.allrrefs()]))
    thread.start()
    thread.join()
    assert seen == [[str(place / "storage"), rref]]
    monkeypatch.delenv("PYLIGHTNIX_STORAGE")
    monkeypatch.delenv("PYLIGHTNIX_ROOT")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(place / "program.py"), raising=False)
    assert pl.fsroot() == str(place / ".stageloom" / "store")
    for other in ("/usr/bin/stageloom", str(Path(pl.__file__).parents[1] / "worker" / "__main__.py")):
        monkeypatch.setattr(sys.modules["__main__"], "__file__", other, raising=False)
        assert pl.fsroot() == str(place / ".stageloom" / "store")  # of the working folder


def test_storages_are_made_and_emptied(S: pl.StorageSettings, place: Path) -> None:
    pl.fsinit(S)
    pl.realize(pl.instantiate(stage_params, S=S))
    with pytest.raises(pl.UsageError, match="exists already"):
        pl.fsinit(S, check_not_exist=True)
    assert len(list(pl.allrrefs(S))) == 1
    pl.fsinit(S, remove_existing=True)
    assert list(pl.allrrefs(S)) == []
    assert os.path.isdir(pl.fstmpdir(S))
    assert pl.fstmpdir(pl.mksettings("x", str(place / "t"))) == str(place / "t")
    pl.dirrm(S.storage)
    assert pl.realize(pl.instantiate(stage_params, S=S)) in pl.allrrefs(S)
    with pytest.raises(pl.UsageError, match="mksettings"):
        pl.fsinit("folder")


def test_a_folder_of_other_things_is_not_removed(place: Path) -> None:
    (place / "home").mkdir()
    (place / "home" / "thesis.txt").write_text("years")
    with pytest.raises(pl.UsageError, match=r"thesis\.txt"):
        pl.fsinit(pl.mksettings(str(place / "home")), remove_existing=True)
    assert (place / "home" / "thesis.txt").read_text() == "years"


def test_small_helpers(place: Path) -> None:
    folder = place / "f"
    folder.mkdir()
    pl.writestr(str(folder / "a"), "text")
    assert pl.readstr(str(folder / "a")) == pl.tryread(str(folder / "a")) == "text"
    assert pl.tryread(str(folder / "b")) is None
    (folder / "a").chmod(0o444)
    folder.chmod(0o555)
    pl.dirrw(str(folder))
    assert (folder / "a").stat().st_mode & stat.S_IWUSR
    folder.chmod(0o555)
    pl.dirrm(str(folder))
    assert not folder.exists()
    pl.dirrm(str(folder))
    with pytest.raises(FileNotFoundError):
        pl.dirrm(str(folder), ignore_not_found=False)
    with pytest.raises(pl.UsageError, match="a reference"):
        pl.rmref("x")


def test_types_that_programs_name() -> None:
    closure = pl.instantiate(stage_all)
    assert isinstance(closure, pl.Closure)
    assert closure.result == closure.targets[0] == closure.dref
    assert all(isinstance(one, pl.Derivation) for one in closure.derivations)
    assert isinstance(pl.Path("x"), str)
    assert pl.StorageSettings("a").tmpdir is None
    assert issubclass(pl.PromiseException, pl.PylightnixException)
    assert pl.__version__
    assert pl.PYLIGHTNIX_MANAGER.S is None
    for alias in (pl.Context, pl.Matcher, pl.Realizer, pl.RefPath):
        assert alias is not None
    assert pl.instantiate_inplace(stage_anneal, pl.instantiate_inplace(stage_params)) in pl.alldrefs()


def test_the_face_needs_the_standard_library_alone() -> None:
    told = python(
        """
        import sys
        import stageloom.pylightnix.manual
        known = {*sys.stdlib_module_names, "stageloom", "__main__"}
        print([name for name in sys.modules if name.partition(".")[0] not in known])
        """,
        "-S",
    )
    assert told.strip() == "[]"


def python(code: str, *options: str) -> str:
    """Run ``code`` in a fresh interpreter and return what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parents[1] / "src")}
    command = [sys.executable, *options, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
