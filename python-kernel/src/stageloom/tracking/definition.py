"""One thing that makes a name what it is, as the summary of a file holds it."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from stageloom.tracking.canonical import Reference

#: A digest (32 hex digits) with what is referred to.
Part: TypeAlias = tuple[str, tuple[Reference, ...]]


class Definition(NamedTuple):
    """One thing that makes a name what it is, or that importing the file does.

    ``lines`` are its first and last, from 1. A function comes apart: ``part`` is its signature and body, beside it
    ``decorators`` with the chain of names each is called by, ``defaults`` and ``annotations``. ``mutates`` are global
    names that it changes when called. ``bases`` are a class's, and ``registers`` says that it is told of its
    subclasses. An *import* has one reference; *via* stands for another name of this file that changes this one.
    ``doc`` is the digest of a function's docstring, for those that read it; ``fills`` says that a function, or a method
    of a class, may change what it is given. ``calls`` are what making it calls, ``acts`` what its statements call for
    no value, or one that nothing uses, where it is a function or class.
    """

    kind: Literal["function", "class", "statement", "import", "guard", "via"]
    part: Part
    lines: tuple[int, int] = (0, 0)
    decorators: tuple[tuple[Part, tuple[str, ...]], ...] = ()
    defaults: Part | None = None
    annotations: Part | None = None
    mutates: tuple[str, ...] = ()
    bases: tuple[tuple[str, ...], ...] = ()
    registers: bool = False
    calls: tuple[tuple[str, ...], ...] = ()
    acts: tuple[Reference, ...] = ()
    doc: str = ""
    fills: bool = False

    def lower(self, after: int, by: int) -> Definition:
        """Return the same definition ``by`` lines further down if it stands after that line."""
        first, last = self.lines
        return (
            Definition._make((*self[:_LINES], (first + by, last + by), *self[_LINES + 1 :])) if first > after else self
        )

    def says_as(self, other: Definition) -> bool:
        """Return whether it is the same wherever it stands."""
        return self[:_LINES] == other[:_LINES] and self[_LINES + 1 :] == other[_LINES + 1 :]

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that it is made of."""
        rest = (part for part in (self.defaults, self.annotations) if part is not None)
        return (self.part, *(part for part, _ in self.decorators), *rest)


_LINES = Definition._fields.index("lines")
