"""Stages that realize others from within: nothing waits for itself, and what was realized counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stageloom.library import load

SOURCES = Path(__file__).resolve().parents[2] / "src"
HEAD = "import os, subprocess, sys\nimport stageloom\nfrom stageloom import File, stage\n"


def realize(folder: Path, *options: str) -> tuple[int, str]:
    """Return the exit code of the command, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "stageloom", "realize", "p.py", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def write(folder: Path, text: str, name: str = "p.py") -> None:
    (folder / name).write_text(HEAD + text, "utf-8")


JOBS = [(), ("--jobs", "2")]
COMMAND = "subprocess.run([sys.executable, '-m', 'stageloom', 'realize', 'p.py:{}'], check=True)"


@pytest.mark.parametrize("options", JOBS, ids=["here", "jobs"])
@pytest.mark.parametrize(
    "text",
    [
        "@stage\ndef s(): return stageloom.realize('p.py:s')\n",
        "@stage\ndef s(): return stageloom.realize('p.py:t')\n@stage\ndef t(s): return 1\n",
        "@stage\ndef s(): return stageloom.realize('q.py:u')\n",
        f"@stage\ndef s():\n    {COMMAND.format('s')}\n    return 1\n",
    ],
    ids=["itself", "what depends on it", "what asks for it in turn", "by a process"],
)
def test_a_stage_that_waits_for_itself_is_refused(text: str, options: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path, text)
    write(tmp_path, "@stage\ndef u(): return stageloom.realize('p.py:s')\n", "q.py")
    code, told = realize(tmp_path, *options)
    assert code != 0
    assert "s is being made right now, and is asked for by what it runs itself" in told


@pytest.mark.parametrize("options", JOBS, ids=["here", "jobs"])
def test_what_was_realized_from_within_counts(options: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("1")
    write(tmp_path, "@stage\ndef base(f=File('x.txt')): return int(f.read_text())\n", "q.py")
    write(tmp_path, "@stage\ndef s(): return stageloom.realize('q.py:base') + 1\n")
    assert realize(tmp_path, *options)[0] == 0
    assert "Nothing to do" in realize(tmp_path)[1]
    (tmp_path / "x.txt").write_text("2")
    assert "1 ran" in realize(tmp_path)[1]
    assert "Nothing to do" in realize(tmp_path)[1]
    write(tmp_path, "@stage\ndef base(f=File('x.txt')): return int(f.read_text()) + 5\n", "q.py")
    assert "1 ran" in realize(tmp_path)[1]
    assert "Nothing to do" in realize(tmp_path)[1]


@pytest.mark.parametrize("options", JOBS, ids=["here", "jobs"])
def test_a_hundred_stages_that_realize_one_another(options: tuple[str, ...], tmp_path: Path) -> None:
    """Each within the one before: nobody needs a second worker for it."""
    stages = "@stage\ndef s0(): return 0\n"
    stages += "".join(f"@stage\ndef s{n}(): return stageloom.realize('p.py:s{n - 1}') + 1\n" for n in range(1, 100))
    write(tmp_path, stages)
    done = subprocess.run(
        [sys.executable, "-m", "stageloom", "realize", "p.py:s99", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_runs_that_want_one_derivation_make_it_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        "import time\n@stage\ndef s():\n    time.sleep(1)\n    open('count', 'a').write('x')\n    return 1\n",
    )
    command = [sys.executable, "-m", "stageloom", "realize", "p.py"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    both = [subprocess.Popen([*command, *options], cwd=tmp_path, env=environment) for options in JOBS]
    assert [one.wait(120) for one in both] == [0, 0]
    assert (tmp_path / "count").read_text() == "x"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ten_instances_of_one_derivation(jobs: str, tmp_path: Path) -> None:
    text = "import random\n@stage(match=stageloom.latest(10))\ndef s(): return [random.random(), os.getpid()]\n"
    write(tmp_path, text + "@stage\ndef t(s): return len({one[0] for one in s})\n")
    code, told = realize(tmp_path, "--jobs", jobs)
    assert code == 0, told
    assert load(str(tmp_path / "p.py") + ":t", root=str(tmp_path)) == 10
