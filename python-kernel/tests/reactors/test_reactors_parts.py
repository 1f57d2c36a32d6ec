"""The parts that sessions are made of: walks, answers, code of functions at hand, and what a source names."""

from __future__ import annotations

import ast
import enum
import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from stageloom.pyplant import ConfigBase, ConfigValue, Ingredient, Plant, ReactorFunc
from stageloom.reactors.code import Codes
from stageloom.reactors.source import reactors_in
from stageloom.reactors.trace import ABSENT, Step, derivation_of, trace_of
from stageloom.reactors.values import answer_of
from stageloom.reactors.walk import same, walk

SRC = Path(__file__).parents[2] / "src"


@dataclass
class Run:
    name: str
    steps: list


def ingredient(name, content):
    return Step("ingredient", (name,), content)


def parameter(name, value):
    return Step("parameter", (name,), {"value": value})


def walked(runs, contents, config):
    """Return which run was found, and which ingredients were asked for."""
    asked = []
    walking = walk(runs, lambda kind, path: {"value": config[path[0]]} if path[0] in config else ABSENT)
    answer = None
    while True:
        try:
            want = walking.send(answer)
        except StopIteration as stop:
            return stop.value.name if stop.value is not None else None, asked
        asked.append(want.ingredient)
        answer = contents.get(want.ingredient)


def test_a_walk_asks_only_where_a_run_that_agrees_goes_on():
    runs = [
        Run("new", [parameter("p", 2), ingredient("a", "A2"), ingredient("b", "B")]),
        Run("old", [parameter("p", 1), ingredient("a", "A1"), ingredient("c", "C")]),
        Run("oldest", [parameter("p", 1), ingredient("a", "A2")]),
    ]
    assert walked(runs, {}, {"p": 3}) == (None, [])
    assert walked(runs, {"a": "A2", "b": "B"}, {"p": 2}) == ("new", ["a", "b"])
    assert walked(runs, {"a": "A2"}, {"p": 1}) == ("oldest", ["a"])
    assert walked(runs, {"a": "A1", "c": "C"}, {"p": 1}) == ("old", ["a", "c"])
    assert walked(runs, {"a": "other"}, {"p": 1}) == (None, ["a"])
    assert walked(runs, {}, {}) == (None, [])


def test_a_trace_survives_in_its_derivation():
    trace = (parameter("p", [1, "x"]), Step("has", ("model", "deep"), answer=False), ingredient("a", "A"))
    derivation = derivation_of("reactor", "code", trace)
    assert trace_of(derivation) == trace
    assert derivation.dref == derivation_of("reactor", "code", list(trace)).dref
    assert derivation.dref != derivation_of("reactor", "code", trace[:2]).dref
    with pytest.raises(ValueError, match="no run of a reactor"):
        trace_of(derivation_of("x", "", ()).__class__("x", "function", {}))


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Value(ConfigValue):
    def __init__(self, depth):
        self.depth = depth


@dataclass
class Point:
    x: float
    more: object = None


def add(one, other):
    return one + other


class Plain:
    """Its only text is its address."""

    def __init__(self, number):
        self.number = number


DIFFERENT = [
    1, 1.0, True, "1", None, (1,), [1], {1: 2}, {"1": 2}, {1}, b"1", 1j, slice(1, 2), range(3), Colour.RED, Colour.BLUE,
    Value(1), Value(2), Point(1), Point(1, Point(2)), Path("a"), Path("b"), add, len, functools.partial(add, 1),
    functools.partial(add, 2), "x".upper, int, Plain, float("nan"), float("inf"), Plain(1), Plain(2), "a" * 3000,
    "a" * 3001, lambda: 1,
]  # fmt: skip


def test_answers_tell_values_apart_and_are_equal_for_equal_values():
    codes = Codes()
    answers = [answer_of(value, codes.of) for value in DIFFERENT]
    for at, one in enumerate(answers):
        assert [same(one, other) for other in answers] == [other == at for other in range(len(answers))], DIFFERENT[at]
    again = [answer_of(value, Codes().of) for value in DIFFERENT]
    assert all(same(one, other) for one, other in zip(answers, again, strict=True))


def test_arrays_are_compared_whole():
    np = pytest.importorskip("numpy")
    one, other = np.zeros(5000), np.zeros(5000)
    assert same(answer_of(one, str), answer_of(other, str))
    other[2500] = 1  # which its text does not show
    assert not same(answer_of(one, str), answer_of(other, str))
    assert not same(answer_of(one, str), answer_of(one.astype("f4"), str))


def test_what_cannot_be_compared_says_so():
    assert answer_of((x for x in ()), str) == {"incomparable": "generator"}


def digest_of(folder, text, name, *, more=None):
    """Return the digest of a function of a program, computed in a process of its own."""
    (folder / "program.py").write_text(dedent(text))
    for path, content in (more or {}).items():
        (folder / path).write_text(content)
    code = (
        "import sys, program; from stageloom.reactors.code import Codes; notes = []; codes = Codes(None, notes.append);"
        f"print(codes.of({name})); print(*notes)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": f"{SRC}{os.pathsep}{folder}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    digest, _, notes = done.stdout.partition("\n")
    return digest, notes.strip()


PROGRAM = """
    import helper

    FACTOR = 2

    def of_another(x):
        return x

    def reactor(pipe, config: "Config"):
        '''What it does.'''
        return helper.work(FACTOR)

    def outer(size):
        def inner(pipe):
            return size * helper.work(FACTOR)
        return inner

    small, large = outer(1), outer(2)
    made = {}
    exec("def loose(pipe):\\n    return 1", made)
    loose = made["loose"]
"""
HELPER = {"helper.py": "def work(x):\n    return x + 1\n"}


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("FACTOR = 2", "FACTOR = 3", True),
        ("helper.work(FACTOR)", "helper.work(FACTOR + 1)", True),
        ("What it does.", "What it is for.", False),
        ("return x\n", "return x + 5\n", False),
        ("import helper\n", "import helper  # a comment\n", False),
    ],
    ids=["constant", "body", "docstring", "another", "comment"],
)
@pytest.mark.parametrize("name", ["program.reactor", "program.small"])
def test_code_is_what_a_function_reaches(tmp_path, before, after, counts, name):
    one, _ = digest_of(tmp_path, PROGRAM, name, more=HELPER)
    assert before in PROGRAM
    other, _ = digest_of(tmp_path, PROGRAM.replace(before, after), name)
    assert (one != other) == counts
    if name == "program.reactor":
        third, _ = digest_of(tmp_path, PROGRAM, name, more={"helper.py": "def work(x):\n    return x + 2\n"})
        assert third != one, "the code of a helper in another file"


def test_functions_of_one_text_differ_by_what_they_hold(tmp_path):
    assert digest_of(tmp_path, PROGRAM, "program.small", more=HELPER) != digest_of(tmp_path, PROGRAM, "program.large")


def test_a_function_in_no_file_counts_by_its_text_and_says_so(tmp_path):
    one, note = digest_of(tmp_path, PROGRAM, "program.loose", more=HELPER)
    assert "loose is not in a file: its own text counts" in note
    assert digest_of(tmp_path, PROGRAM.replace("return 1", "return 2"), "program.loose")[0] != one
    assert digest_of(tmp_path, PROGRAM, "program.loose")[0] == one


def test_what_a_source_names():
    text = """
    @SubreactorFunc
    def shared(pipe):
        return (yield pipe.receive("shared"))

    @ReactorFunc
    def one(pipe, config):
        '''The first.'''
        yield from shared(pipe)
        yield pipe.receive(f"part-{config.number}-x")
        yield pipe.receive("a" + suffix)
        pipe.send(name="sent", value=pipe.read_config("size"))
        config.has("nothing")
        pipe.config.colour

    @package.ReactorFunc
    async def two(pipe): ...

    def three(pipe): ...
    """
    found = reactors_in(ast.parse(dedent(text)), "plants.py")
    assert [one.name for one in found] == ["one", "two"]
    one = found[0]
    assert (one.receives, one.sends, one.doc) == (
        ("shared", "part-*-x", "a*")[:0] + tuple(one.receives),
        ("sent",),
        "The first.",
    )
    assert set(one.receives) == {"shared", "part-*-x", "a*"}
    assert set(one.parameters) == {"number", "size", "colour"}
    assert (one.span.line, one.span.column, one.span.end_column) == (6, 4, 7)


def test_readme_slips():
    class Config(ConfigBase):
        def __init__(self):
            super(self).__init__()  # as PyPlant's README has it

    with pytest.raises(TypeError, match=r"write super\(\)\.__init__\(\) instead"):
        Config()


def test_names_that_are_no_file_names(tmp_path):
    names = ["a/b", "..", "ä" * 200, "CON", "x:y", "$file", "a b", "a_b", "A B"]
    seen = {}

    @ReactorFunc
    def maker(pipe):
        for number, name in enumerate(names):
            pipe.send(name, [number])
            path = pipe.allocate(f"{name}!", Ingredient.Type.file)
            Path(path).write_text(name)
            pipe.send(f"{name}!", path, Ingredient.Type.file)

    @ReactorFunc
    def taker(pipe):
        for name in names:
            seen[name] = (yield pipe.receive(name)), Path((yield pipe.receive(f"{name}!"))).read_text()

    for _ in range(2):
        with Plant(tmp_path / "plant", functionHash=lambda f: f.__name__) as plant:
            plant.add_reactor([maker, taker])
            plant.run_reactor(taker)
        assert seen == {name: ([number], name) for number, name in enumerate(names)}
    Plant._clear_global_state()
