"""A source file's bytes as text and as a syntax tree."""

from __future__ import annotations

import ast
import gc
import io
import tokenize
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from stageloom.rpc.messages import Problem, Span
from stageloom.tracking.parsed import Parsed

#: This process's, the latest last: what was parsed before an edit serves after it. A tree may take many megabytes.
_parsed: dict[bytes, Parsed] = {}
_MOST_PARSED = 2


class BadSourceError(ValueError):
    """A source file that Python cannot read; ``problem`` says where."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


@contextmanager
def many_objects() -> Iterator[None]:
    """Keep the garbage collector from looking again and again at the many objects made here, none of them garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def decode(content: bytes) -> str:
    """Return a source file's text, its lines ended by LF; raises SyntaxError, UnicodeDecodeError or LookupError."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def readable(content: bytes) -> str:
    """Return a source file's text to look at; what is no text in its encoding becomes ``�``."""
    try:
        return decode(content)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def parse(content: bytes, path: str) -> tuple[ast.Module, str]:
    """Return the syntax tree and the text of the file at ``path``; raises BadSourceError. Nobody changes the tree."""
    found = parsed(content, path)
    return found.tree, found.text


def parsed(content: bytes, path: str) -> Parsed:
    """Return what :func:`parse` does, with what it was made from; raises BadSourceError."""
    found = _parsed.get(content)
    if found is not None:
        return found
    try:
        with many_objects():
            found = _parse(decode(content), path)
    except SyntaxError as error:
        raise BadSourceError(_syntax_problem(error, path)) from error
    except (UnicodeDecodeError, LookupError, ValueError) as error:
        message = f"{path} cannot be read as Python: {error}. Save it as UTF-8."
        raise BadSourceError(Problem("syntax", message, Span(path, 0, 0, 0, 0))) from error
    except (RecursionError, MemoryError) as error:
        message = f"{path} is nested too deeply for Python's parser."
        raise BadSourceError(Problem("syntax", message, Span(path, 0, 0, 0, 0))) from error
    for old in list(_parsed)[: 1 - _MOST_PARSED]:
        _parsed.pop(old, None)
    _parsed[content] = found
    return found


def _parse(text: str, path: str) -> Parsed:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a doubtful escape in a string is told when the file is run
        for before in reversed(list(_parsed.values())):
            found = before.edited(text)
            if found is not None:
                return found
        return Parsed(text, ast.parse(text, path))


def _syntax_problem(error: SyntaxError, path: str) -> Problem:
    line = max((error.lineno or 1) - 1, 0)
    column = max((error.offset or 1) - 1, 0)
    end_line = max((error.end_lineno or 0) - 1, line)
    end_column = (error.end_offset or 0) - 1
    if end_line == line and end_column <= column:
        end_column = column + 1
    return Problem("syntax", f"{error.msg[:1].upper()}{error.msg[1:]}", Span(path, line, column, end_line, end_column))


class Columns:
    """Turns the parser's columns (bytes of UTF-8) into the editor's (UTF-16 units)."""

    def __init__(self, text: str) -> None:
        self._lines = None if text.isascii() else text.split("\n")

    def at(self, line: int, column: int) -> int:
        """Return the editor's column of the parser's ``column`` on ``line`` (counted from 1)."""
        if self._lines is None or line > len(self._lines) or self._lines[line - 1].isascii():
            return column
        return len(self._lines[line - 1].encode()[:column].decode("utf-8", "replace").encode("utf-16-le")) // 2
