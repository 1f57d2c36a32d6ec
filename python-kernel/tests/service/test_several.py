"""Several realizations of one stage on a real engine's workers: side by side, chosen by a matcher, kept one by one."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from host import Host

from stageloom.rpc.messages import PlanParams, RunRef

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "pylightnix-manual"

STAGES = """
    import json
    import os
    import time

    from stageloom.derivations import *


    def stage_run(m):
        def realize(b):
            begun = time.time()
            wait(b)
            with open(mklens(b).out.syspath, "w") as file:
                json.dump([begun, time.time()], file)
        config = mkconfig({"name": "run", "out": [selfref, "times.json"]})
        return mkdrv(m, config, match_latest(), build_wrapper(realize))


    def latest_begun(folder):
        return json.loads((folder / "times.json").read_text())[0]


    def stage_sum(m):
        runs = redefine(stage_run, new_matcher=match_best(2, key=latest_begun, of=4, highest=True))(m)
        def realize(b):
            with open(mklens(b).out.syspath, "w") as file:
                json.dump([json.load(open(path)) for path in mklens(b).runs.syspaths], file)
        config = mkconfig({"name": "sum", "runs": [runs, "times.json"], "out": [selfref, "sum.json"]})
        return mkdrv(m, config, match_only(), build_wrapper(realize))


    def wait(b):
        try:
            os.close(os.open(os.path.join("here", "first"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            first = True
        except FileExistsError:
            first = False
        open(os.path.join("here", str(os.getpid())), "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
        if first and os.path.exists("die"):
            os.kill(os.getpid(), 9)
        time.sleep(0.2)
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    (tmp_path / "stages.py").write_text(textwrap.dedent(STAGES))
    (tmp_path / "here").mkdir()
    with Host(tmp_path) as host:
        yield host


def begun(host: Host, folder: Path, count: int) -> None:
    """Wait until so many are at work, each of which waits for the file ``go``."""

    def so() -> bool:
        failed = [stage.failure for one in host.changes for stage in one.stages if stage.failure is not None]
        assert not failed, failed
        return len(list((folder / "here").iterdir())) > count

    host.until(so)


def test_they_run_side_by_side_and_a_matcher_chooses(host: Host, tmp_path: Path) -> None:
    run = host.start("stages.py", "stage_sum")
    begun(host, tmp_path, 4)  # each waits for this, so all four are at work
    (tmp_path / "go").touch()
    stages = host.ended(run)
    assert {name: one.is_ for name, one in stages.items() if name} == {"run[2]": "done", "sum": "done"}
    asked = [one.method for one in host.jobs]
    assert asked.count("worker/match") == 1
    assert asked.count("worker/realize") == 5
    assert len({one.job for one in host.jobs}) == len(host.jobs)
    again = host.ended(host.start("stages.py", "stage_sum"))
    assert {one.is_ for name, one in again.items() if name} == {"kept"}


def test_one_that_dies_fails_the_stage_and_the_others_are_kept(host: Host, tmp_path: Path) -> None:
    (tmp_path / "die").touch()
    run = host.start("stages.py", "stage_sum")
    begun(host, tmp_path, 4)
    (tmp_path / "go").touch()
    stages = host.ended(run)
    assert stages[""].is_ == "failed"
    [failed] = [one for name, one in stages.items() if name and one.is_ == "failed"]
    assert failed.failure.kind == "killed"
    plan = host.ask("pipeline/plan", PlanParams("stages.py"))
    [again] = [one for one in plan.stages if one.name == failed.name]
    assert [one.summary for one in again.reasons] == ["wants 1 more realization"]
    before = len(host.jobs)
    assert host.ended(host.start("stages.py", "stage_sum"))[""].is_ == "done"
    assert [one.method for one in host.jobs[before:]].count("worker/realize") == 2


def test_cancelling_stops_all_of_them(host: Host, tmp_path: Path) -> None:
    run = host.start("stages.py", "stage_sum")
    begun(host, tmp_path, 4)
    host.ask("run/cancel", RunRef(run))
    assert host.ended(run)[""].is_ == "cancelled"
    assert len(set(host.cancelled)) == 4


def test_a_program_of_pylightnixs_manual_runs_on_workers(tmp_path: Path) -> None:
    """Matchers of its own, lenses in them, and folders as it knows them, in planners and workers."""
    pytest.importorskip("scipy")
    pytest.importorskip("matplotlib")
    for file in EXAMPLE.glob("*.py"):
        shutil.copy(file, tmp_path)
    with Host(tmp_path) as host:
        plan = host.ask("pipeline/plan", PlanParams("annealing.py"))
        assert [(one.name, one.is_, one.language) for one in plan.stages][:3] == [
            (name, "absent", "derivation") for name in ("params", "anneal", "plot")
        ]
        first = host.ended(host.start("annealing.py", "stage_all"))
        assert first[""].is_ == "done"
        best = host.ended(host.start("annealing.py", "stage_best"))
        assert {one.is_ for name, one in best.items() if name} == {"kept"}
        assert best["plot[2]"].realization == first["plot"].realization
        assert [one.method for one in host.jobs].count("worker/realize") == 3
