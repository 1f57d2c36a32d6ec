"""Derivations realized by the command line, in a process of its own: plan, store, worker and all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "annealing"

PIPELINE = """
    from stageloom.derivations import *
    from helper import double


    def stage_numbers(m: Manager) -> DRef:
        def realize(b: Build) -> None:
            print("making numbers")
            with open(mklens(b).out.syspath, "w") as file:
                file.write(" ".join(str(n) for n in range(mklens(b).count.val)))

        config = mkconfig({"name": "numbers", "count": 3, "out": [selfref, "numbers.txt"]})
        return mkdrv(m, config, match_only(), build_wrapper(realize))


    def stage_doubled(m: Manager, numbers: DRef) -> DRef:
        def realize(b: Build) -> None:
            text = open(build_path(b, [numbers, "numbers.txt"])).read()
            with open(mklens(b).out.syspath, "w") as file:
                file.write(" ".join(str(double(int(n))) for n in text.split()))

        config = mkconfig({"name": "doubled", "numbers": numbers, "out": [selfref, "doubled.txt"]})
        return mkdrv(m, config, match_latest(), build_wrapper(realize))


    def stage_report(m: Manager, doubled: DRef) -> DRef:
        def realize(b: Build) -> None:
            lens = mklens(b)
            with open(lens.out.syspath, "w") as file:
                file.write("sum " + str(sum(int(n) for n in lens.doubled.out.contents.split())))

        config = mkconfig({"name": "report", "doubled": doubled, "out": [selfref, "sub", "report.txt"]})
        return mkdrv(m, config, match_latest(), build_wrapper(realize))


    def stage_deep(m: Manager, report: DRef) -> DRef:
        def realize(b: Build) -> None:
            lens = mklens(b)
            with open(lens.out.syspath, "w") as file:
                file.write(f"{lens.report.rref} {lens.report.doubled.numbers.out.contents}")

        config = mkconfig({"name": "deep", "report": report, "out": [selfref, "deep.txt"]})
        return mkdrv(m, config, match_latest(), build_wrapper(realize))


    def stage_all(m: Manager) -> DRef:
        return stage_deep(m, stage_report(m, stage_doubled(m, stage_numbers(m))))
"""

HELPER = """
    def double(n):
        return n * 2
"""


class Project:
    def __init__(self, root):
        self.root = root

    def write(self, name, text):
        (self.root / name).write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")

    def edit(self, name, before, after):
        text = (self.root / name).read_text("utf-8")
        assert text.count(before) == 1
        (self.root / name).write_text(text.replace(before, after), "utf-8")

    def command(self, *words, code=0, **more):
        environment = {**os.environ, **more, "PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "utf-8"}
        environment.pop("STAGELOOM_STORE", None)
        done = subprocess.run(
            [sys.executable, "-m", "stageloom", *words],
            cwd=self.root,
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words, code=0, **more):
        return json.loads(self.command(*words, "--json", code=code, **more))

    def ran(self, target="stages.py", *words, **more):
        answer = self.json("realize", target, *words, **more)
        return {one["name"] for one in answer["stages"] if one["is"] == "done"} - {"stage_all"}

    def states(self, target="stages.py", *words):
        return {one["name"]: one["is"] for one in self.json("status", target, *words)["stages"]}

    def made(self, name):
        [found] = (self.root / ".stageloom" / "store" / "trees").rglob(name)
        return found.read_text("utf-8")


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.write("stages.py", PIPELINE)
    made.write("helper.py", HELPER)
    return made


EVERY = {"numbers", "doubled", "report", "deep"}


def test_everything_runs_once(project):
    assert set(project.states().values()) == {"absent"}
    assert project.ran("stages.py:stage_all") == EVERY
    assert project.made("report.txt") == "sum 6"
    assert project.made("deep.txt").startswith("rref:")
    assert project.made("deep.txt").endswith(" 0 1 2")
    assert set(project.states().values()) == {"cached"}
    assert project.ran() == set()


def test_a_stage_runs_with_what_it_needs_by_either_name(project):
    assert project.ran("stages.py:stage_doubled") == {"numbers", "doubled"}
    assert project.ran("stages.py:report") == {"report"}


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("stages.py", '"count": 3', '"count": 4', EVERY),
        ("stages.py", '"sum "', '"total "', {"report", "deep"}),
        ("helper.py", "n * 2", "n * 3", {"doubled", "report", "deep"}),
        (
            "stages.py",
            "    def realize(b: Build) -> None:\n        print",
            "    # x\n    def realize(b):\n        print",
            set(),
        ),
        # the same bytes come out, so what reads them is kept; what looks at references is not
        ("helper.py", "n * 2", "n + n", {"doubled", "deep"}),
    ],
)
def test_what_changes_runs_and_nothing_else(project, file, before, after, expected):
    project.ran()
    project.edit(file, before, after)
    assert project.ran() == expected


def test_sets_are_another_derivation_and_both_stay(project):
    project.ran()
    assert project.ran("stages.py", "--set", "numbers.count=4") == EVERY
    assert project.ran() == set()
    assert project.ran("stages.py", "--set", "stage_numbers.count=4") == set()


def test_a_changed_parameter_is_told_as_such(project):
    project.ran()
    project.edit("stages.py", '"count": 3', '"count": 4')
    [reason] = project.json("why", "stages.py:numbers")["numbers"]
    assert (reason["kind"], reason["summary"]) == ("parameter", "count: 3 → 4")


def test_a_promise_that_is_not_kept_stores_nothing(project):
    project.edit(
        "stages.py",
        'mklens(b).out.syspath, "w") as file:\n            file.write(" ".join(str(n)',
        '\'/dev/null\', "w") as file:\n            file.write(" ".join(str(n)',
    )
    answer = project.json("realize", "stages.py", code=1)
    failed = next(one for one in answer["stages"] if one["name"] == "numbers")
    assert failed["failure"]["kind"] == "missing-output"
    assert "numbers promised numbers.txt and did not write it" in failed["failure"]["message"]
    assert not list((project.root / ".stageloom" / "store").rglob("records/*/*.json"))


def test_a_realizer_that_raises_shows_its_line(project):
    project.edit("helper.py", "return n * 2", "return n.missing")
    answer = project.json("realize", "stages.py", code=1)
    failed = next(one for one in answer["stages"] if one["name"] == "doubled")
    assert failed["failure"]["kind"] == "exception"
    assert failed["failure"]["frames"][-1]["path"].endswith("helper.py")
    assert project.states() == {
        "numbers": "cached",
        "doubled": "absent",
        "report": "absent",
        "deep": "absent",
        "stage_all": "absent",
    }


def test_a_plan_that_follows_from_no_source_is_refused(project):
    project.edit("stages.py", '"count": 3', '"count": __import__("os").urandom(2)[0] + 300')
    answer = project.json("realize", "stages.py:numbers", code=1)
    [failed] = [one for one in answer["stages"] if one["name"] == "numbers"]
    assert failed["failure"]["kind"] == "code-changed"
    assert "must follow from the sources alone" in failed["failure"]["message"]


def test_match_only_refuses_two_that_differ(project):
    project.edit("stages.py", "range(mklens(b).count.val)", '[__import__("time").time_ns()]')
    project.ran("stages.py:numbers")
    project.command("invalidate", "stages.py:numbers")
    assert project.ran("stages.py:numbers") == {"numbers"}
    assert project.ran("stages.py:numbers") == set()
    project.command("undo")
    answer = project.json("realize", "stages.py:numbers", code=1)
    [failed] = answer["stages"]
    assert "numbers takes only one realization (match_only) and has 2 that differ" in failed["failure"]["message"]
    assert project.states()["numbers"] == "cached"
    project.edit("stages.py", "match_only()", "match_latest()")
    assert project.ran("stages.py:numbers") == set()


def test_the_example(tmp_path):
    pytest.importorskip("scipy")
    pytest.importorskip("matplotlib")
    shutil.copytree(EXAMPLE, tmp_path / "annealing", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    project = Project(tmp_path / "annealing")
    assert project.ran("derivations.py", "--set", "anneal.maxiter=20") == {"params", "anneal", "plot"}
    assert project.states("derivations.py", "--set", "anneal.maxiter=20") == dict.fromkeys(
        ("params", "anneal", "plot", "stage_all"), "cached"
    )
    project.edit("derivations.py", "minimum {float", "least {float")
    assert project.ran("derivations.py", "--set", "anneal.maxiter=20") == {"plot"}
