"""What docs/guide.md shows is so: its files are written, its commands run, and what they print is compared."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "guide.md"

_PART = re.compile(
    r"^```(?P<language>\w+) title=(?P<title>\S+)\n(?P<file>.*?)^```$"
    r"|^```console\n(?P<console>.*?)^```$"
    r"|^<!-- edit (?P<edited>\S+): (?P<old>.+?) => (?P<new>.+?) -->$",
    re.MULTILINE | re.DOTALL,
)
_TIME = re.compile(r"(?:(?:< )?\d+(?:\.\d+)?|…) (?:ms|s)\b")


class Said(NamedTuple):
    command: str
    expected: str


def test_files_and_commands_of_the_guide(tmp_path: Path) -> None:
    files = commands = 0
    for part in _PART.finditer(GUIDE.read_text(encoding="utf-8")):
        if part["title"]:
            path = tmp_path / part["title"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(part["file"], encoding="utf-8")
            files += 1
        elif part["edited"]:
            path = tmp_path / part["edited"]
            text = path.read_text(encoding="utf-8")
            assert text.count(part["old"]) == 1, part.group()
            path.write_text(text.replace(part["old"], part["new"]), encoding="utf-8")
        else:
            for said in _commands(part["console"]):
                assert _shown(_run(said.command, tmp_path)) == _shown(said.expected), said.command
                commands += 1
    titled = GUIDE.read_text(encoding="utf-8").count(" title=")
    assert files == titled > 0
    assert commands > 0


def test_every_pipeline_of_the_guide_is_realized() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    pipelines = re.findall(r"^```python title=(\S+)$", text, re.MULTILINE)
    assert pipelines
    for name in pipelines:
        assert re.search(rf"^\$ stageloom realize.* {re.escape(name)}", text, re.MULTILINE), name


@pytest.mark.parametrize("page", ["README.md", "python-kernel/README.md"])
def test_pipelines_of_the_readmes(page: str, tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```python[^\n]*\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    [pipeline] = [block for block in blocks if "@stage" in block]
    (tmp_path / "pipeline.py").write_text(pipeline, encoding="utf-8")
    assert "failed" not in _run("stageloom realize pipeline.py", tmp_path)
    assert "Nothing to do" in _run("stageloom realize pipeline.py", tmp_path)


def _commands(console: str) -> Iterator[Said]:
    for piece in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, expected = piece.partition("\n")
        yield Said(command, expected)


def _run(command: str, folder: Path) -> str:
    program, *words = shlex.split(command)
    assert program == "stageloom"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python-kernel" / "src"), "PYTHONUTF8": "1"}
    environment.pop("STAGELOOM_STORE", None)
    done = subprocess.run(
        [sys.executable, "-m", "stageloom", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.stdout


def _shown(text: str) -> list[str]:
    """Return the lines, without times; stages that run side by side may end in any order."""
    return sorted(_TIME.sub("… ms", line.rstrip()) for line in text.splitlines())
