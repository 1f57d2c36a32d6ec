"""Retries and time limits: a stage may fail a while, or take too long, and the rest goes on."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES, executor_for
from stageloom.store.store import Store

FLAKY = """from stageloom import stage, report
import os
@stage(retries={retries})
def flaky():
    tries = len(os.listdir({folder!r}))
    open(os.path.join({folder!r}, str(tries)), "w").close()
    print("this is", tries)
    report(step=tries, value=tries)
    if tries < 2:
        raise ValueError(f"not at {{tries}}")
    return tries
@stage
def below(flaky): return flaky
@stage
def beside(): return 1
"""


class Heard:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.printed = ""

    def changed(self, stage, state, entry):
        self.told.append((stage, state))

    def log(self, stage, stream, text):
        self.printed += text

    def progress(self, stage, points, fraction, message):
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tries").mkdir()
    return tmp_path


def realize(folder: Path, text: str, heard: Heard | None = None):
    (folder / "p.py").write_text(text, "utf-8")
    with Store.open(folder / "store") as store:
        workspace = Workspace(folder, store, LANGUAGES, InlineExecutor())
        result = workspace.run(workspace.read("p.py"), [], heard or Heard()).execute()
        found = result.entries["flaky"].found if "flaky" in result.entries else None
        return result, workspace.outputs(str(found.rref)) if found is not None else None


def flaky(folder: Path, retries: int) -> str:
    return FLAKY.format(folder=str(folder / "tries"), retries=retries)


def test_a_stage_that_fails_is_tried_again_and_its_log_keeps_every_try(folder: Path) -> None:
    heard = Heard()
    result, outputs = realize(folder, flaky(folder, 2), heard)
    assert result.outcome == "done"
    assert [state for stage, state in heard.told if stage == "flaky"] == ["running"] * 3 + ["done"]
    first, second, third = "this is 0\n", "this is 1\n", "this is 2\n"
    heads = [f"── try {n + 1} of 3, after ValueError: not at {n - 1} ──\n" for n in (1, 2)]
    assert outputs.log == first + heads[0] + second + heads[1] + third == heard.printed
    assert [point.step for point in outputs.points] == [2]
    [kept] = (folder / "store" / "runs").rglob("flaky/stage.json")
    assert [one["message"] for one in json.loads(kept.read_text("utf-8"))["tries"]] == [
        "ValueError: not at 0",
        "ValueError: not at 1",
    ]
    assert (kept.parent / "1.log.txt").read_text("utf-8") == first


def test_a_stage_that_never_works_fails_with_what_depends_on_it_alone(folder: Path) -> None:
    result, _ = realize(folder, flaky(folder, 1))
    assert result.outcome == "failed"
    assert result.states == {"flaky": "failed", "below": "skipped", "beside": "done"}
    assert result.first_failure == "flaky"
    failure = result.entries["flaky"].failure
    assert failure.message == "ValueError: not at 1"
    assert "tried 2 times" in failure.advice


def test_what_no_other_try_can_mend_is_tried_once(folder: Path) -> None:
    result, _ = realize(folder, "from stageloom import stage\n@stage(retries=5)\ndef a():\n    import no_such_thing\n")
    assert result.entries["a"].failure.kind == "missing-package"
    assert result.entries["a"].tries == []


def test_limits_do_not_count_for_identity(folder: Path) -> None:
    assert realize(folder, flaky(folder, 2))[0].outcome == "done"
    for options in ("(retries=7)", "(retries=0, timeout=60)", ""):
        text = flaky(folder, 2).replace("(retries=2)", options)
        assert realize(folder, text)[0].states == {"flaky": "kept", "below": "kept", "beside": "kept"}


SLOW = """from stageloom import stage
import time
@stage(timeout=0.5{more})
def a():
    print("begun")
    {work}
    return 1
@stage
def b(): return 2
@stage
def c(a): return a
"""
LOOP = "while True: pass"
DEAF = """try:
        time.sleep(200)
    except KeyboardInterrupt:
        pass
    time.sleep(200)"""


@pytest.mark.parametrize("work", ["time.sleep(200)", LOOP, DEAF], ids=["sleeps", "loops", "catches the first"])
def test_a_stage_that_takes_too_long_is_stopped_and_the_rest_goes_on(folder: Path, work: str) -> None:
    begun = time.monotonic()
    result, _ = realize(folder, SLOW.format(work=work, more=""))
    assert time.monotonic() - begun < 100
    assert result.outcome == "failed"
    assert result.states == {"a": "failed", "b": "done", "c": "skipped"}
    failure = result.entries["a"].failure
    assert failure.kind == "timeout"
    assert "longer than the 0.5 s" in failure.message
    assert 0.4 < result.entries["a"].took < 8


def test_what_takes_too_long_is_tried_again_each_time_with_all_of_its_time(folder: Path) -> None:
    result, _ = realize(folder, SLOW.format(work="time.sleep(200)", more=", retries=1"))
    [first] = result.entries["a"].tries
    assert (first.kind, result.entries["a"].failure.kind) == ("timeout", "timeout")
    assert 0.4 < result.entries["a"].took < 5


def test_a_limit_that_is_not_reached_changes_nothing(folder: Path) -> None:
    result, _ = realize(folder, SLOW.format(work="time.sleep(0.1)", more=""))
    assert result.outcome == "done"
    time.sleep(0.6)  # no alarm is left


def test_where_nobody_can_be_interrupted_the_log_says_so(folder: Path) -> None:
    heard = Heard()
    results = []
    text = SLOW.format(work="time.sleep(0.7)", more="")
    thread = threading.Thread(target=lambda: results.append(realize(folder, text, heard)))
    thread.start()
    thread.join(30)
    assert results[0][0].outcome == "done"
    assert "The time limit of 0.5 s does not hold here" in heard.printed


SLOW_PAIR = """import time
from stageloom import latest, stage
@stage(match=latest(2), timeout=0.5)
def slow():
    time.sleep({seconds})
    return time.time()
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_of_several_realizations_has_its_time(folder: Path, jobs: int) -> None:
    (folder / "p.py").write_text(SLOW_PAIR.format(seconds=30), "utf-8")
    with Store.open(folder / "store") as store, executor_for(jobs, folder) as beside:
        workspace = Workspace(folder, store, LANGUAGES, InlineExecutor())
        begun = time.monotonic()
        result = workspace.run(workspace.read("p.py"), [], Heard(), executor=beside).execute()
    assert time.monotonic() - begun < 25
    assert result.outcome == "failed"
    failure = result.entries["slow"].failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("timeout", "slow ran longer than the 0.5 s that it may")


@pytest.mark.parametrize("which", [0, 1])
def test_one_of_several_that_was_invalidated_is_made_anew(folder: Path, which: int) -> None:
    text = "import random\nfrom stageloom import latest, stage\n@stage(match=latest(2))\n"
    text += "def s(): return random.random()\n"
    realize(folder, text)
    with Store.open(folder / "store") as store:
        made = store.history(stage="s")
        assert len(made) == 2
        store.invalidate([made[which].rref])
    result, _ = realize(folder, text)
    assert result.outcome == "done"
    with Store.open(folder / "store") as store:
        assert len(store.history(stage="s")) == 2


FLAKY_THREE = """import os
from stageloom import best, stage
@stage(match=best(2, key="loss", of=3), retries={retries}, timeout=60)
def flaky():
    tries = len(os.listdir({folder!r}))
    open(os.path.join({folder!r}, str(tries) + "-" + str(os.getpid())), "w").close()
    if tries in (1, 2, 4):
        raise ValueError(f"not at {{tries}}")
    return {{"loss": tries}}
@stage
def below(flaky): return sorted(one["loss"] for one in flaky)
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_of_several_realizations_is_tried_again(folder: Path, jobs: int) -> None:
    (folder / ".tries").mkdir()  # what is in a hidden folder is none of what a stage reads
    (folder / "p.py").write_text(FLAKY_THREE.format(folder=str(folder / ".tries"), retries=3), "utf-8")
    heard = Heard()
    with Store.open(folder / "store") as store, executor_for(jobs, folder) as beside:
        workspace = Workspace(folder, store, LANGUAGES, InlineExecutor())
        result = workspace.run(workspace.read("p.py"), [], heard, executor=beside).execute()
    assert result.outcome == "done", result.entries["flaky"].failure
    assert len(result.entries["flaky"].tries) >= 1
    assert "── try 2 of 4, after ValueError: not at" in heard.printed


def test_several_that_never_work_fail_with_the_tries_of_one(folder: Path) -> None:
    text = "from stageloom import latest, stage\n@stage(match=latest(3), retries=2)\ndef s(): raise ValueError('no')\n"
    result, _ = realize(folder, text)
    failure = result.entries["s"].failure
    assert result.outcome == "failed"
    assert (failure.message, "tried 3 times" in failure.advice) == ("ValueError: no", True)
