"""Pipeline files of this face, run by the engine: planned, realized, found by programs, matched, read from source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stageloom.derivations.source import stage_functions
from stageloom.pylightnix import allrrefs, instantiate, mklens, mkSS, realize1, rref2path, rrefctx

SOURCES = Path(__file__).resolve().parents[2] / "src"
FILE = '''
import os
from stageloom.pylightnix import (
    Build, DRef, Registry, autostage, build_outpath, build_wrapper, match, match_latest, match_only, mkconfig, mkdrv,
    mklens, redefine, rref2path, selfref, writestr,
)


def stage_number(r: Registry, n: int = 3) -> DRef:
    """A number."""
    def make(b: Build) -> None:
        writestr(mklens(b).out.syspath, str(mklens(b).n.val))

    config = mkconfig({"name": "number", "zeta": 1, "n": n, "out": [selfref, "n.txt"]})
    return mkdrv(config, match_only(), build_wrapper(make), r)


def stage_draws(number: DRef, r: Registry) -> DRef:
    """Several at once, of which the largest counts."""
    def make(b: Build) -> None:
        for i, folder in enumerate(b.outpaths.val):
            writestr(os.path.join(folder, "n.txt"), str(int(mklens(b).number.out.contents) + i))

    def value(S, rref):
        return int(open(os.path.join(rref2path(rref, S), "n.txt")).read())

    best = match(value, lambda rrefs: rrefs[:1] or None)
    config = {"name": "draws", "number": number, "out": [selfref, "n.txt"]}
    return mkdrv(mkconfig(config), best, build_wrapper(make, nouts=3), r)


@autostage(name="shown", out=[selfref, "s.txt"])
def stage_shown(build, name, out, draws):
    """A text."""
    writestr(out, f"{open(draws.out).read()} from {draws.number.n}")


def stage_all(r: Registry) -> DRef:
    def change(c):
        c["n"] = 5

    return stage_shown(r=r, draws=stage_draws(redefine(stage_number, change)(r=r), r))
'''


def _stageloom(folder: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYLIGHTNIX_", "STAGELOOM_"))}
    done = subprocess.run(
        [sys.executable, "-m", "stageloom", *arguments],
        cwd=folder, env={**environment, "PYTHONPATH": str(SOURCES), "PYTHONUTF8": "1"}, capture_output=True,
        encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_file_is_realized_by_the_engine_and_found_by_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pipeline.py").write_text(FILE)
    said = _stageloom(tmp_path, "realize", "pipeline.py:stage_all")
    assert "failed" not in said
    assert "problem" not in said
    assert "shown" in said
    assert "Nothing to do" in _stageloom(tmp_path, "realize", "pipeline.py:stage_all")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pipeline", raising=False)
    import pipeline  # type: ignore[import-not-found]

    S = mkSS(str(tmp_path / ".stageloom"))
    before = set(allrrefs(S))
    rref = realize1(instantiate(pipeline.stage_all, S=S))
    assert set(allrrefs(S)) == before
    assert mklens(rref, S=S).out.contents == "7 from 5"
    assert len(rrefctx(rref, S)) == 2
    assert sorted(os.listdir(rref2path(rref, S))) == [
        "__buildstart__.txt",
        "__buildstop__.txt",
        "context.json",
        "s.txt",
    ]


def test_what_a_program_realized_is_cached_for_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipeline.py").write_text(FILE)
    program = (
        "from stageloom.pylightnix import *\nimport pipeline\nfsinit()\n"
        "print(realize1(instantiate(pipeline.stage_all)))\n"
    )
    (tmp_path / "program.py").write_text(program)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYLIGHTNIX_", "STAGELOOM_"))}
    (tmp_path / ".stageloom").mkdir()
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env={**environment, "PYTHONPATH": str(SOURCES)},
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" in _stageloom(tmp_path, "realize", "pipeline.py:stage_all")


def test_a_broken_promise_fails_the_stage(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text(FILE.replace("writestr(mklens(b).out.syspath, str(mklens(b).n.val))", "pass"))
    said = _stageloom(tmp_path, "realize", "pipeline.py:stage_all")
    assert "promised n.txt" in said
    assert "skipped" in said or "depends on" in said or "failed" in said


def test_stages_read_from_the_source() -> None:
    import ast

    found = {one.name: one for one in stage_functions(ast.parse(FILE), "pipeline.py")}
    assert list(found) == ["stage_number", "stage_draws", "stage_shown", "stage_all"]
    assert [one.name for one in found.values() if one.entry] == ["stage_number", "stage_all"]
    assert {one.stage for one in found.values()} == {"number", "stage_draws", "shown", "stage_all"}
    assert all(one.registry == "r" for one in found.values())
    assert found["stage_all"].alias == "stage_shown"
    assert found["stage_shown"].needs == {"draws": ["stage_draws"]}
