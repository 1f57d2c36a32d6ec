"""Of eleven edits that mean something all are noticed, and of seven that mean nothing none makes anything run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stageloom.engine.run import Run
from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES, _Quiet
from stageloom.store.store import Store
from stageloom.worker.jobs import PROJECT

FILES = {
    "pipeline.py": """\
import os
from stageloom import File, stage
import helper
from helper import Scale

FACTOR = 2

def near(x):
    return far(x) + 1

def far(x):
    return x * 3

def unrelated(x):
    return x - 1

@stage
def s(n=1, raw=File("raw.txt")):
    \"\"\"What it does.\"\"\"
    total = near(n) * FACTOR
    size = len(raw.read_text())
    mode = os.environ.get("STAGELOOM_TEST_MODE", "")
    return total + helper.shift(n) + helper.OFFSET + Scale().by(n), size, mode, open("notes.txt").read()
""",
    "helper.py": """\
OFFSET = 5

def shift(x):
    return x + 7

class Scale:
    def by(self, x):
        return x * 11

def elsewhere(x):
    return x
""",
    "raw.txt": "raw",
    "notes.txt": "notes",
}


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            (root / name).write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text()
        assert text.count(old) == 1, (path, old)
        (self.root / path).write_text(text.replace(old, new))

    def state(self) -> str:
        PROJECT.forget()
        with Store.open(self.root / ".stageloom" / "store") as store:
            pipeline = Workspace(self.root, store, LANGUAGES, InlineExecutor()).read("pipeline.py")
            result = Run(store, pipeline, ["s"], InlineExecutor(), _Quiet()).execute()
            assert result.entries["s"].failure is None, result.entries["s"].failure
            return result.states["s"]


def _edit(path: str, old: str, new: str) -> Callable[[Project, pytest.MonkeyPatch], None]:
    return lambda project, _: project.edit(path, old, new)


MEANT: dict[str, Callable[[Project, pytest.MonkeyPatch], None]] = {
    "body": _edit("pipeline.py", "near(n) * FACTOR", "near(n) * FACTOR + 1"),
    "callee": _edit("pipeline.py", "far(x) + 1", "far(x) + 2"),
    "callee's callee": _edit("pipeline.py", "x * 3", "x * 4"),
    "method": _edit("helper.py", "x * 11", "x * 12"),
    "function of another module": _edit("helper.py", "x + 7", "x + 8"),
    "constant of another module": _edit("helper.py", "OFFSET = 5", "OFFSET = 6"),
    "global constant": _edit("pipeline.py", "FACTOR = 2", "FACTOR = 3"),
    "default argument": _edit("pipeline.py", "n=1,", "n=2,"),
    "input value": _edit("raw.txt", "raw", "rare"),
    "undeclared file read": _edit("notes.txt", "notes", "other"),
    "environment variable": lambda _, patch: patch.setenv("STAGELOOM_TEST_MODE", "slow"),
}
COSMETIC: dict[str, Callable[[Project, pytest.MonkeyPatch], None]] = {
    "comment": _edit("pipeline.py", "    total =", "    # the total\n    total ="),
    "blank lines": _edit("pipeline.py", "    size =", "\n\n    size ="),
    "docstring": _edit("pipeline.py", "What it does.", "What it does now."),
    "reformatting": _edit("pipeline.py", "near(n) * FACTOR", "(\n        near( n )*FACTOR\n    )"),
    "renamed local": lambda project, _: (
        project.edit("pipeline.py", "    total = ", "    whole = "),
        project.edit("pipeline.py", "return total + ", "return whole + "),
    )[0],
    "unrelated function": _edit("pipeline.py", "x - 1", "x - 2"),
    "unrelated edit elsewhere": _edit("helper.py", "    return x\n", "    return -x\n"),
}


def test_eleven_that_mean_something_and_seven_that_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STAGELOOM_TEST_MODE", raising=False)
    outcome: dict[str, str] = {}
    for number, (name, change) in enumerate({**MEANT, **COSMETIC}.items()):
        root = tmp_path / str(number)
        root.mkdir()
        project = Project(root)
        assert project.state() == "done"
        assert project.state() == "kept"
        with monkeypatch.context() as patch:
            change(project, patch)
            outcome[name] = project.state()
    noticed = [name for name in MEANT if outcome[name] == "done"]
    rerun = [name for name in COSMETIC if outcome[name] == "done"]
    with capsys.disabled():
        print(f"\n{len(noticed)} of {len(MEANT)} edits noticed, {len(rerun)} of {len(COSMETIC)} cosmetic ones rerun")
    assert noticed == list(MEANT)
    assert rerun == []
    PROJECT.forget()
