"""Messages as JSON and back."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Literal, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stageloom.model.values import Json
from stageloom.rpc import messages
from stageloom.rpc.messages import (
    METHODS,
    Failure,
    JobDone,
    JobFailed,
    JobOutcome,
    JobStale,
    Plan,
    Realized,
    RunParams,
    Span,
    StageStatus,
    WrittenFile,
)
from stageloom.rpc.mismatch import WireError
from stageloom.rpc.wire import decode, encode, resolve, wire_name

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def values_of(kind: object) -> st.SearchStrategy[object]:
    scalars = {
        str: st.text(max_size=5),
        int: st.integers(-(2**53) + 1, 2**53 - 1),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        type(None): st.none(),
    }
    if kind is Json:
        return json_values
    if kind in scalars:
        return scalars[kind]
    if is_dataclass(kind):
        hints = resolve(kind)
        return st.builds(kind, **{name: st.deferred(lambda hint=hint: values_of(hint)) for name, hint in hints.items()})
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(member) for member in arguments])
    if origin is Sequence:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    assert origin is Mapping
    return st.dictionaries(st.text(max_size=4), values_of(arguments[1]), max_size=2)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_message_survives(method: messages.Method, data: st.DataObject) -> None:
    for kind in (method.params, method.result):
        if kind is not None:
            value = data.draw(values_of(kind))
            assert decode(kind, json.loads(json.dumps(encode(value)))) == value


def through_javascript(value: object) -> object:
    """JSON as a host in JavaScript hands it on: one kind of number."""
    return json.loads(json.dumps(value), parse_float=js_number, parse_int=js_number)


def js_number(text: str) -> object:
    number = float(text)
    return int(number) if number.is_integer() else number


@given(json_values)
def test_configuration_keeps_its_types_through_a_host_with_one_kind_of_number(value: Json) -> None:
    sent = RunParams("pipeline.py", (), {"stage.parameter": value})
    twice = JobDone({"inner": encode(sent)})
    got = decode(JobOutcome, through_javascript(encode(twice)))
    back = decode(RunParams, got.result["inner"]).sets["stage.parameter"]
    assert repr(back) == repr(value)


def test_a_dict_that_looks_like_a_tag() -> None:
    for value in ({"$int": "7"}, {"$int": {"$int": [1]}}, {"$float": "nan"}, {"$tuple": [1.0]}):
        assert decode(JobDone, encode(JobDone(value))) == JobDone(value)


def test_names_on_the_wire() -> None:
    assert [wire_name(name) for name in ("is_", "end_line", "path")] == ["is", "endLine", "path"]
    assert encode(Span("a.py", 1, 2, 3, 4)) == {"path": "a.py", "line": 1, "column": 2, "endLine": 3, "endColumn": 4}


def test_defaults_may_be_left_out_and_unions_are_told_apart_by_is() -> None:
    assert decode(RunParams, {"path": "p.py"}) == RunParams("p.py")
    assert decode(JobOutcome, {"is": "stale"}) == JobStale()
    failed = decode(JobOutcome, {"is": "failed", "failure": {"kind": "killed", "message": "m"}})
    assert failed == JobFailed(Failure("killed", "m"))


def stage(**changes: object) -> dict[str, object]:
    span = {"path": "p.py", "line": 0, "column": 0, "endLine": 1, "endColumn": 0}
    return {"name": "a", "function": "a", "language": "function", "span": span, "is": "absent", **changes}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (
            Plan,
            {"path": "p", "snapshot": "s", "stages": [stage(), stage(name=3)], "problems": []},
            "stages[1].name: expected str, got int",
        ),
        (Plan, {"path": "p", "snapshot": "s", "stages": {}, "problems": []}, "stages: expected a list, got dict"),
        (StageStatus, stage(span=None), "span: expected Span, got null"),
        (
            StageStatus,
            stage(**{"is": "gone"}),
            "is: expected one of 'cached', 'stale', 'absent', 'unknown', 'broken', got 'gone'",
        ),
        (StageStatus, stage(realization={"rref": 1}), "realization.rref: expected str, got int"),
        (StageStatus, stage(dref=4), "dref: expected str or null, got int"),
        (RunParams, {}, "path: is missing"),
        (RunParams, {"path": "p", "target": []}, "unexpected field 'target'"),
        (RunParams, {"path": "p", "targets": ["a", None]}, "targets[1]: expected str, got null"),
        (JobOutcome, {"is": "lost"}, "is: expected one of 'done', 'failed', 'stale', got 'lost'"),
        (JobOutcome, {"is": "failed", "failure": {"kind": "killed"}}, "failure.message: is missing"),
        (JobDone, {"result": {"$int": "x"}}, "result.$int: 'x' is not a number"),
        (WrittenFile, {"path": "p", "size": True, "sha256": ""}, "size: expected int, got bool"),
        (messages.Point, {"step": "1", "values": {}, "at": 0}, "step: expected a finite float, got str"),
        (messages.Point, {"step": 1, "values": {"a": None}, "at": 0}, "values['a']: expected a finite float, got null"),
        (RunParams, [], "expected RunParams, got list"),
    ],
)
def test_a_bad_message_is_told_by_its_path(kind: object, value: object, expected: str) -> None:
    with pytest.raises(WireError) as caught:
        decode(kind, value)
    assert str(caught.value) == expected


def test_a_value_of_the_wrong_type_is_not_sent() -> None:
    with pytest.raises(WireError, match=r"took: expected a finite float, got nan"):
        encode(Realized((), float("nan")))
    with pytest.raises(WireError, match=r"files\[0\]: expected WrittenFile, got str"):
        encode(Realized(("a",), 1.0))  # type: ignore[arg-type]
    with pytest.raises(WireError, match=r"result\.a\[1\]: expected JSON, got set"):
        encode(JobDone({"a": [1, {2}]}))  # type: ignore[dict-item]


def test_every_field_of_every_message_has_a_wire_type() -> None:
    kinds = [kind for kind in vars(messages).values() if isinstance(kind, type) and is_dataclass(kind)]
    for kind in kinds:
        if kind is not messages.Method:
            names = [wire_name(field.name) for field in fields(kind)]
            assert len(set(names)) == len(names)
            with pytest.raises(WireError):
                decode(kind, 7)


FIRST_MET = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from stageloom.rpc.messages import Outputs, Point, Realization
from stageloom.rpc.wire import decode, encode

sys.setswitchinterval(1e-6)
message = Outputs(Realization("r", "d", "t", 1, 2.0, 3.0, 4, "run"), (), "log", (Point(1.0, {"loss": 0.5}, 2.0),))
meet = threading.Barrier(8)

def both(_: int) -> bool:
    meet.wait()
    told = encode(message)
    return decode(Outputs, told) == message

with ThreadPoolExecutor(8) as pool:
    assert all(pool.map(both, range(8)))
"""


@pytest.mark.parametrize("turn", range(8))
def test_threads_that_meet_a_type_at_once_all_get_it_whole(turn: int) -> None:
    """In new processes, since a type is met for the first time but once."""
    assert subprocess.run([sys.executable, "-c", FIRST_MET], timeout=120, check=False).returncode == 0
