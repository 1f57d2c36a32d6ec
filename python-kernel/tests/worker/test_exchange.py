"""Values between a host and operations: what travels comes back as it was, and what cannot says where it is."""

from __future__ import annotations

import array
import json
import math
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stageloom.worker.carrying import Carrier
from stageloom.worker.exchange import ExchangeError, decode, encode
from stageloom.worker.journal import ANSWER, MAPPED, Journal
from stageloom.worker.operations import load, operations_of

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("$stageloom"), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_values_come_back_as_they_were(value: object) -> None:
    assert decode(encode(value)) == value


def test_what_is_no_number_comes_back() -> None:
    assert math.isnan(decode(encode(float("nan"))))
    assert decode(encode((1, [math.inf, -math.inf]))) == [1, [math.inf, -math.inf]]


def test_what_goes_to_a_host_is_json_that_its_parser_takes() -> None:
    text = encode([float("nan"), 2**60, math.inf])
    assert json.loads(text, parse_constant=pytest.fail)[1]["value"] == str(2**60)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": [1, object()]}, "a[1]: a object cannot travel"),
        ({"a": {3: 1}}, "a: a dict with the key 3 cannot travel: keys must be text"),
        ({1, 2}, "a set cannot travel"),
    ],
    ids=["object", "key", "set"],
)
def test_what_cannot_travel_says_where_it_is(value: object, problem: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        encode(value)
    assert str(caught.value) == problem


def test_what_holds_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ExchangeError, match="holds itself"):
        encode(loop)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"$stageloom":"int","value":"x"}',
        '{"$stageloom":"bytes"}',
        '{"$stageloom":"new"}',
        '{"$stageloom":"float"}',
    ],
)
def test_what_holds_no_value_is_refused(text: str) -> None:
    with pytest.raises(ExchangeError):
        decode(text)


@pytest.mark.parametrize("inline", [0, 1_000_000])
def test_bytes_lie_in_the_text_or_in_a_file(tmp_path: Path, inline: int) -> None:
    carrier = Carrier(str(tmp_path / "worker"), inline)
    numbers = array.array("q", [1, -2, 3])
    text = encode({"b": b"bytes", "n": numbers}, carrier)
    assert len(list(tmp_path.iterdir())) == (2 if inline == 0 else 0)
    back = decode(text, carrier)
    assert back["b"] == b"bytes"
    assert list(back["n"]) == [1, -2, 3]
    back["n"][0] = 7  # it is one's own
    assert carrier.carried == 5 + 24


def test_arrays_need_no_numpy() -> None:
    program = """
import sys
sys.modules["numpy"] = None
import array
from stageloom.worker.exchange import decode, encode
back = decode(encode(array.array("d", [1.5, 2.5])))
assert back.tolist() == [1.5, 2.5] and back.format == "d", back
text = encode(array.array("i", [1, 2, 3, 4])).replace('"shape":[4]', '"shape":[2,2]')
assert decode(text).tolist() == [[1, 2], [3, 4]]
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2] / "src")


# --- journal ---------------------------------------------------------------------------------------------------------


def noted(path: Path) -> tuple[int, int, bytes]:
    """Return what a host reads: the call that began, the one that ended, and its answer where the checksum holds."""
    pages = path.read_bytes()
    started, ended, length, crc = struct.unpack_from("<QQQI", pages, 8)
    answer = pages[ANSWER : ANSWER + length]
    assert ended == 0 or crc == zlib.crc32(answer, zlib.crc32(struct.pack("<Q", ended)))
    return started, ended, answer


def test_the_journal_tells_what_began_and_ended(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(str(path))
    assert noted(path) == (0, 0, b"")
    journal.begin(1)
    assert noted(path)[:2] == (1, 0)
    journal.end(1, b"vone")
    assert noted(path) == (1, 1, b"vone")
    long = b"v" + b"x" * (3 * MAPPED)
    journal.begin(2)
    journal.end(2, long)
    assert noted(path) == (2, 2, long)
    journal.begin(3)
    assert path.stat().st_size == MAPPED
    assert struct.unpack_from("<Q", path.read_bytes(), 8) == (3,)
    journal.end(3, b"v")
    assert noted(path) == (3, 3, b"v")


# --- operations ------------------------------------------------------------------------------------------------------


def test_operations_are_the_public_functions_that_the_module_defines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "beside.py").write_text("def imported():\n    pass\n")
    (tmp_path / "entry_of_this_test.py").write_text(
        "from beside import imported\nimport functools\n\n"
        "def wrapped(f):\n    @functools.wraps(f)\n    def inner():\n        return f()\n    return inner\n\n"
        "@wrapped\ndef public():\n    return 1\n\ndef _private():\n    pass\n\nclass Thing:\n    pass\n\nvalue = 3\n"
    )
    module = load(str(tmp_path / "entry_of_this_test.py"))
    assert set(operations_of(module)) == {"public", "wrapped"}
    module.__all__ = ["imported", "Thing", "value"]  # type: ignore[attr-defined]
    assert set(operations_of(module)) == {"imported"}
