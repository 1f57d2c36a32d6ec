"""References made up by hand, names of all kinds, and what configuration cannot or can only just hold."""

from __future__ import annotations

import contextlib
import io
import math
import os
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from store_making import content_of, fast_folder, made, read

from stageloom import cli
from stageloom.model.objects import Derivation
from stageloom.model.references import BadReferenceError, DRef, RRef, make_name
from stageloom.model.values import NotSerialisableError, canonical_bytes, from_json, to_json
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.errors import NotStoredError, StoreError
from stageloom.store.gc import Policy
from stageloom.store.store import Store

hex32 = some.text("0123456789abcdef", min_size=32, max_size=32)
names = some.text(max_size=12) | some.sampled_from(["..", "/", "a/b", "x" * 300, "😀", "con", "a\n", "-", ""])


@given(hex32, hex32, names)
def test_a_reference_says_what_it_was_made_of(own, derivation, text):
    name = make_name(text)
    rref = RRef(own, derivation, name)
    assert RRef.parse(str(rref)) == rref
    assert DRef.parse(str(rref.dref)) == DRef(derivation, name)
    assert len(name) <= 80
    assert not set(name) - set(string.ascii_letters + string.digits + "_.+-")
    assert name not in ("", ".", "..")


@settings(max_examples=300)
@given(
    some.text(max_size=90)
    | some.builds("{}:{}-{}-{}".format, some.sampled_from(["rref", "dref", "RREF"]), hex32, hex32, names)
    | some.builds("rref:{}-{}-{}{}".format, hex32, hex32, some.sampled_from(["a", "../..", "a/b"]), names)
)
def test_a_text_is_a_reference_in_its_one_form_alone(text):
    for kind in (DRef, RRef):
        try:
            found = kind.parse(text)
        except BadReferenceError:
            continue
        assert str(found) == text
        assert os.sep not in text
        assert "\n" not in text


MADE_UP = [
    f"rref:{'0' * 32}-{'1' * 32}-numbers",
    f"rref:{'0' * 32}-{'1' * 32}-../../etc/passwd",
    f"rref:{'g' * 32}-{'1' * 32}-numbers",
    f"rref:{'0' * 31}-{'1' * 32}-numbers",
    f"dref:{'0' * 32}-numbers",
    "rref:",
    "../../../etc/passwd",
    "😀",
    "x" * 300,
]


def test_references_made_up_by_hand_are_refused_and_change_nothing(tmp_path):
    (tmp_path / "pipeline.py").write_text("from stageloom import stage\n\n\n@stage\ndef numbers():\n    return 1\n")
    refused = 0

    def run(*words: str) -> tuple[int, str]:
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            try:
                code = cli.main([*words, "--root", str(tmp_path), "--store", str(tmp_path / "store")])
            except SystemExit as end:  # what the parser of words refuses
                code = int(end.code or 0)
        return code, told.getvalue()

    assert run("realize", str(tmp_path / "pipeline.py"))[0] == 0
    with Store.open(tmp_path / "store") as store:
        [found] = store.history()
        before = store.sequence
    for text in MADE_UP:
        for words in (
            ("gc", "--keep", text),
            ("pack", str(tmp_path / "a.zip"), text),
            ("push", str(tmp_path / "remote"), text),
            ("pin", text),
            ("compare", text, str(found.rref)),
            ("compare", str(found.rref), text),
        ):
            code, told = run(*words)
            assert "Traceback" not in told
            if words[0] != "gc":  # to keep what was never there asks for nothing
                assert code != 0, (words, told)
                assert told.strip()
                refused += 1
            assert not (tmp_path / "a.zip").exists()
    with Store.open(tmp_path / "store") as store:
        assert store.sequence == before
        for text in MADE_UP[:1]:
            rref = RRef.parse(text)
            assert store.get(rref) is None
            for ask in (store.record, lambda one: store.derivation(one.dref)):
                with pytest.raises(NotStoredError):
                    ask(rref)
            with pytest.raises(StoreError):
                store.pack([rref], tmp_path / "a.zip")
            store.gc(Policy([rref], grace=0), delete=False)
        assert store.verify() == []
    print(f"faults: {len(MADE_UP)} references made up by hand: {refused} commands refused, nothing changed")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.lists(names, min_size=1, max_size=4, unique=True))
def test_stages_of_any_name_stay_in_the_store(given_names):
    with fast_folder() as folder, Store.open(folder / "store") as store:
        for number, name in enumerate(given_names):
            new = made(store, "plain", number)
            derivation = Derivation(name, "function", {"number": number})
            provenance = Provenance(name, name or "p.py", "20261103-120000-ab", more={"name": "x"})
            [found] = store.commit(
                [NewRealization(derivation, {}, new.action, provenance, scratch=new.scratch, files=new.files)]
            )
            assert read(store, found) == content_of("plain", number)
            assert found.stage == name
            assert store.get(found.rref) == found
        assert [path.name for path in folder.iterdir()] == ["store"]
        longest = max(len(str(path.relative_to(folder))) for path in folder.rglob("*"))
        assert longest < 200, "paths stay short enough for Windows"
        assert store.verify() == []


exact = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text() | some.binary()
values = some.recursive(
    exact,
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.lists(inner, max_size=3).map(tuple)
        | some.frozensets(exact, max_size=3)
        | some.dictionaries(some.text().filter(lambda key: not key.startswith("$")), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(values)
def test_configuration_survives_a_round_trip(value):
    told = to_json(value)
    assert canonical_bytes(told) == canonical_bytes(to_json(from_json(told)))
    back = from_json(told)
    assert repr(back) == repr(value) or back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0], ids=repr)
def test_numbers_that_json_lacks(value):
    for held in (value, [value], {"a": (value,)}):
        assert repr(from_json(to_json(held))) == repr(held)
        canonical_bytes(to_json(held))


@pytest.mark.parametrize(
    "value", [{1: 2}, {"a": {None: 1}}, {(1, 2): 3}, [{b"k": 1}], {"$tuple": [1]}, print, 1j, range(3)], ids=repr
)
def test_what_configuration_cannot_hold_says_where(value):
    with pytest.raises(NotSerialisableError, match="value"):
        to_json(value)
