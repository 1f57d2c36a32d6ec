"""Environment variables as declared inputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from stageloom import Env, load, realize, stage
from stageloom.library import SourceError

HEAD = "from stageloom import Env, auxiliary, stage\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STAGELOOM_TEST_MODE", raising=False)

    def made(body: str, **sets: object) -> object:
        (tmp_path / "p.py").write_text(HEAD + body)
        realize("p.py:s", sets=sets)
        return load("p.py:s", sets=sets)

    return made


def runs(root: Path) -> int:
    return len(list((root / ".stageloom/store/records").glob("*/*.json")))


def test_its_value_counts(project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "@stage\ndef s(mode=Env('STAGELOOM_TEST_MODE', 'fast')): return mode\n"
    assert project(body) == "fast"
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "fast")
    assert project(body) == "fast"
    assert runs(tmp_path) == 1
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "slow")
    assert project(body) == "slow"
    assert runs(tmp_path) == 2
    monkeypatch.delenv("STAGELOOM_TEST_MODE")
    assert project(body) == "fast"
    assert runs(tmp_path) == 2


def test_it_can_be_set_like_a_parameter(project: Any) -> None:
    assert project("@stage\ndef s(mode=Env('STAGELOOM_TEST_MODE')): return mode\n", **{"s.mode": "here"}) == "here"


def test_one_that_does_not_count(project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "@stage\ndef s(mode=auxiliary(Env('STAGELOOM_TEST_MODE', ''))): return mode\n"
    assert project(body) == ""
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "slow")
    assert project(body) == ""
    assert runs(tmp_path) == 1


def test_one_that_only_running_tells(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "slow")
    assert project("NAME = '_'.join(['STAGELOOM', 'TEST', 'MODE'])\n@stage\ndef s(m=Env(NAME)): return m\n") == "slow"


def test_one_that_is_not_set(project: Any) -> None:
    with pytest.raises(SourceError, match="STAGELOOM_TEST_MODE is not set: set it, or give Env"):
        project("@stage\ndef s(mode=Env('STAGELOOM_TEST_MODE')): return mode\n")


@pytest.mark.parametrize("call", ["Env(1)", "Env()", "Env('A', 2)", "Env('A', 'b', 'c')", "Env('A', other='b')"])
def test_a_bad_declaration(call: str, project: Any) -> None:
    with pytest.raises(SourceError, match="takes two texts: a name, and a default"):
        project(f"@stage\ndef s(mode={call}): return mode\n")


def test_its_value_is_kept_as_a_hash_alone(project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "hunter2 and more")
    project("@stage\ndef s(key=Env('STAGELOOM_TEST_MODE')): return len(key)\n")
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            assert b"hunter2" not in (Path(folder) / name).read_bytes(), name


def test_a_stage_that_is_called_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "slow")

    @stage
    def s(mode: str = Env("STAGELOOM_TEST_MODE"), other: str = Env("STAGELOOM_TEST_NONE", "x")) -> str:
        return mode + other

    assert s() == "slowx"
