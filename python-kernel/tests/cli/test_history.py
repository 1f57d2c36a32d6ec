"""Who realized what, when and from what; and two realizations compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stageloom.cli import main

PIPELINE = """\
from stageloom import File, report, stage
import helper

@stage
def a(n: int = 3, raw=File("raw.txt")):
    return helper.f(n) + len(raw.read_text())

@stage
def side():
    return open("side.txt").read()

@stage
def b(a, side, k: float = 0.5):
    report(step=1, loss=k)
    return {"score": a * k, "name": "x"}
"""


class Shell:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys
        (root / "p.py").write_text(PIPELINE)
        (root / "helper.py").write_text("def f(x): return x + 1\n")
        (root / "raw.txt").write_text("raw")
        (root / "side.txt").write_text("side")

    def __call__(self, *words: str, expect: int = 0) -> str:
        code = main(list(words))
        told = self._capsys.readouterr()
        assert code == expect, told
        return told.out

    def newest(self, stage: str = "b") -> str:
        listed = json.loads(self("history", f"p.py:{stage}", "--json"))
        rref: str = listed[0]["rref"]
        return rref


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


def test_history_is_listed(shell: Shell) -> None:
    shell("realize", "-q", "p.py")
    shell("realize", "-q", "p.py", "--set", "b.k=0.7")
    lines = shell("history", "p.py").splitlines()
    assert [line.split()[0] for line in lines[::2]] == ["b", "b", "side", "a"] or len(lines) == 8
    assert all("took" in line and "MB of memory" in line for line in lines[::2])
    told = json.loads(shell("history", "p.py:b", "--json"))
    assert len(told) == 2
    assert told[0]["memory"] > 1e6
    assert told[0]["user"]
    assert len(json.loads(shell("history", "p.py", "--limit", "1", "--json"))) == 1
    shell("invalidate", "p.py:b")
    assert len(json.loads(shell("history", "p.py:b", "--json"))) == 1
    assert len(json.loads(shell("history", "p.py:b", "--all", "--json"))) == 2


def test_a_history_is_told(shell: Shell) -> None:
    shell("realize", "-q", "p.py")
    told = shell("history", shell.newest())
    assert told.startswith("# b\nrref:")
    for line in (
        "    k = 0.5",
        "    loss = 0.5",
        "    score = 3.5",
        "    raw.txt  ",
        "    side.txt  ",
        "f in helper.py:",
    ):
        assert line in told
    assert told.index("# b") < told.index("# a")


def test_two_are_compared(shell: Shell) -> None:
    shell("realize", "-q", "p.py")
    first = shell.newest()
    (shell.root / "helper.py").write_text("def f(x): return x + 2\n")
    (shell.root / "side.txt").write_text("other")
    shell("realize", "-q", "p.py", "--set", "b.k=0.7")
    second = shell.newest()
    told = shell("compare", first, second, expect=1)
    for line in (
        "a     changed", "  code: f in helper.py changed", "      -def f(x): return x + 1", "  value: 7 → 8",
        "side  changed", "  input: side.txt held something else",
        "b     changed", "  parameter: k: 0.5 → 0.7", "  loss: 0.5 → 0.7", "  score: 3.5 → 5.6",
    ):  # fmt: skip
        assert line in told
    found = {one["stage"]: one for one in json.loads(shell("compare", first, second, "--json", expect=1))}
    assert found["b"]["metrics"]["loss"] == [0.5, 0.7]
    assert [one["is"] for one in json.loads(shell("compare", first, first, "--json"))] == ["same"] * 3


def test_what_differs_and_is_equal(shell: Shell) -> None:
    """Other code that made the same bytes."""
    shell("realize", "-q", "p.py")
    first = shell.newest()
    (shell.root / "helper.py").write_text("def f(x): return 1 + x\n")
    shell("realize", "-q", "p.py")
    listed = json.loads(shell("history", "p.py:a", "--json"))
    told = json.loads(shell("compare", listed[1]["rref"], listed[0]["rref"], "--json"))
    assert [(one["stage"], one["is"]) for one in told] == [("a", "equal")]
    told = json.loads(shell("compare", first, shell.newest(), "--json"))
    assert {one["stage"]: one["is"] for one in told} == {"a": "equal", "side": "same", "b": "equal"}


def test_stages_of_one_alone(shell: Shell) -> None:
    shell("realize", "-q", "p.py")
    told = json.loads(shell("compare", shell.newest("side"), shell.newest("b"), "--json", expect=1))
    assert {one["is"] for one in told} >= {"right"}


@pytest.mark.parametrize("words", [("rref:1-2-x", "rref:1-2-x"), ("p.py:a", "p.py:b")])
def test_what_cannot_be_compared(words: tuple[str, str], shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    shell("realize", "-q", "p.py")
    assert main(["compare", *words]) == 2
    assert "rref" in capsys.readouterr().err or words[0].startswith("p.py")


def test_what_is_not_in_the_store(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    shell("realize", "-q", "p.py")
    made_up = f"rref:{'0' * 32}-{'1' * 32}-b"
    assert main(["compare", shell.newest(), made_up]) == 3
    assert "is not in this store" in capsys.readouterr().err


def test_what_a_run_would_come_to(shell: Shell) -> None:
    assert shell("status", "p.py").splitlines()[-1] == "3 would run"
    shell("realize", "-q", "p.py")
    assert "would run" not in shell("status", "p.py")
    (shell.root / "helper.py").write_text("def f(x): return x + 2\n")
    assert shell("status", "p.py").splitlines()[-1].startswith("1 would run, about ")
    assert shell("status", "p.py").splitlines()[-1].endswith("by past runs; 1 depends on what comes of that")
