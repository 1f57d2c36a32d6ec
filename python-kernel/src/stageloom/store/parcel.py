"""What travels: a realization as named, immutable objects, the same in an archive and on a remote.

``files/`` holds contents of artifacts, sources and logs by their SHA-256; ``realizations/`` a card for each
realization, written last: who finds a card finds all that it needs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from stageloom.model.classes import dataclass, field
from stageloom.model.references import RRef
from stageloom.model.values import Json, canonical_bytes
from stageloom.store.errors import StoreError

if TYPE_CHECKING:
    from stageloom.store.found import Found

#: Version of the layout of archives and remotes.
FORMAT = 1
#: The file that tells an archive or a remote from anything else.
HEAD = "stageloom.json"

_LONGEST = 1000
_LONGEST_NOTE = 1 << 20
# The year 9000: what every system's clock can show.
_LATEST = 221_845_392_000.0
_NAME = re.compile(
    r"(?:derivations|records|trees|snapshots)/(?P<a>[0-9a-f]{2})/(?P=a)[0-9a-f]{30}\.json"
    r"|files/(?P<b>[0-9a-f]{2})/(?P=b)[0-9a-f]{62}"
    r"|realizations/[0-9a-f]{32}/[0-9a-f]{32}\.json"
)


class RefusedError(StoreError):
    """What was to come in is not what it says; nothing of it became part of the store."""


class Origin(Protocol):
    """Where objects come from; ``advice`` is what to do where one of them is damaged."""

    advice: str

    def read(self, name: str) -> bytes:
        """Return a small object; raises RefusedError where it is missing."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Return a file to read an object of any size from; raises RefusedError where it is missing."""
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """An object to send: the content of the file ``path``, else ``data``."""

    name: str
    size: int
    path: str = ""
    data: bytes = b""

    @classmethod
    def of(cls, name: str, data: bytes) -> Item:
        """Return an object of ``data``."""
        return cls(name, len(data), data=data)


@dataclass(frozen=True, slots=True)
class Card:
    """How a realization came to be, where it was made.

    ``beside`` are size and SHA-256 of its log, curve and facts, and of files that a face keeps below ``beside/``.
    ``note`` is what is kept of its plan; see ``Store.plan``.
    """

    rref: RRef
    action: str
    stage: str
    path: str
    run: str
    at: float
    took: float
    snapshot: str = ""
    beside: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    note: str = ""

    @classmethod
    def of(cls, found: Found, snapshot: str, beside: Mapping[str, tuple[int, str]], note: str) -> Card:
        """Return the card of a realization as of its last run."""
        made = (found.run, found.at, found.took)
        return cls(found.rref, found.action, found.stage, found.path, *made, snapshot, beside, note)

    @property
    def name(self) -> str:
        """Where it is."""
        return card_name(self.rref)

    def as_bytes(self) -> bytes:
        """Return the card as it travels."""
        value: dict[str, Json] = {
            "rref": str(self.rref),
            "action": self.action,
            "stage": self.stage,
            "path": self.path,
            "run": self.run,
            "at": self.at,
            "took": self.took,
            "snapshot": self.snapshot,
            "beside": {name: [size, sha256] for name, (size, sha256) in self.beside.items()},
        }
        return canonical_bytes({**value, "note": self.note} if self.note else value)

    @classmethod
    def parse(cls, data: bytes) -> Card:
        """Return what :meth:`as_bytes` wrote; raises ValueError."""
        try:
            value = json.loads(data)
            beside = {str(name): (int(size), _hex(sha256, 64)) for name, (size, sha256) in value["beside"].items()}
            stage, path, run = (value[name] for name in ("stage", "path", "run"))
            for text in (stage, path, run):
                _check_text(text)
            if path.startswith("/") or ".." in path.split("/"):
                raise ValueError(f"{path!r} is not a path in a project")
            snapshot = _hex(value["snapshot"], 32) if value["snapshot"] else ""
            action = _hex(value["action"], 32)
            at, took = float(value["at"]), float(value["took"])
            if not (0 <= at <= _LATEST and abs(took) <= _LATEST):
                raise ValueError("it has a time that is none")
            note = value.get("note", "")
            _check_text(note, _LONGEST_NOTE)
            return cls(RRef.parse(value["rref"]), action, stage, path, run, at, took, snapshot, beside, note)
        except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError(f"it lacks what it should tell ({error!r})") from None


def _check_text(text: Any, longest: int = _LONGEST) -> None:
    """Raise ValueError unless ``text`` can stand in the journal and in the index."""
    if not isinstance(text, str) or len(text) >= longest:
        raise ValueError("a name is too long, or no text")
    text.encode("utf-8")  # raises for half a character


def card_name(rref: RRef) -> str:
    """Return where a realization's card is."""
    return f"realizations/{rref.derivation}/{rref.hash}.json"


def object_name(folder: str, identity: str) -> str:
    """Return where an object is: of ``files`` by its SHA-256, of other folders by its 32 hex digits."""
    return f"{folder}/{identity[:2]}/{identity}{'' if folder == 'files' else '.json'}"


def is_name(name: str) -> bool:
    """Return whether an object can have this name."""
    return _NAME.fullmatch(name) is not None


def head(roots: Sequence[RRef]) -> bytes:
    """Return the content of :data:`HEAD`."""
    return canonical_bytes({"stageloom": FORMAT, "roots": [str(rref) for rref in roots]})


def read_head(data: bytes, place: str) -> list[RRef]:
    """Return the roots that :func:`head` was given; raises RefusedError, naming ``place``."""
    try:
        value = json.loads(data)
        version = value["stageloom"]
        if type(version) is not int:
            raise TypeError
        if version > FORMAT:
            raise RefusedError(
                f"{place} has format {version}; this version of Stageloom reads formats up to {FORMAT}.",
                "Update Stageloom.",
            )
        return [RRef.parse(text) for text in value["roots"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RefusedError(f"{place} was not made by Stageloom, or is damaged.", "Name another.") from None


def is_head(data: bytes) -> bool:
    """Return whether ``data`` tells a format, which may be a newer one."""
    try:
        return type(json.loads(data)["stageloom"]) is int
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def files_below(folder: str) -> Iterator[tuple[str, str]]:
    """Return name and path of the regular files directly in ``folder``."""
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
            yield name, path


def is_sha256(value: Any) -> bool:
    """Return whether ``value`` is a SHA-256 as it is written here."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def _hex(value: Any, digits: int) -> str:
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
        raise ValueError(f"{value!r} is not a hash")
    return value
