"""Frames over binary streams."""

from __future__ import annotations

import io

import pytest

from stageloom.rpc import framing
from stageloom.rpc.framing import FramingError, frame, read_frame


def read_all(data: bytes) -> tuple[list[bytes], list[bytes]]:
    stream, junk, bodies = io.BytesIO(data), [], []
    while (body := read_frame(stream, junk.append)) is not None:
        bodies.append(body)
    return bodies, junk


def test_frames_follow_each_other() -> None:
    bodies = [b"{}", b"", "é\r\n\r\n".encode()]
    assert read_all(b"".join(map(frame, bodies))) == (bodies, [])


def test_other_headers_and_cases() -> None:
    text = b"content-length: 2\r\nContent-Type: application/json\r\n\r\n{}Content-Type: x\r\nContent-Length:2\n\n[]"
    assert read_all(text) == ([b"{}", b"[]"], [])


def test_what_was_printed_between_frames_is_set_aside() -> None:
    text = b"hello\nwarning: no\n\n" + frame(b"1") + b"no line end" + frame(b"2") + b"bye"
    assert read_all(text) == ([b"1", b"2"], [b"hello\n", b"warning: no\n", b"no line end", b"bye"])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"Content-Length: 5\r\n\r\nab", "ended within a message: 2 of 5 bytes"),
        (b"Content-Length: 5\r\n", "ended within a header"),
        (b"Content-Length: five\r\n\r\n", "is not a Content-Length"),
        (b"Content-Length: -5\r\n\r\n", "is not a Content-Length"),
        (b"Content-Length: 99999999999\r\n\r\n", "larger than"),
        (b"x" * 600_000, "bytes without a frame"),
    ],
)
def test_a_stream_that_cannot_be_trusted(data: bytes, expected: str) -> None:
    with pytest.raises(FramingError, match=expected):
        read_all(data)


def test_the_limit_is_checked_before_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_BODY", 3)
    assert read_all(frame(b"abc"))[0] == [b"abc"]
    with pytest.raises(FramingError, match="larger"):
        read_all(frame(b"abcd"))
