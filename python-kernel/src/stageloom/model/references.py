"""References to derivations and realizations, as text that survives in configuration and on the command line."""

from __future__ import annotations

import re

from stageloom.model.classes import dataclass

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,79}"
_DREF = re.compile(rf"dref:([0-9a-f]{{32}})-({_NAME})\Z")
_RREF = re.compile(rf"rref:([0-9a-f]{{32}})-([0-9a-f]{{32}})-({_NAME})\Z")


class BadReferenceError(ValueError):
    """A text that is not a reference."""


def make_name(text: str) -> str:
    """Return ``text`` as it may stand in a reference: other characters become ``_``, at most 80 of them."""
    if len(text) <= 80 and text.isascii() and text.isidentifier():
        return text
    name = re.sub(r"[^A-Za-z0-9_.+-]", "_", text)[:80]
    return name if name and name[0] not in ".+-" else f"_{name}"[:80]


@dataclass(frozen=True, slots=True, order=True)
class DRef:
    """A derivation's reference, ``dref:<32 hex>-<name>``."""

    hash: str
    name: str

    def __hash__(self) -> int:
        return hash(self.hash)

    def __str__(self) -> str:
        return f"dref:{self.hash}-{self.name}"

    @classmethod
    def parse(cls, text: str) -> DRef:
        """Return the reference that ``text`` spells; raises BadReferenceError."""
        found = _DREF.match(text)
        if found is None:
            raise BadReferenceError(f"{text!r} is not a derivation reference (dref:<32 hex>-<name>)")
        return cls(found[1], found[2])


@dataclass(frozen=True, slots=True, order=True)
class RRef:
    """A realization's reference, ``rref:<32 hex>-<32 hex>-<name>``: the record's hash, then its derivation's."""

    hash: str
    derivation: str
    name: str

    def __hash__(self) -> int:
        return hash(self.hash)

    def __str__(self) -> str:
        return f"rref:{self.hash}-{self.derivation}-{self.name}"

    @property
    def dref(self) -> DRef:
        """The derivation that this realizes."""
        return DRef(self.derivation, self.name)

    @classmethod
    def parse(cls, text: str) -> RRef:
        """Return the reference that ``text`` spells; raises BadReferenceError."""
        found = _RREF.match(text)
        if found is None:
            raise BadReferenceError(f"{text!r} is not a realization reference (rref:<32 hex>-<32 hex>-<name>)")
        return cls(found[1], found[2], found[3])
