"""Reactors as the editor has them: the engine in its own process, each reactor in a worker of its own."""

from __future__ import annotations

import pytest
from host import Host

from stageloom.rpc.messages import OutputsParams, PlanParams

PLANTS = """
import logging
from stageloom.pyplant import *
import settings


@ReactorFunc
def words(pipe):
    print("gathering")
    pipe.send("words", "the quick brown fox".split())


@ReactorFunc
def number(pipe):
    pipe.send("number", 3)


@SubreactorFunc
def first(pipe, count):
    words = yield pipe.receive("words")
    return words[:count]


@ReactorFunc
def chosen(pipe, config):
    some = yield from first(pipe, config.count)
    number = yield pipe.receive("number")
    pipe.send("chosen", [*some, number])


with Plant("never-made") as plant:
    plant.set_config(settings.Settings())
    plant.run_reactor(chosen)
    print(plant.fetch_ingredient("chosen"))
"""

SETTINGS = """
from stageloom.pyplant import ConfigBase


class Settings(ConfigBase):
    def __init__(self):
        super().__init__()
        self.count = 2
        self.color = "red"
"""


@pytest.fixture
def host(tmp_path):
    (tmp_path / "plants.py").write_text(PLANTS)
    (tmp_path / "settings.py").write_text(SETTINGS)
    with Host(tmp_path) as made:
        yield made


def stages(plan):
    return {one.name: one for one in plan.stages}


def test_reactors_run_in_workers_and_are_found_again(host, tmp_path):
    before = stages(host.ask("pipeline/plan", PlanParams("plants.py")))
    assert {name: (one.language, one.is_, one.guessed) for name, one in before.items()} == dict.fromkeys(
        ("words", "number", "chosen"), ("reactor", "absent", True)
    )
    assert sorted(before["chosen"].dependencies) == ["number", "words"]
    assert [(one.name, one.value) for one in before["chosen"].parameters] == [("count", 2)]

    ended = host.ended(host.start("plants.py"))
    assert {name: one.is_ for name, one in ended.items()} == dict.fromkeys(("", "words", "number", "chosen"), "done")
    assert ("words", "gathering\n") in host.logs
    assert not (tmp_path / "never-made").exists()

    after = stages(host.ask("pipeline/plan", PlanParams("plants.py")))
    assert {one.is_ for one in after.values()} == {"cached"}
    outputs = host.ask("store/outputs", OutputsParams(after["chosen"].realization.rref))
    assert "quick" in str(outputs.previews)

    (tmp_path / "settings.py").write_text(SETTINGS.replace("red", "blue"))
    assert {one.is_ for one in stages(host.ask("pipeline/plan", PlanParams("plants.py"))).values()} == {"cached"}
    (tmp_path / "settings.py").write_text(SETTINGS.replace("count = 2", "count = 1"))
    edited = stages(host.ask("pipeline/plan", PlanParams("plants.py")))
    assert {name: one.is_ for name, one in edited.items()} == {"words": "cached", "number": "cached", "chosen": "stale"}
    assert [one.summary for one in edited["chosen"].reasons] == ["count: 2 → 1"]


def test_a_planner_that_fails_marks_the_reactors_as_broken(host, tmp_path):
    (tmp_path / "settings.py").write_text("raise ValueError('no settings')")
    plan = host.ask("pipeline/plan", PlanParams("plants.py"))
    assert {one.is_ for one in plan.stages} == {"broken"}
    assert ["no settings" in one.message for one in plan.problems] == [True]
