"""``Content-Length`` frames over binary streams, as in LSP."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

#: A frame larger than this is refused: what is larger belongs into a file.
MAX_BODY = 512 * 1024 * 1024
_MAX_LINE = 8 * 1024
_MAX_JUNK = 256 * 1024


class FramingError(ValueError):
    """The stream does not hold frames (any more); nothing after it can be trusted."""


def _ignore(junk: bytes) -> None:
    """Drop what is between frames."""


def frame(body: bytes) -> bytes:
    """Return ``body`` as one frame."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def read_frame(stream: BinaryIO, on_junk: Callable[[bytes], None] = _ignore) -> bytes | None:
    """Return the next frame's body, or None at the stream's orderly end.

    Lines that are no header, such as what a program printed on the wrong stream, go to ``on_junk``.

    Raises:
        FramingError: for an end within a frame, a length that is no length or too large, or too much junk.
    """
    length: int | None = None
    junk = 0
    while True:
        line = stream.readline(_MAX_LINE)
        if not line:
            if length is not None:
                raise FramingError("the stream ended within a header")
            return None
        stripped = line.rstrip(b"\r\n")
        if not stripped and length is not None:
            return _body(stream, length)
        stuck = stripped.find(b"Content-Length:")
        if stuck > 0:  # a print without a line end stands before the header
            on_junk(stripped[:stuck])
            stripped = stripped[stuck:]
        name, colon, text = stripped.partition(b":")
        word = name.strip().lower()
        if colon and word == b"content-length":
            length = _length(text.strip())
        elif not (colon and length is not None) and word != b"content-type" and stripped:
            junk += len(line)
            if junk > _MAX_JUNK:
                raise FramingError(f"{junk} bytes without a frame, ending in {line[-80:]!r}")
            on_junk(line)


def _length(text: bytes) -> int:
    if not text.isdigit():
        raise FramingError(f"{text[:80]!r} is not a Content-Length")
    length = int(text)
    if length > MAX_BODY:
        raise FramingError(f"a message of {length} bytes is larger than the {MAX_BODY} that are allowed")
    return length


def _body(stream: BinaryIO, length: int) -> bytes:
    body = stream.read(length)
    if body is None or len(body) != length:
        raise FramingError(f"the stream ended within a message: {len(body or b'')} of {length} bytes")
    return body
