"""References and configurations of any shape, by hypothesis."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stageloom.pylightnix import (
    CheckError,
    Config,
    ConfigError,
    DRef,
    HashPart,
    Name,
    assert_valid_config,
    cfgdeps,
    cfgdict,
    cfghash,
    cfgserialize,
    isdref,
    isrref,
    mkconfig,
    mkdref,
    mkname,
    mkrref,
    path2dref,
    path2rref,
    resolve,
    rref2dref,
    selfref,
    undref,
    unrref,
)
from stageloom.pylightnix.configuration import derivation_of, order_of, plan, planned

#: However loaded the machine is.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

HASHES = st.text("0123456789abcdef", min_size=32, max_size=32)
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}", fullmatch=True)
DREFS = st.builds(lambda part, name: mkdref(HashPart(part), Name(name)), HASHES, NAMES)
KEYS = st.text(max_size=8).filter(lambda key: key != "name")
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | DREFS
    | st.just([selfref, "file"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
CONFIGS = st.dictionaries(KEYS, VALUES, max_size=6)


@UNHURRIED
@given(HASHES, HASHES, NAMES)
def test_references_come_apart_as_they_were_made(own: str, derivation: str, name: str) -> None:
    rref = mkrref(HashPart(own), HashPart(derivation), Name(name))
    assert isrref(rref)
    assert unrref(rref) == (own, derivation, name)
    dref = rref2dref(rref)
    assert isdref(dref)
    assert undref(dref) == (derivation, name)
    assert path2dref(f"/x/{derivation}-{name}") == dref
    assert path2rref(f"/x/{derivation}-{name}/{own}") == rref


@UNHURRIED
@given(st.text())
def test_texts_are_references_only_in_their_form(text: str) -> None:
    assert isdref(text) == bool(re.fullmatch(r"dref:[0-9a-f]{32}-[A-Za-z0-9_][A-Za-z0-9_.+-]{0,79}", text))
    for made in (f"dref:{text}", f"rref:{text}", f"dref:{'0' * 32}-{text}"):
        if isdref(made):
            part, name = undref(DRef(made))
            assert made == f"dref:{part}-{name}"
        else:
            with pytest.raises(CheckError):
                undref(DRef(made))


@UNHURRIED
@given(st.text())
def test_names(text: str) -> None:
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}", text):
        assert mkname(text) == text
    else:
        with pytest.raises(CheckError):
            mkname(text)


@UNHURRIED
@given(CONFIGS)
def test_configurations_survive_a_round_trip_in_the_order_of_their_keys(value: dict[str, Any]) -> None:
    config = mkconfig(value)
    assert cfgdict(config) == value
    text = cfgserialize(config)
    assert json.dumps(json.loads(text)) == json.dumps(value)
    stored = json.loads(json.dumps(derivation_of(config).as_json(), sort_keys=True))
    from stageloom.store.objects import parse_derivation

    back = planned(parse_derivation(stored), order_of(plan(config)))
    assert json.dumps(back.config) == json.dumps(value)
    assert str(back.dref)[5:37] == cfghash(config)[:32]
    assert set(back.dependencies) == cfgdeps(config)


@UNHURRIED
@given(CONFIGS, CONFIGS)
def test_equal_configurations_and_only_they_have_equal_hashes(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (cfghash(mkconfig(one)) == cfghash(mkconfig(other))) == same


@UNHURRIED
@given(CONFIGS, DREFS)
def test_dependencies_are_every_reference_and_promises_become_paths(value: dict[str, Any], dref: DRef) -> None:
    def found(part: Any) -> set[str]:
        if isinstance(part, dict):
            return set().union(*map(found, part.values())) if part else set()
        if isinstance(part, list):
            return set().union(*map(found, part)) if part else set()
        return {part} if isinstance(part, str) and isdref(part) else set()

    config = mkconfig({**value, "more": [[dref, "a", "b"], {"k": dref}]})
    assert cfgdeps(config) == found(config.val)
    assert dref in cfgdeps(config)
    resolved = json.dumps(resolve(config, dref).val)
    assert f'["{selfref}"' not in resolved


BAD = [
    float("nan"), float("inf"), b"x", (1, 2), {1: 2}, {None: 1}, {1, 2}, object(), 1j, print, range(3),
]  # fmt: skip


@pytest.mark.parametrize("value", BAD, ids=range(len(BAD)))
def test_what_json_would_lose_is_refused_and_says_where(value: Any) -> None:
    def make() -> None:
        assert_valid_config(mkconfig({"x": {"y": [value]}}))
        derivation_of(mkconfig(value if isinstance(value, dict) else {"x": value}))

    with pytest.raises(ConfigError, match="config"):
        make()


def test_a_configuration_that_holds_itself_or_is_too_deep() -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    deep: Any = 1
    for _ in range(2000):
        deep = [deep]
    for value in (circle, {"deep": deep}):
        with pytest.raises(ConfigError, match="nested more than"):
            mkconfig(value)


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 300, "\U0001f600", "a b", "-a", "a\n", 5, None])
def test_names_that_cannot_be(name: Any) -> None:
    with pytest.raises(CheckError, match="cannot be a name"):
        assert_valid_config(Config({"name": name}))
