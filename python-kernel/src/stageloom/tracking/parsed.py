"""A file's syntax tree, and the tree of the same file after an edit, made by parsing only the statements around it."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence


class Parsed:
    """The tree of ``text``; nobody changes it.

    ``before`` is what it was made from where that was the tree of another text: all statements are then the very
    same, but ``old`` there, for which ``new`` stand here: ``window`` is the text of these. ``lines`` are the first and
    the last of each of ``old``, from 1, whatever the nodes say, and what came after the line ``after`` lies ``moved``
    lines further down. ``kept`` holds what followed from the tree, by who keeps it.
    """

    __slots__ = (
        "_body", "_ends", "_starts", "_tree", "after", "before", "kept", "lines", "moved", "new", "old", "text",
        "window",
    )  # fmt: skip

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.text = text
        self.before: Parsed | None = None
        self.old: Sequence[ast.stmt] = ()
        self.new: Sequence[ast.stmt] = ()
        self.window = ""
        self.lines: Sequence[tuple[int, int]] = ()
        self.after = self.moved = 0
        self.kept: dict[str, object] = {}
        self._tree: ast.Module | None = tree
        self._body = tree.body
        self._starts = [_start(one) for one in tree.body]
        self._ends = [_end(one) for one in tree.body]

    @property
    def tree(self) -> ast.Module:
        """The tree, with every node where it stands."""
        if self._tree is None:  # an edit moved lines: the nodes say where they stood before
            self._tree = ast.parse(self.text)
            self._body = self._tree.body
        return self._tree

    def edited(self, text: str) -> Parsed | None:
        """Return the tree of ``text``, an edit of this one; None where it must be parsed whole."""
        if "barry_as_FLUFL" in text:
            return None
        lines = text.split("\n")
        body, starts, ends = self._body, self._starts, self._ends
        begin, end, until = _window(self.text, text)
        first, last = self.text.count("\n", 0, begin) + 1, self.text.count("\n", 0, until) + 1
        moved = text.count("\n", begin, end) - self.text.count("\n", begin, until)
        low = bisect_left(ends, first)
        high = max(low, bisect_right(starts, last))
        while 0 < low < len(body) and ends[low - 1] >= starts[low]:
            low -= 1  # on one line, with a semicolon between them
        while 0 < high < len(body) and ends[high - 1] >= starts[high]:
            high += 1
        top = ends[low - 1] if low else 0
        bottom = starts[high] - 1 if high < len(body) else len(lines) - moved
        # a line that goes on in the next one is no place to cut
        cuts = (top, bottom + moved)
        if (high - low) * 4 > len(body) + 4 or any(at and lines[at - 1].endswith("\\") for at in cuts):
            return None
        window = "\n".join(lines[top : bottom + moved])
        try:
            new = ast.parse("\n" * top + window).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None  # the whole file says what is wrong, and where
        self.before = None  # one step back is enough, and a chain of them would never be let go
        made = Parsed(text, ast.Module(new, []))
        made.before, made.old, made.new, made.window = self, body[low:high], new, window
        made.lines, made.after, made.moved = list(zip(starts[low:high], ends[low:high], strict=True)), bottom, moved
        made._body = [*body[:low], *new, *body[high:]]
        made._starts = [*starts[:low], *made._starts, *(_lower(starts[high:], moved))]
        made._ends = [*ends[:low], *made._ends, *(_lower(ends[high:], moved))]
        stands = self._tree is not None and not moved
        made._tree = ast.Module(made._body, []) if stands else None
        return made


def _lower(lines: list[int], by: int) -> list[int]:
    return [line + by for line in lines] if by else lines


def _window(old: str, new: str) -> tuple[int, int, int]:
    """Return where ``new`` begins and ends to differ from ``old``, and where ``old`` ends to."""
    most = min(len(old), len(new))
    start = _alike(most, lambda count: old[:count] == new[:count])
    rest = most - start
    end = _alike(rest, lambda count: old[len(old) - count :] == new[len(new) - count :])
    return start, len(new) - end, len(old) - end


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
