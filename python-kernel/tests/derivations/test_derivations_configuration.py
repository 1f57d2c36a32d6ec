from __future__ import annotations

import enum
import json
import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stageloom.derivations import ConfigError, DRef, mkconfig, selfref
from stageloom.derivations.configuration import dependencies, promises, replace, role

A = DRef("a" * 32, "params")
B = DRef("b" * 32, "anneal")


class Colour(enum.IntEnum):
    RED = 1


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: not key.startswith("$")), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text().filter(lambda key: key != "name" and not key.startswith("$")), PLAIN))
def test_survives_a_round_trip_with_its_keys_in_order(values):
    config = mkconfig(values)
    text = json.dumps(dict(config.value))
    assert json.loads(text) == values
    assert json.dumps(values) == text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (math.nan, "config['x'] is nan, which JSON cannot hold; use None, or a text"),
        (math.inf, "config['x'] is inf"),
        (b"raw", "config['x'] is a bytes, which JSON cannot hold; write a text (base64, say)"),
        ((1, 2), "config['x'] is a tuple, which JSON cannot hold; write a list"),
        ({1}, "config['x'] is a set, which JSON cannot hold; write a list"),
        (range(3), "write a list"),
        ({1: "one"}, "config['x'] has the key 1, which JSON would turn into a text; write '1'"),
        ({True: 1}, "config['x'] has the key True"),
        ([{"deep": (1,)}], "config['x'][0]['deep'] is a tuple"),
        (np.float64(1.5), "config['x'] is a numpy.float64, which JSON cannot hold; write float(…)"),
        (np.arange(3), "write ….tolist()"),
        (np.int64(3), "write ….tolist()"),
        (Path("a"), "write str(…)"),
        (Colour.RED, "write int(…)"),
        (OrderedDict(a=1), "write a dict"),
        pytest.param(object(), "config['x'] is an object, which JSON cannot hold; write what it is made", id="object"),
        ({"$tuple": [1]}, "config['x'] has '$tuple' as its only key"),
    ],
    ids=repr,
)
def test_refuses_what_json_would_lose(value, says):
    with pytest.raises(ConfigError) as caught:
        mkconfig({"x": value})
    assert says in str(caught.value)


def test_refuses_what_holds_itself():
    values = {}
    values["again"] = values
    with pytest.raises(ConfigError, match="holds itself"):
        mkconfig(values)


def test_refuses_a_name_that_is_no_text_and_arguments_that_are_no_dict():
    with pytest.raises(ConfigError, match="must be a text"):
        mkconfig({"name": 3})
    with pytest.raises(ConfigError, match="takes a dict, not a list"):
        mkconfig([1])


def test_takes_locals():
    def config():
        name = "params"  # read by locals()
        out = [selfref, "params.npy"]  # read by locals()
        return mkconfig(locals())

    assert config().value == {"name": "params", "out": ["__self__", "params.npy"]}
    assert config().name == "params"


def test_dependencies_are_every_reference_wherever_it_stands():
    config = mkconfig(
        {
            "name": "plot",
            "params": A,
            "trace": [B, "trace.npz"],
            "deep": {"runs": [A, [B, "a", "b"]], "odd key": str(B)},
            "said": f"see {A}",
            "near": str(A)[:-1] + "/",
        }
    )
    assert dependencies(config.value) == {
        "params": (A,),
        "trace": (B,),
        "deep.runs[0]": (A,),
        "deep.runs[1]": (B,),
        'deep["odd key"]': (B,),
    }


def test_roles_tell_places_apart():
    places = [("a", "b"), ("a.b",), ("a", 0), ("a[0]",), ("a", "0"), ("",), ("a", '"]'), ("a", "b", "c"), ("a", "b.c")]
    assert len({role(one) for one in places}) == len(places)


def test_promises_stay_in_the_folder():
    config = mkconfig({"out": [selfref, "a.npy"], "deep": {"x": [selfref, "sub", "b.txt"], "root": [selfref]}})
    assert [str(one) for one in promises(dict(config.value))] == ["a.npy", "sub/b.txt"]
    for bad in ("../a", "/a", "a/../b", "", "a\\b", "./a"):
        with pytest.raises(ConfigError, match="leaves the stage's folder"):
            mkconfig({"out": [selfref, bad]})


def test_replace_sets_what_is_configured_and_nothing_else():
    config = mkconfig({"maxiter": 500, "search": {"seed": 1}, "a.b": 2, "params": A, "out": [selfref, "x"]})
    assert replace(config.value, "maxiter", 100)["maxiter"] == 100
    assert replace(config.value, "search.seed", 7)["search"] == {"seed": 7}
    assert replace(config.value, "a.b", 3)["a.b"] == 3
    assert list(replace(config.value, "maxiter", 100)) == list(config.value)
    assert config.value["maxiter"] == 500
    assert replace(config.value, "absent", 1) is None
    assert replace(config.value, "search.absent", 1) is None
    assert replace(config.value, "maxiter.deep", 1) is None
    for key in ("params", "out"):
        with pytest.raises(ConfigError, match="names a dependency or an output"):
            replace(config.value, key, 1)
    with pytest.raises(ConfigError, match="cannot hold"):
        replace(config.value, "maxiter", math.nan)
