"""What the command line says of stages is what the editor says: both read ``tests/shared/words.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from stageloom.cli import show
from stageloom.rpc.messages import Failure, LastRun, Realization, Reason, Span, StageStatus

TABLE: Any = json.loads((Path(__file__).parents[1] / "shared" / "words.json").read_text(encoding="utf-8"))
SPAN = Span("pipeline.py", 0, 0, 0, 0)


def reason(told: Any) -> Reason:
    return Reason(told["kind"], told["summary"], told["subject"])


@pytest.mark.parametrize(("seconds", "words"), TABLE["durations"])
def test_durations(seconds: float, words: str) -> None:
    assert show.duration(seconds) == words


@pytest.mark.parametrize(("count", "words"), TABLE["sizes"])
def test_sizes(count: int, words: str) -> None:
    assert show.size(count) == words


@pytest.mark.parametrize(("seconds", "words"), TABLE["ages"])
def test_ages(seconds: float, words: str) -> None:
    assert show.age(TABLE["now"] - seconds, TABLE["now"]) == words


@pytest.mark.parametrize(("told", "words"), TABLE["states"])
def test_states(told: Any, words: str) -> None:
    made = told["realization"]
    realization = made and Realization(
        "r", "d", "t", 1, made["at"], made["took"], made["size"], "run", pinned=made.get("pinned", False)
    )
    status = StageStatus(
        "a",
        told["function"],
        "function",
        SPAN,
        told["is"],
        reasons=tuple(map(reason, told["reasons"])),
        realization=realization,
        note=told.get("note", ""),
    )
    assert show.state_words(status, TABLE["now"]) == words
    assert show.stage_line(status, 4).startswith("a     ")


@pytest.mark.parametrize(("told", "words"), TABLE["lastRuns"])
def test_last_runs(told: Any, words: str) -> None:
    last = LastRun(told["is"], "run", "a", told["at"], 1.0, Failure(**told["failure"]), "/store/runs/run/a")
    for standing in ("absent", "stale"):
        status = StageStatus("a", "a", "function", SPAN, standing, last_run=last)
        assert show.state_words(status, TABLE["now"]) == words


@pytest.mark.parametrize(("given", "words"), TABLE["reasons"])
def test_reasons(given: Any, words: str) -> None:
    own, told = given
    assert show.reason_words(reason(told), own) == words


@pytest.mark.parametrize(("told", "words"), TABLE["failures"])
def test_failures(told: Any, words: str) -> None:
    assert show.failure_words(Failure(**told)) == words


def test_every_state_and_failure_has_a_case() -> None:
    states = set(get_args(get_type_hints(StageStatus)["is_"]))
    assert {told["is"] for told, _ in TABLE["states"]} == states
    kinds = set(get_args(get_type_hints(Failure)["kind"]))
    assert {told["kind"] for told, _ in TABLE["failures"]} == kinds


def test_a_stage_that_asks_for_several_says_how_many_stand_for_it(project) -> None:
    project.write(
        "pipeline.py",
        """
        import random
        from stageloom import best, stage

        @stage(match=best(2, key="loss", of=3))
        def tried():
            return {"loss": random.random()}
        """,
    )
    project.run("realize", "pipeline.py")
    assert "tried  cached · 2 realizations · just now" in project.run("status", "pipeline.py")
    # answered from what the last command found
    assert "tried  cached" in project.run("realize", "pipeline.py")
