"""One program through the whole face: stages that depend on each other, found again, looked at, removed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from stageloom.pylightnix import (
    Build,
    BuildError,
    DRef,
    PromiseException,
    Registry,
    StorageSettings,
    WrongFaceError,
    alldrefs,
    allrrefs,
    build_outpath,
    build_wrapper,
    drefcfg,
    drefrrefs,
    fsinit,
    instantiate,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    mklens,
    mkSS,
    realize,
    realize1,
    realizeMany,
    rmref,
    rref2dref,
    rref2path,
    rrefctx,
    selfref,
    spack,
    sunpack,
)
from stageloom.pylightnix import (
    Path as FacePath,
)


@pytest.fixture(name="S")
def storage(tmp_path: Path) -> StorageSettings:
    S = mkSS(str(tmp_path / "storage"))
    fsinit(S)
    return S


RUNS: list[str] = []


def stage_number(r: Registry, n: int = 1) -> DRef:
    def make(b: Build) -> None:
        RUNS.append("number")
        Path(mklens(b).out.syspath).write_text(str(mklens(b).n.val))
        Path(build_outpath(b), "_log.txt").write_text(os.urandom(4).hex())

    config = mkconfig({"name": "number", "zeta": {"b": 1, "a": [2]}, "n": n, "out": [selfref, "n.txt"]})
    return mkdrv(config, match_only(), build_wrapper(make), r)


def stage_double(r: Registry, n: int = 1) -> DRef:
    number = stage_number(r, n)

    def make(b: Build) -> None:
        RUNS.append("double")
        Path(mklens(b).out.syspath).write_text(str(2 * int(mklens(b).number.out.contents)))

    config = mkconfig({"name": "double", "number": number, "out": [selfref, "n.txt"]})
    return mkdrv(config, match_latest(), build_wrapper(make), r)


def test_realized_once_and_looked_at(S: StorageSettings) -> None:
    RUNS.clear()
    rref = realize1(instantiate(stage_double, S=S, n=4))
    assert RUNS == ["number", "double"]
    assert realize1(instantiate(stage_double, S=S, n=4)) == rref
    assert RUNS == ["number", "double"]
    lens = mklens(rref, S=S)
    assert lens.out.contents == "8"
    assert lens.number.out.contents == "4"
    assert lens.number.n.val == 4
    assert list(drefcfg(lens.number.dref, S).val) == ["name", "zeta", "n", "out"]
    assert list(drefcfg(lens.number.dref, S).val["zeta"]) == ["b", "a"]
    assert rrefctx(rref, S) == {lens.number.dref: [lens.number.rref]}
    assert list(alldrefs(S)) == [lens.number.dref, rref2dref(rref)]
    assert list(allrrefs(S)) == [lens.number.rref, rref]


def test_folders_are_real_and_write_protected(S: StorageSettings) -> None:
    rref = realize1(instantiate(stage_double, S=S, n=4))
    for one in (rref, mklens(rref, S=S).number.rref):
        folder = Path(rref2path(one, S))
        assert {"context.json", "__buildstart__.txt", "__buildstop__.txt", "n.txt"} <= {
            p.name for p in folder.iterdir()
        }
        for path in (folder, *folder.iterdir()):
            assert not stat.S_IMODE(path.stat().st_mode) & 0o222, path
        assert json.loads((folder / "context.json").read_text()) == rrefctx(one, S)
        assert json.loads((folder.parent / "config.json").read_text())["name"] in ("number", "double")


def test_a_promise_that_is_not_kept_stores_nothing(S: StorageSettings) -> None:
    def stage(r: Registry) -> DRef:
        config = mkconfig({"name": "liar", "out": [selfref, "sub", "file"]})
        return mkdrv(config, match_only(), build_wrapper(lambda b: None), r)

    with pytest.raises(PromiseException, match="promised sub/file"):
        realize1(instantiate(stage, S=S))
    assert list(allrrefs(S)) == []


def test_what_a_realizer_raises(S: StorageSettings) -> None:
    def stage(r: Registry) -> DRef:
        def make(b: Build) -> None:
            raise ValueError("too bad")

        return mkdrv(mkconfig({"name": "bad"}), match_only(), build_wrapper(make), r)

    with pytest.raises(BuildError, match="ValueError: too bad") as caught:
        realize1(instantiate(stage, S=S))
    assert all(Path(folder).is_dir() for folder in caught.value.outpaths)
    assert isinstance(caught.value.exception, ValueError)


def test_several_realizations_at_once(S: StorageSettings) -> None:
    def stage(r: Registry) -> DRef:
        def make(b: Build) -> None:
            assert b.outpaths is not None
            for number, folder in enumerate(b.outpaths.val):
                Path(folder, "n").write_text(str(number))

        return mkdrv(mkconfig({"name": "many"}), match_latest(3), build_wrapper(make, nouts=3), r)

    rrefs = realizeMany(instantiate(stage, S=S))
    assert sorted(Path(rref2path(rref, S), "n").read_text() for rref in rrefs) == ["0", "1", "2"]
    assert realizeMany(instantiate(stage, S=S)) == rrefs


def test_the_order_of_keys_travels(S: StorageSettings, tmp_path: Path) -> None:
    rref = realize1(instantiate(stage_number, S=S))
    D = mkSS(str(tmp_path / "other"))
    fsinit(D)
    spack([rref], FacePath(tmp_path / "a.zip"), S)
    sunpack(FacePath(tmp_path / "a.zip"), D)
    assert list(drefcfg(rref2dref(rref), D).val) == ["name", "zeta", "n", "out"]


def test_removed(S: StorageSettings) -> None:
    rref = realize1(instantiate(stage_number, S=S))
    folder = rref2path(rref, S)
    rmref(rref, S)
    assert not Path(folder).exists()
    assert drefrrefs(rref2dref(rref), S) == set()
    assert realize1(instantiate(stage_number, S=S)) == rref
    rmref(rref2dref(rref), S)
    assert list(alldrefs(S)) == []
    assert realize1(instantiate(stage_number, S=S)) == rref


def test_the_manuals_way_is_told(S: StorageSettings) -> None:
    with pytest.raises(WrongFaceError, match=r"stageloom\.pylightnix\.manual"):
        mklens(realize(instantiate(stage_number, S=S)), S=S)
    with pytest.raises(WrongFaceError, match="realize1"):
        rref2path(realize(instantiate(stage_number, S=S)), S)  # type: ignore[arg-type]
    with pytest.raises(WrongFaceError, match="registry comes last"):
        mkdrv(Registry(S), mkconfig({}), match_only(), build_wrapper(lambda b: None))  # type: ignore[arg-type]
    with pytest.raises(WrongFaceError, match="parameter r"):
        instantiate(lambda m: stage_number(m), S=S)  # noqa: PLW0108  # m
    with pytest.raises(ImportError, match=r"import it from stageloom\.pylightnix\.manual"):
        from stageloom.pylightnix import Manager  # noqa: F401
