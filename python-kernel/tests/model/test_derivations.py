"""A derivation's identity is the hash of its canonical JSON, however that is put together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stageloom.model.objects import Derivation
from stageloom.model.references import DRef, make_name
from stageloom.model.values import digest

TEXTS = st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
DREFS = st.builds(DRef, st.text("0123456789abcdef", min_size=32, max_size=32), st.builds(make_name, TEXTS))


@given(
    TEXTS,
    TEXTS,
    st.dictionaries(TEXTS, VALUES, max_size=4),
    st.dictionaries(TEXTS, st.lists(DREFS, max_size=3), max_size=4),
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    TEXTS,
)
def test_the_reference_is_the_digest_of_the_canonical_text(
    name: str,
    language: str,
    configuration: dict[str, object],
    dependencies: dict[str, list[DRef]],
    inputs: dict[str, str],
    code: str,
) -> None:
    made = Derivation(name, language, configuration, dependencies, inputs, code)  # type: ignore[arg-type]  # any JSON
    assert made.dref == DRef(digest("derivation/1", made.as_json()), make_name(name))
    assert made.known_dref == made.dref
    assert DRef.parse(str(made.dref)) == made.dref


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("plain_1", "plain_1"),
        ("", "_"),
        ("a b", "a_b"),
        ("-x", "_-x"),
        ("\u00e9", "_"),
        ("x" * 90, "x" * 80),
        ("1", "1"),
    ],
)
def test_names_in_references(text: str, name: str) -> None:
    assert make_name(text) == name
