"""An error of the engine's own, or a worker's nonsense, leaves no lock behind: who comes next isn't kept waiting."""

from __future__ import annotations

from pathlib import Path

import pytest

from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.rpc.messages import JobDone
from stageloom.store.store import Store

STAGES = "from stageloom import stage\n@stage\ndef a(): return 1\n@stage\ndef b(): return 2\n"


class Deaf:
    def changed(self, stage, state, entry):
        pass

    def log(self, stage, stream, text):
        pass

    def progress(self, stage, points, fraction, message):
        pass


class Nonsense(InlineExecutor):
    """Answers for the stage ``a`` what no worker may."""

    def submit(self, job, pool, listener, done):
        if job.stage != "a":
            return super().submit(job, pool, listener, done)
        done(JobDone({"files": 3}))
        return lambda: None


class Refusing(InlineExecutor):
    def submit(self, job, pool, listener, done):
        raise RuntimeError("can't start new thread")


def run(folder: Path, store: Store, executor: InlineExecutor):
    workspace = Workspace(folder, store, LANGUAGES, executor)
    return workspace.run(workspace.read("p.py"), [], Deaf()).execute()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.py").write_text(STAGES, "utf-8")
    return tmp_path


def held(folder: Path) -> list[str]:
    return [path.name for path in (folder / "store" / "locks").iterdir() if path.name not in ("store.lock", "gc.lock")]


def test_an_answer_that_makes_no_sense_fails_its_stage_alone(folder: Path) -> None:
    with Store.open(folder / "store") as store:
        result = run(folder, store, Nonsense())
        assert (result.outcome, result.states["a"], result.states["b"]) == ("failed", "failed", "done")
        assert result.entries["a"].failure.kind == "internal"
        assert "files: expected a list" in result.entries["a"].failure.message
        assert held(folder) == []
        assert run(folder, store, InlineExecutor()).outcome == "done"


def test_an_error_while_a_job_is_started_gives_its_lock_back(folder: Path) -> None:
    with Store.open(folder / "store") as store:
        with pytest.raises(RuntimeError, match="new thread"):
            run(folder, store, Refusing())
        assert held(folder) == []
        assert run(folder, store, InlineExecutor()).outcome == "done"
