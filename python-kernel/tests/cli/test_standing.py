"""What is answered without the engine, against what the engine answers."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stageloom
from stageloom.cli import main, quick
from stageloom.engine import standing
from stageloom.engine.language import Pipeline, Target
from stageloom.engine.workspace import Workspace
from stageloom.functions.declaration import Declaration
from stageloom.model.references import RRef
from stageloom.store.store import Store

PIPELINE = """\
import os
from pathlib import Path

from stageloom import Dir, Env, File, Out, stage

import helper
import idle

FACTOR = 1


@stage
def one(raw=File("data/one.txt")):
    return raw.read_text()


@stage
def many(raw=File("data/*.csv")):
    return [path.read_text() for path in raw]


@stage
def folder(raw=Dir("data")):
    return raw.name


@stage
def scaled(one, times: int = 2):
    return helper.scale(len(one), times) * FACTOR


@stage
def side(many, out: Out):
    (out / "deep/side.txt").write_text(str(many))


@stage
def undeclared():
    beside = Path(__file__).parent / "beside"
    return [os.environ.get("STANDING_SEEN"), sorted(os.listdir(beside)) if beside.is_dir() else None]


@stage
def last(scaled, side, folder, undeclared, told=Env("STANDING_TOLD", default="nothing")):
    return [scaled, folder, told]
"""
HELPER = "def scale(value, times):\n    return value * times\n"
STAGES = ("one", "many", "folder", "scaled", "side", "undeclared", "last")


class Project:
    """A pipeline, and what may happen to it."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.sets: list[str] = []
        self.counts: Counter[str] = Counter()
        (root / "data").mkdir()
        for name, text in (("one.txt", "1"), ("a.csv", "a"), ("b.csv", "b")):
            (root / "data" / name).write_text(text)
        (root / "helper.py").write_text(HELPER)
        (root / "idle.py").write_text("VALUE = 1\n")
        (root / "pipeline.py").write_text(PIPELINE)

    @property
    def store(self) -> Path:
        return self.root / ".stageloom" / "store"

    # --- what may happen ---------------------------------------------------------------------------------------------

    def edit_code(self) -> None:
        number = self.random.randrange(5)
        (self.root / "pipeline.py").write_text(PIPELINE.replace("FACTOR = 1", f"FACTOR = {number}"))

    def edit_comment(self) -> None:
        (self.root / "pipeline.py").write_text(f"# {self.random.random()}\n{PIPELINE}")

    def edit_helper(self) -> None:
        (self.root / "helper.py").write_text(HELPER.replace("* times", f"* times + {self.random.randrange(3)}"))

    def edit_idle(self) -> None:
        (self.root / "idle.py").write_text(f"VALUE = {self.random.randrange(3)}\n")

    def edit_and_restore_time(self) -> None:
        path = self.root / self.random.choice(["pipeline.py", "helper.py", "data/one.txt", "data/a.csv"])
        before, text = path.stat(), path.read_text()
        swapped = text.replace("1", "9") if "1" in text else text.replace("times", "seven").replace("a", "c")
        path.write_text(swapped)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def touch(self) -> None:
        path = self.root / self.random.choice(["pipeline.py", "helper.py", "data/one.txt"])
        os.utime(path)

    def age(self) -> None:
        """Make everything look old, so that times are trusted."""
        for path in self.root.rglob("*"):
            if ".stageloom" not in path.parts:
                with contextlib.suppress(FileNotFoundError):
                    os.utime(path, (1_000_000_000, 1_000_000_000))

    def shadow(self) -> None:
        (self.root / "helper").mkdir(exist_ok=True)
        (self.root / "helper" / "__init__.py").write_text(HELPER.replace("* times", "* times - 1"))

    def unshadow(self) -> None:
        shutil.rmtree(self.root / "helper", ignore_errors=True)

    def edit_input(self) -> None:
        (self.root / "data" / self.random.choice(["one.txt", "a.csv"])).write_text(str(self.random.randrange(9)))

    def add_input(self) -> None:
        (self.root / "data" / f"{self.random.randrange(4)}.csv").write_text("more")

    def remove_input(self) -> None:
        (self.root / "data" / f"{self.random.randrange(4)}.csv").unlink(missing_ok=True)

    def add_other(self) -> None:
        (self.root / f"notes{self.random.randrange(9)}.txt").write_text("x")

    def set_parameter(self) -> None:
        self.sets = [] if self.sets else ["--set", f"scaled.times={self.random.randrange(2, 5)}"]

    def invalidate(self) -> None:
        self.command("invalidate", f"{self.root}/pipeline.py:{self.random.choice(STAGES)}")

    def undo(self) -> None:
        self.command("undo", "--root", str(self.root))

    def pin(self) -> None:
        with Store.open(self.store) as store:
            store.pin(store.history(hidden=True)[0].rref, "here")

    def damage(self) -> None:
        path = self.random.choice([one for one in (self.store / "trees").glob("*/*/**/*") if one.is_file()])
        before = path.stat()
        path.chmod(0o644)
        path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def verify(self) -> None:
        """Find what is damaged, all of it, by what nothing but the index remembers."""
        with Store.open(self.store) as store:
            store.verify()

    def delete_tree(self) -> None:
        path = self.random.choice([one for one in (self.store / "trees").glob("*/*") if one.is_dir()])
        for one in [path, *path.rglob("*")]:
            one.chmod(0o755)
        shutil.rmtree(path)

    def flip_answer(self) -> None:
        for path in (self.store / "cache" / "standing").glob("*"):
            data = bytearray(path.read_bytes())
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
            path.write_bytes(data)

    def truncate_answer(self) -> None:
        for path in (self.store / "cache" / "standing").glob("*"):
            os.truncate(path, self.random.randrange(path.stat().st_size))

    def delete_cache(self) -> None:
        shutil.rmtree(self.store / "cache", ignore_errors=True)

    def delete_index(self) -> None:
        for path in self.store.glob("index.sqlite*"):
            path.unlink()

    def change_variable(self) -> None:
        name = self.random.choice(["STANDING_SEEN", "STANDING_TOLD"])
        if self.random.random() < 0.3:
            os.environ.pop(name, None)
        else:
            os.environ[name] = str(self.random.randrange(3))

    def change_beside(self) -> None:
        (self.root / "beside").mkdir(exist_ok=True)
        (self.root / "beside" / str(self.random.randrange(3))).write_text("")

    def remove_beside(self) -> None:
        shutil.rmtree(self.root / "beside", ignore_errors=True)

    def nothing(self) -> None:
        pass

    # --- what is asked -----------------------------------------------------------------------------------------------

    def command(self, *words: str) -> tuple[int, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            return main(words), out.getvalue()

    def compare(self, command: str) -> None:
        """Ask without the engine and with it, and compare."""
        target = f"{self.root}/pipeline.py{self.random.choice(['', '', ':last', ':scaled'])}"
        words = [command, target, *self.sets]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = quick.answer(words)
        os.environ[quick.VARIABLE] = "1"
        try:
            full = self.command(*words)
        finally:
            del os.environ[quick.VARIABLE]
        if code is None:
            assert not out.getvalue()
            self.counts[f"{command}: left to the engine"] += 1
            return
        # a minute may begin between the two
        assert (code, AGE.sub("some time ago", out.getvalue())) == (full[0], AGE.sub("some time ago", full[1]))
        self.counts[f"{command}: answered"] += 1


AGE = re.compile(r"just now|\d+ \w+ ago")

CHANGES: tuple[Callable[[Project], None], ...] = (
    Project.edit_code, Project.edit_comment, Project.edit_helper, Project.edit_idle, Project.edit_and_restore_time,
    Project.touch, Project.age, Project.age, Project.shadow, Project.unshadow, Project.edit_input, Project.add_input,
    Project.remove_input, Project.add_other, Project.set_parameter, Project.invalidate, Project.undo, Project.pin,
    Project.damage, Project.verify, Project.delete_tree, Project.flip_answer, Project.truncate_answer,
    Project.delete_cache, Project.delete_index, Project.change_variable, Project.change_variable,
    Project.change_beside, Project.remove_beside, Project.nothing, Project.nothing,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_what_is_answered_quickly_is_what_the_engine_answers(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STANDING_SEEN", "STANDING_TOLD"):
        monkeypatch.setenv(name, "first")
    project = Project(tmp_path, seed)
    for _ in range(60):
        project.compare("realize")
        project.compare("status")
        for change in project.random.choices(CHANGES, k=project.random.choice([1, 1, 1, 2])):
            change(project)
            project.counts["changes"] += 1
            project.compare("status")
    assert project.counts["realize: answered"] > 5
    assert project.counts["status: answered"] > 10
    with capsys.disabled():
        sys.stdout.write(f"\n  standing answers, seed {seed}: {dict(sorted(project.counts.items()))}\n")


def test_each_change_alone_that_matters_is_noticed(tmp_path: Path) -> None:
    project = Project(tmp_path, 0)
    target = f"{tmp_path}/pipeline.py"
    mattering = (
        Project.edit_helper, Project.edit_and_restore_time, Project.shadow, Project.add_input, Project.invalidate,
        Project.damage, Project.delete_tree, Project.flip_answer, Project.delete_index,
    )  # fmt: skip
    for change in mattering:
        (tmp_path / "pipeline.py").write_text(PIPELINE)
        (tmp_path / "helper.py").write_text(HELPER)
        project.unshadow()
        project.age()
        project.command("realize", target)
        project.command("realize", target)
        assert project.command("realize", "-q", target) == (0, "Nothing to do: all 7 stages are cached\n")
        assert quick.answer(["realize", "-q", "--jobs", "2", target]) == 0, change
        assert quick.answer(["realize", "-q", "--jobs", "some", target]) is None, change
        change(project)
        assert quick.answer(["realize", "-q", target]) is None, change


def test_nothing_to_do_imports_no_engine(tmp_path: Path) -> None:
    Project(tmp_path, 0)
    words = [sys.executable, "-X", "importtime", "-m", "stageloom", "realize", str(tmp_path / "pipeline.py")]
    env = {**os.environ, "PYTHONPATH": str(Path(standing.__file__).parents[2])}
    subprocess.run(words, capture_output=True, check=True, env=env)
    answer = subprocess.run(words, capture_output=True, check=True, text=True, env=env)
    assert answer.stdout.endswith("Nothing to do: all 7 stages are cached\n")
    imported = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert not {"dataclasses", "argparse", "json", "stageloom.library", "stageloom.engine.run"} & imported


def test_a_declaration_holds_nothing_that_a_standing_answer_would_not_know() -> None:
    """Whoever adds a field: if a plan then rests on more than source, inputs and sets, tell it to ``Evidence``."""
    assert set(Declaration._fields) == {
        "name", "function", "path", "parameters", "pool", "doc", "match", "matching", "each", "bound", "guessed",
        "place", "whole", "written", "retries", "timeout",
    }  # fmt: skip


def test_many_answers_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path, 0)
    monkeypatch.setattr(standing, "_MOST", 3)
    for number in range(5):
        words = [f"{tmp_path}/pipeline.py:scaled", "--set", f"scaled.times={number}"]
        assert project.command("realize", *words)[0] == 0
        assert quick.answer(["realize", *words]) == 0
    assert len(list((project.store / "cache" / "standing").iterdir())) == 3


def test_a_target_holds_nothing_that_a_standing_answer_would_not_know() -> None:
    """Whoever adds a field: if the latest realization then doesn't stand for a stage alone, tell it to ``standing``."""
    assert set(Target.__match_args__) == {
        "name", "function", "language", "path", "span", "derivation", "dref", "dependencies", "parameters", "pool",
        "doc", "retries", "timeout", "guessed", "broken", "match", "alias", "count", "outputs", "reach", "late",
        "wants", "sends", "across", "senders",
    }  # fmt: skip


def test_python_takes_what_stands_and_notices_what_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path, 0)
    target = f"{tmp_path}/pipeline.py:scaled"
    first = stageloom.realize(target)
    read: list[str] = []
    original = Workspace.read

    def reading(self: Workspace, path: str, *args: Any, **named: Any) -> Pipeline:
        read.append(path)
        return original(self, path, *args, **named)

    monkeypatch.setattr(Workspace, "read", reading)
    assert (stageloom.realize(target), stageloom.load(target), read) == (first, first, [])
    with pytest.raises(ValueError, match="has no stage"):
        stageloom.load(f"{tmp_path}/pipeline.py:nothing")
    (tmp_path / "helper.py").write_text(HELPER.replace("* times", "* times + 5"))
    with pytest.raises(stageloom.NotRealizedError):
        stageloom.load(target)
    assert stageloom.realize(target) == first + 5
    assert stageloom.realize(target, sets={"scaled.times": 7}) != first + 5
    project.damage()
    assert stageloom.realize(target) == first + 5


def test_of_one_moment_or_not_kept(tmp_path: Path) -> None:
    """What changed while a run went on is not taken for what it saw."""
    project = Project(tmp_path, 0)
    project.command("realize", f"{tmp_path}/pipeline.py")
    from stageloom.library import open_workspace

    with open_workspace(tmp_path, project.store) as workspace:
        pipeline = workspace.read("pipeline.py")
        plan = workspace.describe(pipeline)
        chosen = {one.name: RRef.parse(one.realization.rref) for one in plan.stages if one.realization}
        assert standing.keep(workspace.store, pipeline, (), chosen, quick.input_names)
        assert not standing.keep(workspace.store, pipeline, (), {"last": chosen["last"]}, quick.input_names)
        (tmp_path / "helper.py").write_text(HELPER + "# later\n")
        assert not standing.keep(workspace.store, pipeline, (), chosen, quick.input_names)
