"""The example, run as a program and by the command line, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "pyplant-readme"


class Workspace:
    """A copy of the example, or of a file of one's own."""

    def __init__(self, root, text=None):
        self.root = root
        if text is None:
            for file in EXAMPLE.glob("*.py"):
                shutil.copy(file, root)
        else:
            (root / "plants.py").write_text(text, "utf-8")

    def python(self, *words, check=True):
        environment = {name: value for name, value in os.environ.items() if name != "STAGELOOM_STORE"}
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env={**environment, "PYTHONPATH": str(SOURCES)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout

    def realize(self, target, *more):
        told = json.loads(self.python("-m", "stageloom", "realize", target, "--json", *more))
        return {one["name"]: one["is"] for one in told["stages"]}

    def status(self, target, *more):
        told = json.loads(self.python("-m", "stageloom", "status", target, "--json", *more))
        return {one["name"]: one for one in told["stages"]}

    def edit(self, path, old, new):
        text = (self.root / path).read_text("utf-8")
        assert old in text
        (self.root / path).write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def root(tmp_path):
    pytest.importorskip("numpy")
    return tmp_path


def ran(told):
    return [line.split("'")[1] for line in told.splitlines() if "' starts" in line]


def test_as_a_program(root):
    workspace = Workspace(root)
    assert ran(workspace.python("digits.py")) == ["draw", "measure", "fit"]
    workspace.edit("digits.py", "steelblue", "tomato")
    workspace.edit("digits.py", "self.verbose = True", "self.verbose = False")
    assert ran(workspace.python("digits.py")) == ["draw"]
    workspace.edit("digits.py", "self.shift = 0.5", "self.shift = 0.6")
    assert ran(workspace.python("digits.py")) == ["draw", "fit"]
    workspace.edit("digits.py", "self.shift = 0.6", "self.shift = 0.5")
    assert ran(workspace.python("digits.py")) == ["draw"]
    workspace.edit("digits.py", "scale=0.1", "scale=0.2")
    assert ran(workspace.python("digits.py")) == ["draw", "fit"]
    assert workspace.python("larger.py", "3").splitlines()[-1] == str(3 * (1 << 17))


def test_by_the_command_line(root):
    workspace = Workspace(root)
    before = workspace.status("digits.py")
    assert {name: one["is"] for name, one in before.items()} == dict.fromkeys(("measure", "fit", "draw"), "absent")
    assert before["draw"]["dependencies"] == ["measure", "fit"]
    assert all(one["guessed"] for one in before.values())
    assert {one["name"]: one["text"] for one in before["fit"]["parameters"]} == {"shift": "0.5"}
    assert workspace.realize("digits.py") == dict.fromkeys(("measure", "fit", "draw"), "done")
    assert not (root / "plant").exists(), "the file's own plant must not run"
    assert workspace.realize("digits.py:draw") == dict.fromkeys(("measure", "fit", "draw"), "kept")
    workspace.edit("digits.py", "self.shift = 0.5", "self.shift = 0.6")
    after = workspace.status("digits.py")
    assert {name: one["is"] for name, one in after.items()} == {"measure": "cached", "fit": "stale", "draw": "stale"}
    assert [one["summary"] for one in after["fit"]["reasons"]] == ["shift: 0.5 → 0.6"]
    assert [one["summary"] for one in after["draw"]["reasons"]] == ["depends on fit"]
    assert workspace.realize("digits.py") == {"measure": "kept", "fit": "done", "draw": "done"}
    workspace.edit("digits.py", "self.shift = 0.6", "self.shift = 0.5")
    assert {one["is"] for one in workspace.status("digits.py").values()} == {"cached"}
    assert workspace.realize("digits.py", "--set", "fit.shift=0.6") == dict.fromkeys(("measure", "fit", "draw"), "kept")


TWO = """
from stageloom.pyplant import *

@ReactorFunc
def one(pipe):
    pipe.send("a", pipe.read_config("p") % 2)
    for number in range(2):
        pipe.send(f"part-{number}", number)

@ReactorFunc
def two(pipe, config):
    a = yield pipe.receive("a")
    total = 0
    for number in range(2):
        total += yield pipe.receive(f"part-{number}")
    pipe.send("b", [a, total, config.model["width"]])

with Plant("plant") as plant:
    plant.set_config({"p": 1, "model": {"width": 3, "depth": 2}, "color": "red"})
    plant.run_reactor(two)
    print(plant.fetch_ingredient("b"))
    raise RuntimeError("a file that is only loaded does not come here")
"""


def test_content_decides_and_only_what_was_read_counts(tmp_path):
    workspace = Workspace(tmp_path, TWO)
    assert workspace.realize("plants.py") == {"one": "done", "two": "done"}
    workspace.edit("plants.py", '"p": 1', '"p": 3')
    assert workspace.realize("plants.py") == {"one": "done", "two": "kept"}, "the same a"
    workspace.edit("plants.py", '"depth": 2', '"depth": 4')
    workspace.edit("plants.py", '"red"', '"blue"')
    assert workspace.realize("plants.py") == {"one": "kept", "two": "kept"}
    workspace.edit("plants.py", '"width": 3', '"width": 4')
    assert workspace.realize("plants.py") == {"one": "kept", "two": "done"}
    told = workspace.python("-c", "import stageloom; print(stageloom.load('plants.py:two'))")
    assert told == "{'b': [1, 1, 4]}\n"


def test_an_ingredient_that_the_source_does_not_lead_to(tmp_path):
    text = TWO.replace('f"part-{number}", number)', '"".join(["pa", f"rt-{number}"]), number)')
    workspace = Workspace(tmp_path, text.replace('yield pipe.receive("a")', "1"))
    told = workspace.python("-m", "stageloom", "realize", "plants.py", check=False)
    assert "two" in told
    # the name with a star matches any, so one is run first, and sends it after all
    assert "2 ran" in told


def test_invalidation_and_undo(tmp_path):
    workspace = Workspace(tmp_path, TWO)
    workspace.realize("plants.py")
    workspace.python("-m", "stageloom", "invalidate", "plants.py:one")
    assert {name: one["is"] for name, one in workspace.status("plants.py").items()} == {"one": "stale", "two": "stale"}
    workspace.python("-m", "stageloom", "undo")
    assert {one["is"] for one in workspace.status("plants.py").values()} == {"cached"}


def test_a_failing_reactor_says_where(tmp_path):
    workspace = Workspace(tmp_path, TWO.replace('yield pipe.receive("a")', "undefined"))
    told = workspace.python("-m", "stageloom", "realize", "plants.py", "--json", check=False)
    [failed] = [one for one in json.loads(told)["stages"] if one["is"] == "failed"]
    assert failed["name"] == "two"
    assert "undefined" in json.dumps(failed)


def test_a_deep_chain_needs_no_depth(tmp_path):
    lines = ["from stageloom.pyplant import *", "", "@ReactorFunc", "def r0(pipe):", "    pipe.send('s0', 0)", ""]
    for number in range(1, 100):
        lines += [
            "@ReactorFunc",
            f"def r{number}(pipe):",
            f"    before = yield pipe.receive('s{number - 1}')",
            f"    pipe.send('s{number}', before + 1)",
            "",
        ]
    workspace = Workspace(tmp_path, "\n".join(lines))
    assert set(workspace.realize("plants.py:r99").values()) == {"done"}
    assert set(workspace.realize("plants.py:r99").values()) == {"kept"}
