"""A failed stage, and a cancelled one, stay so until they are made or are another: for whoever looks, and whenever."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.rpc.messages import Failure, JobFailed, StageStatus
from stageloom.store.store import Store

STAGES = """from stageloom import stage
import os
@stage
def a(): return 1
@stage
def b(a, how: int = 1):
    print("looking")
    if not os.path.exists({flag!r}):
        return {{}}["lost"]
    return a
@stage
def c(b): return b
"""


class Deaf:
    def changed(self, stage, state, entry):
        pass

    def log(self, stage, stream, text):
        pass

    def progress(self, stage, points, fraction, message):
        pass


class Interrupted(InlineExecutor):
    """Cancels ``b`` after it began."""

    def submit(self, job, pool, listener, done):
        if job.stage != "b":
            return super().submit(job, pool, listener, done)
        listener.changed("running")
        listener.log("stdout", "half way\n")
        done(JobFailed(Failure("cancelled", "interrupted")))
        return lambda: None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def write(folder: Path, **edits: str) -> None:
    text = STAGES.format(flag=str(folder / "flag"))
    for before, after in edits.items():
        text = text.replace(before, after)
    (folder / "p.py").write_text(text, "utf-8")


def realize(folder: Path, executor: InlineExecutor | None = None, **sets: int) -> str:
    given = {name.replace("_", "."): value for name, value in sets.items()}
    with Store.open(folder / "store") as store:
        workspace = Workspace(folder, store, LANGUAGES, executor or InlineExecutor())
        return workspace.run(workspace.read("p.py", sets=given), [], Deaf()).execute().outcome


def status(folder: Path, stage: str = "b", **sets: int) -> StageStatus:
    """Return how a stage stands for another process: the store is opened anew."""
    given = {name.replace("_", "."): value for name, value in sets.items()}
    with Store.open(folder / "store") as store:
        workspace = Workspace(folder, store, LANGUAGES, InlineExecutor())
        plan = workspace.plan("p.py", sets=given)
        [found] = [one for one in plan.stages if one.name == stage]
        if found.last_run is not None:
            assert workspace.record(found.last_run.run, found.last_run.stage).log == (
                "looking\n" if found.last_run.is_ == "failed" else "half way\n"
            )
        return found


def test_a_failure_is_told_with_its_traceback_time_and_log(folder: Path) -> None:
    assert status(folder).last_run is None
    assert realize(folder) == "failed"
    last = status(folder).last_run
    assert last is not None
    assert (last.is_, last.failure.exception, last.stage) == ("failed", "KeyError", "b")
    assert last.failure.frames[-1].text == 'return {}["lost"]'
    assert abs(last.at - time.time()) < 20
    assert (Path(last.folder) / "log.txt").read_text("utf-8") == "looking\n"
    assert status(folder, "a").is_ == "cached"
    assert status(folder, "c").last_run is None


def test_a_failure_counts_for_the_work_that_failed_alone(folder: Path) -> None:
    assert realize(folder) == "failed"
    assert status(folder, b_how=2).last_run is None
    write(folder, looking="seeing")
    assert status(folder).last_run is None
    write(folder, **{"return 1\n": "return 2\n"})
    assert status(folder).last_run is None
    write(folder)
    assert status(folder).last_run is not None


def test_a_failure_is_gone_once_the_stage_is_made_also_where_that_is_invalidated(folder: Path) -> None:
    assert realize(folder) == "failed"
    (folder / "flag").touch()
    assert realize(folder) == "done"
    assert status(folder).is_ == "cached"
    with Store.open(folder / "store") as store:
        Workspace(folder, store, LANGUAGES, InlineExecutor()).invalidate("p.py", ["b"])
    found = status(folder)
    assert (found.is_, found.last_run) == ("stale", None)


def test_the_last_of_several_counts_and_a_cancelled_one_too(folder: Path) -> None:
    assert realize(folder) == "failed"
    first = status(folder).last_run
    assert realize(folder) == "failed"
    second = status(folder).last_run
    assert first is not None
    assert second is not None
    assert second.at > first.at
    assert realize(folder, Interrupted()) == "cancelled"
    last = status(folder).last_run
    assert last is not None
    assert last.is_ == "cancelled"


@pytest.mark.parametrize("lost", ["index.sqlite", "runs"])
def test_what_is_told_follows_from_what_is_on_disk(folder: Path, lost: str) -> None:
    assert realize(folder) == "failed"
    if lost == "runs":
        for path in (folder / "store" / "runs").rglob("stage.json"):
            path.write_text("{", "utf-8")
    else:
        for path in (folder / "store").glob("index.sqlite*"):
            path.unlink()
    assert (status(folder).last_run is None) == (lost == "runs")
    with Store.open(folder / "store") as store:
        assert store.verify() == []
