"""The example of a pipeline in all three ways, by the command line, and what type checkers say of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "mixed" / "pipeline.py"

ALL = {"signal", "noise", "smooth", "picture"}


@pytest.fixture(name="mixed")
def _mixed(project):
    pytest.importorskip("numpy")
    (project.root / "pipeline.py").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    return project


def test_it_runs_once_and_then_as_edits_reach(mixed):
    assert set(mixed.states().values()) == {"absent"}
    said = mixed.run("realize", "pipeline.py")
    assert "the mean error fell from " in said
    assert "done: 4 ran" in said
    assert "Nothing to do: all 4 stages are cached" in mixed.run("realize", "pipeline.py")
    mixed.edit(
        "pipeline.py",
        "np.sin(np.linspace(0, 2 * np.pi * waves, points))",
        "np.sin(np.linspace(0, 2 * np.pi * waves, num=points))",
    )
    assert mixed.ran() == {"signal"}, "the same signal"
    mixed.edit("pipeline.py", '"strength": 0.4', '"strength": 0.2')
    assert mixed.states() == {"signal": "cached", **dict.fromkeys(ALL - {"signal"}, "stale")}
    assert mixed.reasons("noise")[0]["summary"] == "strength: 0.4 → 0.2"
    assert mixed.ran("pipeline.py:picture", "--jobs", "2") == ALL - {"signal"}
    mixed.edit("pipeline.py", "#b9c6d8", "#000000")
    assert mixed.ran() == {"picture"}


def test_parameters_and_invalidation_reach_across(mixed):
    mixed.realize()
    assert mixed.ran("pipeline.py", "--set", "signal.points=100") == ALL
    assert mixed.ran("pipeline.py", "--set", "noise.seed=8") == ALL - {"signal"}
    assert mixed.ran() == set()
    mixed.run("invalidate", "pipeline.py:noise", "--dependents")
    assert {name for name, state in mixed.states().items() if state != "cached"} == ALL - {"signal"}
    mixed.run("undo")
    assert set(mixed.states().values()) == {"cached"}
    assert mixed.python("import stageloom; print(stageloom.load('pipeline.py:picture')['after'] < 0.2)") == "True\n"


WRONG = """
from stageloom.derivations import DRef, Manager


def plain() -> int:
    return 1


def stage_all(m: Manager) -> DRef:
    return m.stage(plain)
"""


def test_a_strict_type_checker_accepts_it_and_no_plain_function(tmp_path):
    pytest.importorskip("mypy")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG, "utf-8")
    right = tmp_path / "right.py"
    right.write_text(EXAMPLE.read_text("utf-8").replace('"signal": signal', '"signal": m.stage(signal)'), "utf-8")
    words = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [*words, str(EXAMPLE), str(right), str(wrong)],
        cwd=tmp_path, env={"MYPYPATH": str(SOURCES), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [line.partition(": error: ")[0] for line in done.stdout.splitlines() if ": error: " in line] == [
        "wrong.py:10"
    ], done.stdout + done.stderr
    assert 'incompatible type "Callable[[], int]"; expected "AStage"' in done.stdout
