"""The example of the 2021 manual, run as a program and by the command line, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "pylightnix-manual"


class Workspace:
    """A copy of the example."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for file in EXAMPLE.glob("*.py"):
            shutil.copy(file, root)

    def python(self, *words: str, check: bool = True) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "STAGELOOM_STORE"}
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env={**environment, "PYTHONPATH": str(SOURCES)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout

    def realize(self, stage: str) -> dict[str, str]:
        """Realize a stage of the example; return how each stage of the run ended."""
        told = json.loads(self.python("-m", "stageloom", "realize", f"annealing.py:{stage}", "--json"))
        return {one["name"]: one["is"] for one in told["stages"]}

    def edit(self, old: str, new: str) -> None:
        file = self.root / "annealing.py"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "workspace"
    root.mkdir()
    return Workspace(root)


def test_two_storages(workspace: Workspace) -> None:
    told = workspace.python("two_storages.py")
    assert "Bob has 5 realizations now" in told
    values = [float(line.split()[1]) for line in told.splitlines() if line.startswith(("Alice:", "Bob:"))]
    assert ("Alice's" if values[0] < values[1] else "Bob's") in told
    assert Path(told.split()[-1]).read_bytes().startswith(b"\x89PNG")


def test_program_and_command_line_share_what_they_make(workspace: Workspace) -> None:
    """The same stages, the same store: what one has made, the other finds."""
    assert workspace.realize("stage_all") == {"params": "done", "anneal": "done", "plot": "done", "stage_all": "done"}
    assert workspace.realize("stage_all") == dict.fromkeys(("params", "anneal", "plot", "stage_all"), "kept")
    code = (
        "import annealing; from stageloom.pylightnix.manual import *; print(realize(instantiate(annealing.stage_all)))"
    )
    rref = workspace.python("-c", code).strip()
    assert rref.startswith("rref:")
    listed = json.loads(workspace.python("-m", "stageloom", "status", "annealing.py", "--json"))
    plot = next(one for one in listed["stages"] if one["name"] == "plot")
    assert plot["realization"]["rref"] == rref


def test_code_does_not_count(workspace: Workspace) -> None:
    workspace.realize("stage_all")
    workspace.edit("figsize=(6, 3.5)", "figsize=(6, 4)")
    assert set(workspace.realize("stage_all").values()) == {"kept"}
    workspace.edit("maxiter = 30", "maxiter = 31")
    assert workspace.realize("stage_all") == {"params": "kept", "anneal": "done", "plot": "done", "stage_all": "done"}


def test_a_stage_says_that_its_code_changed(workspace: Workspace) -> None:
    workspace.realize("stage_all")
    assert "not counted" not in workspace.python("-m", "stageloom", "status", "annealing.py")
    workspace.edit("figsize=(6, 3.5)", "figsize=(6, 4)")
    told = workspace.python("-m", "stageloom", "status", "annealing.py").splitlines()
    [plot] = [line for line in told if line.startswith("plot ")]
    assert "cached · code changed since, not counted here" in plot
    [anneal] = [line for line in told if line.startswith("anneal ")]
    assert "not counted" not in anneal


def test_matchers_choose_among_what_every_run_made(workspace: Workspace) -> None:
    """The best of all searches, and the best ten of twelve, which are made where they are missing."""
    made = {"params": "done", "anneal[2]": "done", "plot[2]": "done", "stage_best": "done"}
    assert workspace.realize("stage_best") == made
    made = {"params": "kept", "anneal[3]": "done", "ten": "done"}
    assert workspace.realize("stage_ten") == made
    code = """import annealing
from stageloom.pylightnix.manual import *
print(mklens(realize(instantiate(annealing.stage_ten))).out.contents)"""
    ten = json.loads(workspace.python("-c", code).splitlines()[-1])
    assert ten["searches"] == 10
    code = "from stageloom.pylightnix.manual import *; print(sum(one.endswith('-anneal') for one in allrrefs()))"
    assert workspace.python("-c", code).strip() == "12"
    assert set(workspace.realize("stage_ten").values()) == {"kept"}
    assert workspace.realize("stage_best")["anneal[2]"] == "kept"
