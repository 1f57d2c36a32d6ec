"""A project in a folder, and the command line in a process of its own: as a user has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"

PIPELINE = """
    from stageloom import Out, stage
    from helper import double


    @stage
    def numbers(count: int = 3):
        print("making numbers")
        return list(range(count))


    @stage
    def doubled(numbers, plus: int = 0):
        return [double(n) + plus for n in numbers]


    @stage
    def report(doubled, out: Out):
        (out / "report.txt").write_text("sum " + str(sum(doubled)))


    @stage
    def apart():
        return "apart"
"""

HELPER = """
    def double(n):
        return inner(n) * 2


    def inner(n):
        return n


    def unrelated(n):
        return n
"""


class Project:
    """A folder with a pipeline, and commands run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> None:
        """Write a file, its indentation taken away."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    def edit(self, name: str, before: str, after: str) -> None:
        """Replace text that must be there."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert before in text, f"{before!r} is not in {name}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start a command."""
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "utf-8", **more}
        for name in ("STAGELOOM_STORE", "CI"):  # on a CI pins do not count
            if name not in more:
                environment.pop(name, None)
        return subprocess.Popen(
            [sys.executable, "-m", "stageloom", *words],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *words: str, code: int = 0, **more: str) -> str:
        """Run a command, check its exit code and return what it printed on both streams."""
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=180)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        return out + err

    def python(self, program: str) -> str:
        """Run a Python program in the project's folder and return what it printed."""
        environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
        environment.pop("CI", None)
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str, code: int = 0):
        """Run a command with --json and return what it said."""
        process = self.start(*words, "--json")
        out, err = process.communicate(timeout=180)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        return json.loads(out)

    def realize(self, target: str = "pipeline.py", *words: str, code: int = 0) -> dict[str, str]:
        """Realize and return each stage's state."""
        answer = self.json("realize", target, *words, code=code)
        return {stage["name"]: stage["is"] for stage in answer["stages"]}

    def ran(self, target: str = "pipeline.py", *words: str) -> set[str]:
        """Realize and return the stages that ran."""
        return {name for name, state in self.realize(target, *words).items() if state == "done"}

    def states(self, target: str = "pipeline.py", *words: str) -> dict[str, str]:
        """Return how each stage stands."""
        return {stage["name"]: stage["is"] for stage in self.json("status", target, *words)["stages"]}

    def reasons(self, stage: str) -> list[dict[str, object]]:
        """Return why a stage is not cached."""
        return self.json("why", f"pipeline.py:{stage}")[stage]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project whose pipeline has four stages and a helper, in a folder of its own."""
    made = Project(tmp_path)
    made.write("pipeline.py", PIPELINE)
    made.write("helper.py", HELPER)
    return made
