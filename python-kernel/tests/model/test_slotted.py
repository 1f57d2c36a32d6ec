"""Our dataclasses against those of ``dataclasses``."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from stageloom.model import slotted


class Plain:
    """What both make a dataclass of."""

    x: int
    y: str = "a"
    z: Mapping[str, int]

    @property
    def double(self) -> int:
        return self.x * 2


def _make(module: Any, **more: Any) -> Any:
    body = {key: value for key, value in vars(Plain).items() if key not in ("__dict__", "__weakref__")}
    kind = type("Plain", (), {**body, "z": module.field(default_factory=dict, compare=False, repr=False)})
    made = module.dataclass(slots=True, **more)(kind)
    globals()[f"Made{len(_MADE)}"] = made
    made.__qualname__ = f"Made{len(_MADE)}"
    _MADE.append(made)
    return made


_MADE: list[Any] = []


@pytest.mark.parametrize("more", [{"frozen": True}, {}, {"frozen": True, "order": True}])
def test_they_behave_alike(more: dict[str, bool]) -> None:
    theirs, ours = _make(dataclasses, **more), _make(slotted, **more)
    told = []
    for kind in (theirs, ours):
        one, other = kind(1, z={"k": 2}), kind(x=1, y="b")
        told.append(
            [
                repr(one).partition("(")[2],
                one == kind(1),
                one == other,
                one != (1, "a"),
                one.double,
                kind.__match_args__,
                hasattr(one, "__dict__"),
                dataclasses.asdict(one),
                [(f.name, f.type, f.compare, f.repr) for f in dataclasses.fields(kind)],
                dataclasses.is_dataclass(kind),
                dataclasses.replace(one, y="q").y,
                slotted.replace(one, y="q").z,
                copy.deepcopy(one) == one,
                pickle.loads(pickle.dumps(one)).z,
                _said(lambda kind=kind: kind()).partition("(")[2],
                _said(lambda kind=kind: kind(1, 2, 3, 4)).partition("(")[2],
                _said(lambda one=one: setattr(one, "x", 3)),
                _said(lambda one=one: delattr(one, "x")),
                _said(lambda one=one: hash(one) == hash(kind(1))).replace(kind.__qualname__, ""),  # noqa: B023
                _said(lambda one=one, other=other: one < other).replace(kind.__qualname__, ""),
            ]
        )
    assert told[0] == told[1]


def _said(do: Any) -> str:
    try:
        return str(do())
    except (TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(TypeError, match="base class"):
        slotted.dataclass(slots=True)(type("Derived", (Plain,), {"__annotations__": {}}))
    with pytest.raises(TypeError, match="slots"):
        slotted.dataclass(slots=False)


def test_the_messages_bring_neither_dataclasses_nor_inspect() -> None:
    code = (
        "import stageloom.rpc.messages, sys; print([one for one in ('dataclasses', 'inspect') if one in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
