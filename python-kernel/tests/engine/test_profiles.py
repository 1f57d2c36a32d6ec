"""Parameter profiles in stageloom.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stageloom.cli import main
from stageloom.engine.profiles import ProfileError, read_profiles, with_profile

PIPELINE = "from stageloom import stage\n@stage\ndef s(n: int = 1, m: int = 1): return [n, m]\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.py").write_text(PIPELINE)
    profiles = {"quick": {"p.py": {"s.n": 2}, "other.py": {"t.x": 9}}, "full": {"p.py": {"s.n": 3, "s.m": 3}}}
    (tmp_path / "stageloom.json").write_text(json.dumps({"profiles": profiles}))
    return tmp_path


def value(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> object:
    assert main(["realize", "-q", "p.py", *words]) == 0
    capsys.readouterr()
    assert main(["status", "--json", "p.py", *words]) == 0
    [told] = json.loads(capsys.readouterr().out)["stages"]
    assert told["is"] == "cached"
    return [one["value"] for one in told["parameters"]]


def test_a_profile_sets_parameters(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert value(root, capsys) == [1, 1]
    assert value(root, capsys, "--profile", "quick") == [2, 1]
    assert value(root, capsys, "--profile", "full", "--set", "s.m=7") == [3, 7]
    assert value(root, capsys) == [1, 1]


def test_what_stands_for_one_profile_stands_for_no_other(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value(root, capsys)
    value(root, capsys, "--profile", "quick")
    assert main(["status", "p.py", "--profile", "full"]) == 0
    assert "stale" in capsys.readouterr().out
    (root / "stageloom.json").write_text('{"profiles": {"quick": {"p.py": {"s.n": 5}}}}')
    assert main(["status", "--check", "p.py", "--profile", "quick"]) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("[]", "is of another form"),
        ('{"profiles": []}', "is of another form"),
        ('{"profiles": {"quick": {"p.py": {"n": 1}}}}', "is of another form"),
        ('{"profiles": {"quick": {"p.py": 1}}}', "is of another form"),
        ('{"profiles": {"quack": {}}}', "no profile 'quick'; did you mean quack"),
        ("{}", "no profile 'quick'; there is none"),
        ('{"profiles": {"quick": {"p.py": {"s.k": 1}}}}', "no parameter 's.k'"),
    ],
)
def test_bad_profiles(text: str, told: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "stageloom.json").write_text(text)
    assert main(["status", "p.py", "--profile", "quick"]) == 2
    assert told in capsys.readouterr().err


def test_no_file_is_no_profiles(tmp_path: Path) -> None:
    assert read_profiles(tmp_path) == {}
    assert with_profile(tmp_path, "", "p.py", {"s.n": 1}) == {"s.n": 1}
    with pytest.raises(ProfileError):
        with_profile(tmp_path, "quick", "p.py", {})


def test_in_python(root: Path) -> None:
    import stageloom

    stageloom.realize("p.py:s", profile="quick")
    assert stageloom.load("p.py:s", profile="quick") == [2, 1]
