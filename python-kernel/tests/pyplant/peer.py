"""The same program under PyPlant from PyPI, in an environment of its own, and under the face."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

SRC = Path(__file__).parents[2] / "src"

_HEAD = """
import json, logging, sys
import numpy as np
from {package} import *
import {package} as package

def ran(name):
    with open("ran.txt", "a") as file:
        file.write(name + "\\n")

def tell(**values):
    with open("told.json", "w") as file:
        json.dump(values, file)

quiet = logging.getLogger("quiet")
quiet.addHandler(logging.NullHandler())
quiet.propagate = False
"""


def peers_python() -> Path:
    """The Python that has pyplant: `npm test` names it, else the newest that it made for the benchmarks."""
    given = os.environ.get("STAGELOOM_PEERS_PYTHON")
    if given:
        return Path(given)
    made = sorted(Path.home().glob(".cache/stageloom/python-bench-*/.complete"), key=lambda path: path.stat().st_mtime)
    if made:
        return made[-1].parent / "bin" / "python"
    pytest.skip(f"PyPlant from PyPI is not here: {os.environ.get('STAGELOOM_PEERS_MISSING', 'npm test makes it')}")


class Program:
    """A program's text, edited between runs; each run is a process of its own."""

    def __init__(self, folder: Path, text: str, package: str, python: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._text = dedent(text)
        self._package = package
        self._python = python

    def edit(self, before: str, after: str) -> None:
        assert before in self._text, before
        self._text = self._text.replace(before, after)

    def run(self) -> tuple[list[str], dict, int]:
        """Return which reactors ran, in order, what the program told, and how it ended."""
        (self._folder / "program.py").write_text(_HEAD.format(package=self._package) + self._text)
        for name in ("ran.txt", "told.json"):
            (self._folder / name).unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(SRC)}
        done = subprocess.run(
            [self._python, "program.py"],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.error = done.stderr
        ran, told = self._folder / "ran.txt", self._folder / "told.json"
        return (
            ran.read_text().split() if ran.exists() else [],
            json.loads(told.read_text()) if told.exists() else {},
            done.returncode,
        )


def ours(folder: Path, text: str) -> Program:
    return Program(folder / "ours", text, "stageloom.pyplant", Path(sys.executable))


def theirs(folder: Path, text: str) -> Program:
    return Program(folder / "theirs", text, "pyplant", peers_python())
