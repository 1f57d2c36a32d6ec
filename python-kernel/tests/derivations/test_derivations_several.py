"""Several realizations of one derivation, and matchers of one's own, by the command line in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"

STAGES = """
    import json
    import random

    from stageloom.derivations import *


    def stage_seed(m):
        def realize(b):
            write(mklens(b).out.syspath, 1)
        return mkdrv(m, mkconfig({"name": "seed", "out": [selfref, "s"]}), match_only(), build_wrapper(realize))


    def stage_run(m, seed):
        def realize(b):
            write(mklens(b).out.syspath, random.random())
        config = mkconfig({"name": "run", "seed": seed, "out": [selfref, "r"]})
        return mkdrv(m, config, match_latest(), build_wrapper(realize))


    def lowest(folder):
        return json.loads((folder / "r").read_text())


    def stage_best(m):
        runs = redefine(stage_run, new_matcher=match_best(3, key=lowest, of=6))(m, stage_seed(m))
        def realize(b):
            assert len(mklens(b).runs.rrefs) == len(build_paths(b, [runs, "r"])) == len(build_deref(b, runs)) == 3
            write(mklens(b).out.syspath, sorted(json.load(open(path)) for path in mklens(b).runs.syspaths))
        config = mkconfig({"name": "best", "runs": [runs, "r"], "out": [selfref, "b"]})
        return mkdrv(m, config, match_only(), build_wrapper(realize))


    def stage_four(m):
        return redefine(stage_run, new_matcher=match_latest(4))(m, stage_seed(m))


    def stage_three(m):
        def realize(b):
            for number, path in enumerate(mklens(b).out.syspaths):
                write(path, number)
        config = mkconfig({"name": "three", "out": [selfref, "x"]})
        return mkdrv(m, config, match_latest(3), build_wrapper(realize, nouts=3))


    def stage_stubborn(m):
        def realize(b):
            write(build_outpath(b) + "/x", 1)
        return mkdrv(m, mkconfig({"name": "stubborn"}), match_latest(2), build_wrapper(realize))


    def stage_strange(m):
        def realize(b):
            write(build_outpath(b) + "/x", 1)
        return mkdrv(m, mkconfig({"name": "strange"}), match_by(lambda found: 3), build_wrapper(realize))


    def stage_greedy(m):
        def realize(b):
            write(build_outpath(b) + "/x", random.random())
        three = match_by(lambda found: list(found) if len(found) > 2 else None)
        return mkdrv(m, mkconfig({"name": "greedy"}), three, build_wrapper(realize))


    def stage_half(m):
        def realize(b):
            if random.random() < 0.5:
                raise RuntimeError("half of them fail")
            write(build_outpath(b) + "/x", random.random())
        return mkdrv(m, mkconfig({"name": "half"}), match_latest(20), build_wrapper(realize))


    def write(path, value):
        with open(path, "w") as file:
            json.dump(value, file)
"""


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "stages.py").write_text(textwrap.dedent(STAGES))

    def command(self, *words: str) -> tuple[int, dict]:
        done = subprocess.run(
            [sys.executable, "-m", "stageloom", *words, "--json"],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout or "{}")

    def run(self, stage: str) -> dict[str, str]:
        _, told = self.command("realize", f"stages.py:{stage}")
        return {one["name"]: one["is"] for one in told["stages"]}

    def failure(self, stage: str) -> str:
        code, told = self.command("realize", f"stages.py:{stage}")
        assert code != 0
        return " ".join(str(one["failure"]["message"]) for one in told["stages"] if one["failure"])

    def trees(self, name: str) -> list[str]:
        """Return what the artifacts of a stage's realizations hold."""
        records = [json.loads(path.read_text()) for path in (self.root / ".stageloom/store/records").rglob("*.json")]
        trees = [one["tree"] for one in records if one["derivation"].endswith(f"-{name}")]
        folders = [self.root / ".stageloom/store/trees" / tree[:2] / tree for tree in trees]
        return [next(folder.iterdir()).read_text() for folder in folders]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_best_of_several(project: Project) -> None:
    assert project.run("stage_best") == {"seed": "done", "run": "done", "best": "done"}
    runs = sorted(map(float, project.trees("run")))
    assert len(set(runs)) == 6  # random numbers are others in each
    [best] = project.trees("best")
    assert json.loads(best) == runs[:3]
    assert set(project.run("stage_best").values()) == {"kept"}
    assert project.run("stage_four") == {"seed": "kept", "run[2]": "kept", "stage_four": "kept"}


def test_what_is_missing_is_made(project: Project) -> None:
    assert project.run("stage_four")["run[2]"] == "done"
    assert len(project.trees("run")) == 4
    assert project.run("stage_best")["run"] == "done"
    assert len(project.trees("run")) == 6


def test_one_job_makes_several(project: Project) -> None:
    assert project.run("stage_three") == {"three": "done"}
    assert sorted(project.trees("three")) == ["0", "1", "2"]
    runs = list((project.root / ".stageloom/store/runs").glob("*/*"))
    assert len(runs) == 1
    assert project.run("stage_three") == {"three": "kept"}


def test_a_matcher_that_asks_until_it_is_content(project: Project) -> None:
    assert project.run("stage_greedy") == {"greedy": "done"}
    assert len(set(project.trees("greedy"))) == 3


def test_a_realizer_that_makes_nothing_new(project: Project) -> None:
    assert "adds none" in project.failure("stage_stubborn")
    _, told = project.command("status", "stages.py:stubborn")
    [stubborn] = [one for one in told["stages"] if one["name"] == "stubborn"]
    assert [one["summary"] for one in stubborn["reasons"]] == ["wants 1 more realization"]


def test_a_matcher_that_answers_wrong(project: Project) -> None:
    assert "must return a list" in project.failure("stage_strange")


def test_what_was_made_before_one_failed_is_kept(project: Project) -> None:
    assert "half of them fail" in project.failure("stage_half")
    _, told = project.command("status", "stages.py:half")
    made = len(project.trees("half"))
    [half] = [one for one in told["stages"] if one["name"] == "half"]
    assert half["is"] in ("stale", "absent")
    assert made < 20
