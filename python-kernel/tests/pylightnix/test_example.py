"""The example of the current API, run as a program and by the command line: each finds what the other made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "pylightnix" / "darts.py"


@pytest.fixture(name="root")
def workspace(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / ".stageloom").mkdir()
    return tmp_path


def _python(root: Path, *words: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYLIGHTNIX_", "STAGELOOM_"))}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=root, env={**environment, "PYTHONPATH": str(SOURCES), "PYTHONUTF8": "1"}, capture_output=True,
        encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _pi(said: str) -> float:
    found = re.fullmatch(r"pi is about (\d\.\d+), after 4000 darts\n", said)
    assert found is not None, said
    return float(found[1])


def test_first_as_a_program(root: Path) -> None:
    said = _python(root, "darts.py")
    assert 2.8 < _pi(said) < 3.5
    assert _python(root, "darts.py") == said
    assert "Nothing to do" in _python(root, "-m", "stageloom", "realize", "darts.py:stage_pi")
    assert _python(root, "darts.py") == said


def test_first_by_the_command_line(root: Path) -> None:
    said = _python(root, "-m", "stageloom", "realize", "-q", "darts.py:stage_pi")
    assert re.search(r"done: 4 ran", said), said
    estimate = _pi(_python(root, "darts.py"))
    assert _pi(_python(root, "darts.py")) == estimate
    assert "Nothing to do" in _python(root, "-m", "stageloom", "realize", "darts.py:stage_pi")


def test_code_that_autostage_counts_is_told_as_code(root: Path) -> None:
    _python(root, "-m", "stageloom", "realize", "-q", "darts.py:stage_pi")
    file = root / "darts.py"
    file.write_text(file.read_text().replace("sum(estimates) /", "1.0 * sum(estimates) /"))
    assert "average   stale: code changed\n" in _python(root, "-m", "stageloom", "status", "darts.py")
