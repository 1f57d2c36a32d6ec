"""Several realizations of a function stage: latest, only, best."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stageloom import best, latest, load, only, realize, stage
from stageloom.cli import main
from stageloom.functions.matching import MatchingError
from stageloom.library import SourceError, StageFailedError

HEAD = "import random\nfrom stageloom import best, latest, only, stage\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def made(match: str, body: str = "return random.random()", then: str = "") -> Any:
        text = f"{HEAD}@stage(match={match})\ndef many(): {body}\n@stage\ndef s(many): return many\n{then}"
        (tmp_path / "p.py").write_text(text)
        realize("p.py:s")
        return load("p.py:s")

    return made


def realizations(root: Path, stage: str = "many") -> int:
    records = [json.loads(path.read_text()) for path in (root / ".stageloom/store/records").glob("*/*.json")]
    return sum(record["derivation"].endswith(f"-{stage}") for record in records)


def test_the_newest(project: Any, tmp_path: Path) -> None:
    first = project("latest(3)")
    assert len(set(first)) == 3  # each with random numbers of its own
    assert project("latest(3)") == first
    assert realizations(tmp_path) == 3
    assert len(project("latest(5)")) == 5
    assert realizations(tmp_path) == 5
    assert sorted(load("p.py:many")) == sorted(project("latest(5)"))


def test_the_best(project: Any, tmp_path: Path) -> None:
    value = project("best(key='', of=6)")
    assert realizations(tmp_path) == 6
    every = project("latest(6)")
    assert value == min(every)
    assert project("best(key='', of=6, highest=True)") == max(every)
    assert sorted(project("best(2, key=lambda x: -x)")) == sorted(every)[-2:]
    assert realizations(tmp_path) == 6


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("loss", "{'loss': 1}"),
        ("a.b", "{'a': {'b': 1}}"),
        ("1", "[5, 1]"),
        ("real", "1j + 1"),
        ("x.-1", "{'x': (3, 1)}"),
    ],
)
def test_where_the_number_is(key: str, value: str, project: Any) -> None:
    assert project(f"best(key={key!r})", f"return {value}") is not None


@pytest.mark.parametrize(
    ("key", "told"), [("gain", "a dict has no 'gain'"), ("name", "finds a str, not a number"), ("loss.x", "no 'x'")]
)
def test_a_key_that_does_not_fit(key: str, told: str, project: Any) -> None:
    with pytest.raises((StageFailedError, SourceError), match=told):
        project(f"best(key={key!r}, of=2)", "return {'loss': random.random(), 'name': 'x'}")


def test_only_one(project: Any, tmp_path: Path) -> None:
    value = project("only()")
    assert project("only()") == value
    project("latest(2)")
    with pytest.raises(StageFailedError, match="many"):
        project("only()")


@pytest.mark.parametrize(
    "match",
    [
        "latest(0)",
        "latest(n=len('abc'))",
        "3",
        "best(2).x",
        "latest(1, 2)",
        "best(1, kee=2)",
        "latest('2')",
        "min",
        "latest(True)",
    ],
)
def test_a_bad_declaration(match: str, project: Any) -> None:
    with pytest.raises(SourceError, match="match= takes latest"):
        project(match)


def test_no_match_is_none(project: Any) -> None:
    assert isinstance(project("None"), float)


def test_bad_calls() -> None:
    with pytest.raises(ValueError, match="one realization or more"):
        latest(0)
    with pytest.raises(TypeError, match="key= is a function, or a text"):
        best(key=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="match= takes latest"):
        stage(match=3)  # type: ignore[call-overload]
    assert only().n == 1
    with pytest.raises(MatchingError, match="has no 'b'"):
        best(key="a.b").choose({"x": {"a": 1}})


def test_status_tells_of_several(project: Any, capsys: pytest.CaptureFixture[str]) -> None:
    project("latest(3)")
    assert main(["status", "p.py"]) == 0
    told = capsys.readouterr().out
    assert told.count("cached") == 2
    project("latest(3)")
    assert main(["realize", "p.py"]) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_an_instance_matches_as_its_stage(project: Any, tmp_path: Path) -> None:
    project("latest(2)", "return random.random()", "other = many.bind()\n@stage\ndef t(other): return len(other)\n")
    realize("p.py:t")
    assert load("p.py:t") == 2
