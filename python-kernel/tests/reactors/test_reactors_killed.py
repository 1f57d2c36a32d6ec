"""A plant that is killed at any moment: what was complete stays, and the next run comes to the right end."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"

PROGRAM = """
import logging, os, sys, time
from stageloom.pyplant import *

quiet = logging.getLogger("quiet")
quiet.propagate = False
quiet.addHandler(logging.NullHandler())

def link(number):
    def reactor(pipe):
        before = (yield pipe.receive(f"s{number - 1}")) if number else [0] * 2000
        with open("ran.txt", "a") as file:
            file.write(f"{number}\\n")
        time.sleep(0.004)
        pipe.send(f"s{number}", [one + 1 for one in before])
    reactor.__name__ = f"r{number}"
    return ReactorFunc(reactor)

with Plant("plant", quiet) as plant:
    plant.add_reactors([link(number) for number in range(40)])
    plant.run_reactor("r39")
    print(sum(plant.fetch_ingredient("s39")))
"""


def _killed(tmp_path, times):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "program.py"]
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    chance = random.Random(5)
    kills = 0
    for _ in range(times):
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        time.sleep(chance.uniform(0.05, 0.6))
        kills += process.poll() is None
        process.kill()
        told, _ = process.communicate()
        assert told in ("", "80000\n")
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "80000\n"), done.stderr
    (tmp_path / "ran.txt").write_text("")
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert again.stdout == "80000\n"
    assert (tmp_path / "ran.txt").read_text().split() == ["39"], "all that was complete was kept"
    return kills


def test_killed_at_some_moments(tmp_path):
    kills = _killed(tmp_path, 6)
    assert kills > 0
    print(f"faults: kill -9 in a plant: {kills} kills, 0 lost, 0 needing a hand")


@pytest.mark.faults
def test_killed_at_many_moments(tmp_path):
    kills = sum(_killed(tmp_path / str(number), 10) for number in range(20) if (tmp_path / str(number)).mkdir() is None)
    print(f"faults: kill -9 in a plant: {kills} kills, 0 lost, 0 needing a hand")
