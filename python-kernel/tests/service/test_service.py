"""The engine as the editor has it: its own process, real workers, everything over the connection."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from host import Host

from stageloom.rpc.errors import RequestCancelledError
from stageloom.rpc.messages import PlanParams, RunRef

PIPELINE = """
import os, signal

import time
import numpy
from stageloom import stage
import helper


@stage
def first():
    import json
    import scipy.optimize
    return 1


@stage
def second(first):
    import matplotlib
    return helper.one() + first


@stage
def kills(first):
    print("still here", flush=True)
    time.sleep(0.5)  # what is said in the very moment of an end is lost
    os.kill(os.getpid(), signal.SIGKILL)
"""

SLOW = """
import time
from stageloom.derivations import DRef, Manager, mkconfig, mkdrv, build_wrapper, match_only

time.sleep(120)


def stage_a(m: Manager) -> DRef:
    return mkdrv(m, mkconfig({"name": "a"}), match_only(), build_wrapper(lambda b: None))
"""


@pytest.fixture
def host(tmp_path: Path):
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    (tmp_path / "helper.py").write_text(
        "import csv\n\ntry:\n    import yaml\nexcept ImportError:\n    yaml = None\n\n\ndef one():\n    return 1\n"
    )
    (tmp_path / "slow.py").write_text(SLOW)
    with Host(tmp_path) as made:
        yield made


def test_spare_workers_are_told_what_the_targets_stages_import(host):
    host.ended(host.start("pipeline.py", "second"))
    assert {tuple(sorted(job.warm)) for job in host.jobs} == {("matplotlib", "numpy", "scipy.optimize", "yaml")}


def test_a_plan_that_nobody_wants_any_more_ends_at_once_with_its_planner(host):
    request = host.engine.endpoint.submit("pipeline/plan", PlanParams("slow.py"))
    host.until(lambda: bool(host.jobs))
    waiting = host.engine.endpoint.submit("pipeline/plan", PlanParams("slow.py"))
    began = time.monotonic()
    assert {stage.name for stage in host.ask("pipeline/plan", PlanParams("pipeline.py"), 90).stages} > {"first"}
    for one in (waiting, request):
        one.cancel()
        with pytest.raises(RequestCancelledError):
            one.result(90)
    assert time.monotonic() - began < 100, "the planner sleeps for two minutes"
    host.until(lambda: host.cancelled == [host.jobs[0].job])
    assert len(host.jobs) == 1


def test_a_run_that_is_cancelled_while_it_is_planned_ends_as_cancelled(host):
    run = host.start("slow.py")
    host.until(lambda: bool(host.jobs))
    host.ask("run/cancel", RunRef(run))
    assert host.ended(run)[""].is_ == "cancelled"
    host.until(lambda: len(host.cancelled) == 1)


def test_a_stage_that_kills_its_process_fails_by_name_and_what_finished_is_kept(host):
    ended = host.ended(host.start("pipeline.py", "kills", "second"))
    assert ended[""].is_ == "failed"
    assert ended["kills"].is_ == "failed"
    assert ended["kills"].failure.kind == "killed"
    assert ended["second"].is_ == "done"
    assert ("kills", "still here\n") in host.logs
    again = host.ended(host.start("pipeline.py", "second"))
    assert again["second"].is_ == "kept"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process set another's limits")
def test_an_engine_that_can_open_no_more_files_says_so_once_and_lives_on(host):
    import resource

    engine = host.engine.process.pid
    usual = resource.prlimit(engine, resource.RLIMIT_NOFILE)
    resource.prlimit(engine, resource.RLIMIT_NOFILE, (3, usual[1]))
    host.until(lambda: bool(host.messages) or host.engine.process.poll() is not None)
    time.sleep(2.5)  # it is asked each second
    assert len(host.messages) == 1
    assert "Too many open files" in host.messages[0]
    resource.prlimit(engine, resource.RLIMIT_NOFILE, usual)
    assert host.ended(host.start("pipeline.py", "second"))["second"].is_ == "done"
