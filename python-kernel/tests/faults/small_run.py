"""A small run, every operation of it on the store counted, and stopped or refused at the one that a test chooses."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from stageloom import cli
from stageloom.artifacts.values import given
from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.store.files import Files
from stageloom.store.store import Store

PIPELINE = """
    import os
    from stageloom import Out, stage

    def note(name):
        with open(os.environ["FAULTS_RAN"], "a") as file:
            file.write(name + "\\n")

    @stage
    def numbers():
        note("numbers")
        print("counting")
        return [1, 2, 3]

    @stage
    def total(numbers, factor: int = 2):
        note("total")
        return sum(numbers) * factor

    @stage
    def report(total, out: Out):
        note("report")
        (out / "report.txt").write_text(f"the sum is {total}")
        return total + 1
"""
STAGES = ("numbers", "total", "report")
VALUES = {"numbers": [1, 2, 3], "total": 12, "report": 13}

Act = Callable[[str, str], None]

# What changes the disk, in Python itself and not by the store's own layer.
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.chmod", "os.truncate"}
_LOOKS = {"os.listdir", "os.scandir"}
_LAYER = ("open", "write", "fsync", "truncate", "rename", "link", "unlink", "mkdir", "rmdir", "chmod")


def write_pipeline(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "pipeline.py").write_text(textwrap.dedent(PIPELINE))


class Tap:
    """Acts at the operations that ``wanted`` says, by number. For a child process: it can't be taken off again."""

    def __init__(self, store: Path, wanted: Callable[[int], bool], act: Act, *, reads: bool, after: bool) -> None:
        self.count = -1
        self.seen: list[str] = []
        self._prefix = str(store)
        self._wanted = wanted
        self._act = act
        self._reads = reads
        self._after = after

    def reach(self, operation: str, path: str) -> None:
        if not path.startswith(self._prefix):
            return
        self.count += 1
        self.seen.append(operation)
        if self._wanted(self.count):
            self._act(operation, path)

    def put_on(self) -> None:
        sys.addaudithook(self._heard)
        tap = self

        def before(self: Files, operation: str, path: str) -> None:
            if operation in ("write", "fsync"):  # the others are heard when Python does them
                tap.reach(operation, path)

        Files.before = before  # type: ignore[method-assign]
        if self._after:
            for name in _LAYER:
                setattr(Files, name, self._followed(getattr(Files, name), name))

    def _followed(self, do, name: str):
        def done(files: Files, *words, **more):
            answer = do(files, *words, **more)
            path = next((word for word in reversed(words) if isinstance(word, str)), "")
            self.reach(f"after {name}", path)
            return answer

        return done

    def _heard(self, event: str, words) -> None:
        if not words or not isinstance(words[0], (str, Path)):
            return
        if event == "open":
            writes = bool(words[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            if writes or self._reads:
                self.reach("open to write" if writes else "open to read", str(words[0]))
        elif event in _CHANGES or (event in _LOOKS and self._reads):
            self.reach(event, str(words[0]))


class Heard:
    """Tells of each stage that is reported as done, by a line that is written before anything else happens."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def changed(self, stage, state, entry):
        if state in ("done", "kept"):
            os.write(self._descriptor, f"{stage}\n".encode())

    def log(self, stage, stream, text):
        pass

    def progress(self, stage, points, fraction, message):
        pass


def realize(root: Path, told: int = 1) -> dict[str, str]:
    """Run all stages in this process; return how each ended."""
    os.environ["FAULTS_RAN"] = str(root / "ran.txt")
    with Store.open(root / "store") as store:
        workspace = Workspace(root, store, LANGUAGES, InlineExecutor())
        return dict(workspace.run(workspace.read("pipeline.py"), [], Heard(told)).execute().states)


def command(root: Path) -> tuple[int, str, str]:
    """Run all stages by the command line, in this process; return code and both streams."""
    os.environ["FAULTS_RAN"] = str(root / "ran.txt")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(["realize", str(root / "pipeline.py"), "--root", str(root), "--store", str(root / "store")])
    return code, out.getvalue(), err.getvalue()


def standing(root: Path) -> dict[str, object]:
    """Return what the store has of each stage, checked as a consumer checks it."""
    with Store.open(root / "store") as store:
        assert store.verify() == [], store.verify()
        assert store.scars == []
        found = store.lasts("pipeline.py")
        return {name: given(store.tree(one.tree)) for name, one in found.items()}


def runs(root: Path) -> list[str]:
    try:
        return (root / "ran.txt").read_text().split()
    except FileNotFoundError:
        return []


def in_child(work: Callable[[int], object], *, quiet: bool = False) -> tuple[int, str]:
    """Do ``work`` in a forked child that has a pipe to tell by; return how it ended and what it told."""
    from forking import ended, fork

    reading, writing = os.pipe()

    def do() -> int:
        os.close(reading)
        if quiet:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        answer = work(writing)
        if answer is not None:
            os.write(writing, json.dumps(answer).encode())
        return 0

    child = fork(do)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        told = file.read().decode()
    return ended(child), told
