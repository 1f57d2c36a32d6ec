"""What users write is accepted by a strict type checker, and what is wrong in it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"

GOOD = """\
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stageloom import Codec, Dir, Env, File, Out, auxiliary, best, latest, load, only, realize, report, search, stage


@dataclass
class Trace:
    loss: float


class TraceFile(Codec[Trace], of=Trace, suffix=".txt"):
    def save(self, value: Trace, path: Path) -> None:
        path.write_text(str(value.loss))

    def load(self, path: Path) -> Trace:
        return Trace(float(path.read_text()))


@stage
def params(raw: Path = File("raw.csv"), folder: Path = Dir("data"), mode: str = Env("MODE", "fast")) -> list[float]:
    return [1.0]


@stage(match=best(2, key=lambda trace: trace.loss, of=10), retries=1, timeout=60)
def anneal(params: list[float], maxiter: int = search.Int(1, 1000, default=500), workers: int = auxiliary(4)) -> Trace:
    for step in range(maxiter):
        report(step=step, best=sum(params))
    return Trace(1.0)


@stage(each=[1, 2, 3], match=latest(2), pool="light")
def power(of: int) -> int:
    return of**2


@stage(match=only())
def plot(anneal: list[Trace], out: Out) -> None:
    (out / "plot.txt").write_text(str(anneal))


short = anneal.bind(maxiter=10)

value: float = anneal([1.0], maxiter=3).loss
stored: object = load("pipeline.py:plot")
made: object = realize("pipeline.py:plot", sets={"anneal.maxiter": 3}, profile="quick")
"""

BAD = {
    'anneal("no list")': "arg-type",
    'stage(match="best")': "call-overload",
    "params() + 1": "operator",
    "power(of='x')": "arg-type",
}


def check(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "pipeline.py").write_text(text)
    words = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--cache-dir",
        str(folder / "cache"),
        "pipeline.py",
    ]
    return subprocess.run(
        words, cwd=folder, env={"MYPYPATH": str(SOURCE), "PATH": ""}, capture_output=True, text=True, check=False
    )


def test_what_users_write_is_accepted(tmp_path: Path) -> None:
    told = check(tmp_path, GOOD)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_what_is_wrong_is_not(tmp_path: Path) -> None:
    told = check(tmp_path, GOOD + "\n" + "\n".join(BAD) + "\n")
    for number, code in enumerate(BAD.values(), GOOD.count("\n") + 2):
        assert any(line.startswith(f"pipeline.py:{number}:") and code in line for line in told.stdout.splitlines()), (
            told.stdout
        )
