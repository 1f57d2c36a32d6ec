"""A file's syntax tree, and the tree of the same file after an edit, made by parsing only the statements around it."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence


class Parsed:
    """The tree of ``text``; nobody changes it.

    ``before`` is what it was made from where that was the tree of another text: all statements are then the very
    same, but ``old`` there, for which ``new`` stand here, on as many lines: ``window`` is the text of these.
    ``kept`` holds what followed from the tree, by who keeps it.
    """

    __slots__ = ("before", "kept", "new", "old", "text", "tree", "window")

    def __init__(
        self,
        text: str,
        tree: ast.Module,
        before: Parsed | None = None,
        old: Sequence[ast.stmt] = (),
        new: Sequence[ast.stmt] = (),
        window: str = "",
    ) -> None:
        self.text = text
        self.tree = tree
        self.before = before
        self.old = old
        self.new = new
        self.window = window
        self.kept: dict[str, object] = {}

    def edited(self, text: str) -> Parsed | None:
        """Return the tree of ``text``, an edit of this one that moves no line; None where it must be parsed whole."""
        if text.count("\n") != self.text.count("\n") or "barry_as_FLUFL" in text:
            return None
        lines = text.split("\n")
        body = self.tree.body
        start, end = _window(self.text, text)
        first, last = text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 1
        low = bisect_left(body, first, key=_end)
        high = max(low, bisect_right(body, last, key=_start))
        while 0 < low < len(body) and _end(body[low - 1]) >= _start(body[low]):
            low -= 1  # on one line, with a semicolon between them
        while 0 < high < len(body) and _end(body[high - 1]) >= _start(body[high]):
            high += 1
        top = _end(body[low - 1]) if low else 0
        bottom = _start(body[high]) - 1 if high < len(body) else len(lines)
        # a line that goes on in the next one is no place to cut
        if (high - low) * 4 > len(body) + 4 or any(at and lines[at - 1].endswith("\\") for at in (top, bottom)):
            return None
        window = "\n".join(lines[top:bottom])
        try:
            new = ast.parse("\n" * top + window).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None  # the whole file says what is wrong, and where
        self.before = None  # one step back is enough, and a chain of them would never be let go
        whole = ast.Module([*body[:low], *new, *body[high:]], [])
        return Parsed(text, whole, self, body[low:high], new, window)


def _window(old: str, new: str) -> tuple[int, int]:
    """Return where ``new`` begins and ends to differ from ``old``."""
    most = min(len(old), len(new))
    start = _alike(most, lambda count: old[:count] == new[:count])
    rest = most - start
    end = _alike(rest, lambda count: old[len(old) - count :] == new[len(new) - count :])
    return start, len(new) - end


def _alike(most: int, same: Callable[[int], bool]) -> int:
    """Return the largest count up to ``most`` that is the ``same``; every smaller one is, too."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if same(middle) else (low, middle - 1)
    return low


def _start(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
