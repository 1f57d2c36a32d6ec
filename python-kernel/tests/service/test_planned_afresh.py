"""What acts on a plan has the file run afresh; a status takes what it said before."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from host import Host

from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.rpc.errors import RequestCancelledError
from stageloom.rpc.messages import InvalidateParams, PlanParams
from stageloom.store.store import Store

READS = """
from pathlib import Path
from stageloom import stage

N = int(Path({place!r}).read_text())

@stage
def a(n=N):
    return n
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = READS.format(place=str(tmp_path / "n.txt"))
    (tmp_path / "p.py").write_text(text, "utf-8")
    (tmp_path / "n.txt").write_text("3", "utf-8")
    (tmp_path / "slow.py").write_text("import time\n" + text.replace("int(", "time.sleep(120) or int("), "utf-8")
    return tmp_path


def test_a_run_and_an_invalidation_take_no_old_answer(folder: Path) -> None:
    with Host(folder) as host:
        assert host.ended(host.start("p.py"))["a"].is_ == "done"
        planners = [job for job in host.jobs if job.role == "planner"]
        host.ask("pipeline/plan", PlanParams("p.py"))
        assert [job for job in host.jobs if job.role == "planner"] == planners
        (folder / "n.txt").write_text("4", "utf-8")
        assert host.ended(host.start("p.py"))["a"].is_ == "done"
        [stage] = host.ask("pipeline/plan", PlanParams("p.py")).stages
        assert [one.value for one in stage.parameters] == [4]
        (folder / "n.txt").write_text("3", "utf-8")
        hidden = host.ask("stage/invalidate", InvalidateParams("p.py", ["a"]))
        assert len(hidden.rrefs) == 1
        assert host.ended(host.start("p.py"))["a"].is_ == "done"
        (folder / "n.txt").write_text("4", "utf-8")
        assert host.ended(host.start("p.py"))["a"].is_ == "kept"


def test_one_process_that_plans_again_runs_the_file_again(folder: Path) -> None:
    with Store.open(folder / "store") as store:
        for number in (3, 4):
            (folder / "n.txt").write_text(str(number), "utf-8")
            pipeline = Workspace(folder, store, LANGUAGES, InlineExecutor()).read("p.py")
            assert [one.value for one in pipeline.targets["a"].parameters] == [number]


def test_an_invalidation_can_be_cancelled_while_it_plans(folder: Path) -> None:
    with Host(folder) as host:
        request = host.engine.endpoint.submit("stage/invalidate", InvalidateParams("slow.py", ["a"]))
        host.until(lambda: bool(host.jobs))
        began = time.monotonic()
        request.cancel()
        with pytest.raises(RequestCancelledError):
            request.result(90)
        assert time.monotonic() - began < 100, "an old answer would take two minutes"
        host.until(lambda: len(host.cancelled) == 1)
