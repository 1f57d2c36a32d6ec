"""What a realizer brings along must count, or an old result would be served for new code."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from math import floor
from pathlib import Path

import numpy as np
import pytest

from stageloom.derivations import DRef, mkconfig
from stageloom.derivations.captures import captured
from stageloom.model.values import canonical_text

A = DRef("a" * 32, "params")
B = DRef("b" * 32, "params")


@dataclass
class Options:
    size: int
    tags: list[str]


def fingerprint(file: str, name: str) -> str | None:
    """Return a stand-in for the reach of code in this file, and None for other files as the real one does."""
    return f"reach of {name}" if file == __file__ else None


def content(function, needed=None):
    return captured(function, needed or {}, fingerprint)


def text(function):
    return canonical_text(content(function).content)


def stage(value, helper=floor):
    def inner(x):
        return helper(x)

    def realize(b):
        return inner(value)

    return realize


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1, 1.0),
        (1, True),
        ("a", "b"),
        ([1, 2], [2, 1]),
        ((1,), [1]),
        ({"a": 1}, {"a": 2}),
        ({1, 2}, {1, 3}),
        (b"a", b"b"),
        (float("nan"), float("inf")),
        (Path("a"), Path("b")),
        (np.arange(3), np.arange(4)),
        (np.arange(3), np.arange(3.0)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (Options(1, []), Options(2, [])),
        (Options(1, ["a"]), Options(1, ["b"])),
        (mkconfig({"n": 1}), mkconfig({"n": 2})),
        (functools.partial(floor, 1), functools.partial(floor, 2)),
        (stage(1), stage(2)),
        (lambda: 1, functools.partial(floor, 1)),
        (np.mean, np.median),
        (Options, Path),
        ([stage(1)], [stage(2)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_different_values_count(one, other):
    assert text(stage(one)) == text(stage(one))
    assert text(stage(one)) != text(stage(other))


def test_a_helper_counts_by_its_code_and_by_what_it_brings_along():
    assert content(stage(1, stage(1))).content != content(stage(1, stage(2))).content
    assert content(stage(1, floor)).content != content(stage(1, abs)).content
    assert "reach of stage" in str(content(stage(1)).content)


def test_defaults_and_partials_count():
    def realize(b, n=1, *, k=2):
        return n, k

    def other(b, n=1, *, k=3):
        return n, k

    other.__qualname__ = realize.__qualname__
    assert content(realize).content != content(other).content
    assert content(functools.partial(realize, n=1)).content != content(functools.partial(realize, n=2)).content


def test_an_own_dependency_counts_by_its_role_and_is_noticed():
    one = content(stage(A), {"params": (A,)})
    other = content(stage(B), {"params": (B,)})
    assert one.references
    assert one.content == other.content
    assert content(stage(A)).content != content(stage(B)).content
    assert not content(stage(1)).references


def test_a_configuration_with_references_counts_without_them():
    one = content(stage(mkconfig({"params": A, "n": 1})), {"params": (A,)})
    other = content(stage(mkconfig({"params": B, "n": 1})), {"params": (B,)})
    assert one.content == other.content


def test_what_has_no_content_is_named():
    found = content(stage([threading.Lock()]))
    assert found.unknown == ["value[0] (_thread.lock)"]


def test_what_holds_itself_ends():
    endless: list[object] = []
    endless.append(endless)
    assert content(stage(endless)).content is not None

    def realize(b):
        return realize(b)

    assert content(realize).content is not None
