"""Every stage of every example run twice, in stores of their own, comes to equal results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stageloom.store.store import Store

SOURCES = Path(__file__).resolve().parents[2] / "src"
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

# Less work, for the same stages.
LESS = {
    "annealing/pipeline.py": ("--set", "anneal.maxiter=20"),
    "annealing/derivations.py": ("--set", "anneal.maxiter=20"),
}


def made(folder: Path, file: str, store: Path) -> dict[str, list[str]]:
    """Realize all stages of a file in a store of its own; return the trees of each."""
    environment = {name: value for name, value in os.environ.items() if name != "STAGELOOM_STORE"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "stageloom",
            "realize",
            file.split("/")[1],
            "--store",
            store,
            "--json",
            *LESS.get(file, ()),
        ],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["stages"]
    trees: dict[str, list[str]] = {}
    with Store.open(store) as opened:
        for one in opened.history():
            trees.setdefault(one.stage.split("[")[0], []).append(one.tree)
    return {stage: sorted(found) for stage, found in trees.items()}


def has_stages(path: Path) -> bool:
    text = path.read_text("utf-8")
    return "sys.argv" not in text and any(
        mark in text for mark in ("@stage", "def stage_", "ReactorFunc", "add_reactor", "@autostage")
    )


FILES = sorted(f"{path.parent.name}/{path.name}" for path in EXAMPLES.glob("*/*.py") if has_stages(path))


@pytest.mark.parametrize("file", FILES)
def test_twice(file, tmp_path):
    for package in ("numpy", "scipy", "matplotlib"):
        pytest.importorskip(package)
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLES / file.split("/")[0], folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    first, second = (made(folder, file, tmp_path / f"store{number}") for number in range(2))
    assert first.keys() == second.keys()
    # what an example leaves to chance has random numbers of its stage and try, which are the same each time
    assert first == second
    print(f"faults: {file} twice, in stores of their own: {len(first)} stages, all equal")
