"""Which reactors the engine sees in a file, and what it guesses that they need."""

from __future__ import annotations

from textwrap import dedent

import pytest

from stageloom.reactors.language import Reactors
from stageloom.rpc.messages import Planned, PlannedStage
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import MemoryBlobs, take

HEAD = "from stageloom.pyplant import *\n\n"


def read(tmp_path, text, *, told=None, **more):
    """Return the targets by name, and the problems; ``told`` is what a planner answers, None for no planner."""
    (tmp_path / "plants.py").write_text(HEAD + dedent(text))
    for name, content in more.items():
        (tmp_path / f"{name}.py").write_text(HEAD + dedent(content))
    blobs = MemoryBlobs()
    snapshot = take(tmp_path, "plants.py", {}, blobs)
    language = Reactors()
    if not language.speaks(snapshot, "plants.py"):
        return None, []
    stages = [PlannedStage(name, name, "reactor", configuration=config) for name, config in (told or {}).items()]
    ask = None if told is None else lambda *_: Planned(stages)
    targets, problems = language.read(snapshot, "plants.py", Code(snapshot, blobs), ask, {}, blobs)
    return {one.name: one for one in targets}, problems


def needs(targets):
    return {name: {role: list(names) for role, names in one.dependencies.items()} for name, one in targets.items()}


THREE = """
@ReactorFunc
def one(pipe):
    pipe.send("a", 1)

@ReactorFunc
def two(pipe, config):
    a = yield pipe.receive("a")
    pipe.send(f"b-{a}", config.factor)

@ReactorFunc
def three(pipe):
    yield pipe.receive("b-1")
    yield pipe.receive("nobody-sends-this")
"""


def test_who_sends_what(tmp_path):
    targets, problems = read(tmp_path, THREE)
    assert problems == []
    assert needs(targets) == {"one": {}, "two": {"a": ["one"]}, "three": {"b-1": ["two"]}}
    assert {(one.language, one.guessed, one.derivation) for one in targets.values()} == {("reactor", True, None)}
    told, _ = read(tmp_path, THREE, told={name: {"factor": 2, "other": 1} for name in ("one", "two", "three")})
    assert [(one.name, one.text) for one in told["two"].parameters] == [("factor", "2")]
    assert told["one"].parameters == []
    assert all(one.derivation is not None and one.late is not None for one in told.values())


def test_reactors_of_imported_files_belong_to_the_plant(tmp_path):
    text = """
    import loading

    @ReactorFunc
    def last(pipe):
        yield pipe.receive("data")
    """
    loading = """
    @ReactorFunc
    def load(pipe):
        pipe.send("data", 1)
    """
    targets, _ = read(tmp_path, text, loading=loading)
    assert needs(targets) == {"load": {}, "last": {"data": ["load"]}}
    assert {name: (one.path, one.span.path) for name, one in targets.items()} == {
        "load": ("plants.py", "loading.py"),
        "last": ("plants.py", "plants.py"),
    }


def test_a_plant_that_adds_some_has_no_others(tmp_path):
    text = """
    @ReactorFunc
    def old(pipe):
        pipe.send("a", 1)

    @ReactorFunc
    def new(pipe):
        pipe.send("a", 2)

    @ReactorFunc
    def last(pipe):
        yield pipe.receive("a")
    """
    assert needs(read(tmp_path, text)[0])["last"] == {"a": ["old", "new"]}
    assert needs(read(tmp_path, text, told={"new": {}, "last": {}})[0]) == {"new": {}, "last": {"a": ["new"]}}


def test_names_that_only_running_tells_lead_into_no_ring(tmp_path):
    text = """
    @ReactorFunc
    def sends_any(pipe):
        yield pipe.receive("a")
        pipe.send(name_of(1), 1)

    @ReactorFunc
    def sends_a(pipe):
        yield pipe.receive("b")
        pipe.send("a", 1)

    @ReactorFunc
    def takes_any(pipe):
        yield pipe.receive(name_of(2))
    """
    targets, problems = read(tmp_path, text)
    assert problems == []
    assert needs(targets) == {
        "sends_any": {"a": ["sends_a"]},
        "sends_a": {},
        "takes_any": {"*": ["sends_any", "sends_a"]},
    }


def test_a_ring_is_a_problem(tmp_path):
    text = """
    @ReactorFunc
    def hen(pipe):
        pipe.send("hen", (yield pipe.receive("egg")))

    @ReactorFunc
    def egg(pipe):
        pipe.send("egg", (yield pipe.receive("hen")))

    @ReactorFunc
    def apart(pipe):
        yield pipe.receive("egg")
    """
    _, [problem] = read(tmp_path, text)
    assert (problem.code, sorted(problem.stages)) == ("cycle", ["egg", "hen"])


@pytest.mark.parametrize(
    "text", ["", "def f(pipe): pipe.send('a', 1)", "import pyplant\n@pyplant.ReactorFunc\ndef f(pipe): ..."]
)
def test_other_files_are_left_alone(tmp_path, text):
    (tmp_path / "plants.py").write_text(text)
    assert not Reactors().speaks(take(tmp_path, "plants.py", {}, MemoryBlobs()), "plants.py")


def test_a_file_that_is_broken_has_none(tmp_path):
    assert read(tmp_path, "@ReactorFunc\ndef f(pipe:\n")[0] == {}
