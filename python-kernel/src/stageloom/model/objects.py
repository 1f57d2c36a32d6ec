"""The two immutable objects that a store keeps beside trees, and the three keys that follow from them.

A *derivation* is the plan of a stage. A *record* says which tree was made from it in which context. The *action key*
is what the work itself depends on, so that a changed producer with the same bytes reruns nothing below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from types import MappingProxyType
from typing import NamedTuple

from stageloom.model.classes import dataclass, field
from stageloom.model.references import DRef, RRef, make_name
from stageloom.model.values import Json, canonical_text, digest

#: How many keys a process remembers.
_KNOWN = 1 << 16
_drefs: dict[tuple[object, ...], DRef] = {}


_NONE: Mapping[str, str] = MappingProxyType({})


class Derivation(NamedTuple):
    """A stage with its configuration and dependencies fixed.

    ``dependencies`` maps a role (for a function, its parameter) to the derivations it stands for, in order.
    ``inputs`` maps a declared input file, by its path in the project, to the SHA-256 of its content.
    ``code`` is the fingerprint of everything the stage's code reaches, or ``""`` where code does not count.

    A named tuple, as an edit makes thousands of these at once.
    """

    name: str
    language: str
    configuration: Mapping[str, Json]
    dependencies: Mapping[str, Sequence[DRef]] = MappingProxyType({})
    inputs: Mapping[str, str] = _NONE
    code: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return the derivation as it is stored."""
        return {
            "name": self.name,
            "language": self.language,
            "configuration": dict(self.configuration),
            "dependencies": {role: [str(dref) for dref in drefs] for role, drefs in self.dependencies.items()},
            "inputs": dict(self.inputs),
            "code": self.code,
        }

    @property
    def dref(self) -> DRef:
        """The derivation's reference. Computed anew each time: keep it."""
        text = f"stageloom/derivation/1\n{self._text()}"
        return DRef(hashlib.sha256(text.encode("ascii")).hexdigest()[:32], make_name(self.name))

    def _text(self) -> str:
        """Return the canonical text of :meth:`as_json`, put together here: an edit makes thousands of these at once."""
        quoted = encode_basestring_ascii
        roles = []
        for role, drefs in sorted(self.dependencies.items()):
            told = '","'.join([f"dref:{one.hash}-{one.name}" for one in drefs])  # it has no character to be quoted
            roles.append(f'{quoted(role)}:["{told}"]' if told else f"{quoted(role)}:[]")
        configuration = canonical_text(dict(self.configuration)) if self.configuration else "{}"
        inputs = canonical_text(dict(self.inputs)) if self.inputs else "{}"
        return (
            f'{{"code":{quoted(self.code)},"configuration":{configuration},"dependencies":{{{",".join(roles)}}},'
            f'"inputs":{inputs},"language":{quoted(self.language)},"name":{quoted(self.name)}}}'
        )

    @property
    def known_dref(self) -> DRef:
        """The derivation's reference, computed once for all that are alike: with every key in an editor most are."""
        drefs = tuple((role, tuple(those)) for role, those in self.dependencies.items())
        # what differs as JSON differs as text
        key = (self.name, self.language, repr(self.configuration), drefs, tuple(self.inputs.items()), self.code)
        known = _drefs.get(key)
        if known is None:
            if len(_drefs) >= _KNOWN:
                _drefs.clear()
            known = _drefs[key] = self.dref
        return known


#: The realizations that stand for each direct dependency. Each has a record of its own, so what lies further
#: back is fixed through the records' hashes, and a chain of n stages costs n, not n squared.
Context = Mapping[DRef, Sequence[RRef]]


def context_json(context: Context) -> dict[str, Json]:
    """Return ``context`` as it is stored."""
    return {str(dref): [str(rref) for rref in rrefs] for dref, rrefs in context.items()}


def context_key(context: Context) -> str:
    """Return the 32 hex digits under which a derivation's realizations in ``context`` are looked up."""
    return _context_key(tuple((dref, tuple(rrefs)) for dref, rrefs in context.items()))


@lru_cache(maxsize=_KNOWN)
def _context_key(context: tuple[tuple[DRef, tuple[RRef, ...]], ...]) -> str:
    return digest("context/1", context_json(dict(context)))


@dataclass(frozen=True, slots=True)
class Record:
    """What was made: ``tree`` (32 hex digits) from ``dref`` in ``context``.

    ``reads`` is what else the work was seen to read, by name the SHA-256 of what it held then: it is not known before.
    """

    dref: DRef
    context: Context
    tree: str
    reads: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """Return the record as it is stored."""
        told: dict[str, Json] = {
            "derivation": str(self.dref),
            "context": context_json(self.context),
            "tree": self.tree,
        }
        return {**told, "reads": dict(self.reads)} if self.reads else told

    @property
    def rref(self) -> RRef:
        """The realization's reference. Computed anew each time: keep it."""
        return RRef(digest("record/1", self.as_json()), self.dref.hash, self.dref.name)


def action_key(derivation: Derivation, trees: Mapping[str, Sequence[str]]) -> str:
    """Return the key of the work: own code, own configuration, own inputs, and the ``trees`` chosen for each role.

    A dependency's reference inside the configuration stands for its role: what it was made from does not count, only
    what came of it.
    """
    roles = {str(dref): role for role, drefs in derivation.dependencies.items() for dref in drefs}
    plain = derivation.language == "function" or not roles
    configuration = {key: value if plain else _by_role(value, roles) for key, value in derivation.configuration.items()}
    return digest(
        "action/1",
        {
            "language": derivation.language,
            "configuration": configuration,
            "inputs": dict(derivation.inputs),
            "code": derivation.code,
            "trees": {role: list(chosen) for role, chosen in trees.items()},
        },
    )


def _by_role(value: Json, roles: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return {"$dependency": roles[value]} if value in roles else value
    if isinstance(value, list):
        return [_by_role(item, roles) for item in value]
    if isinstance(value, dict):
        return {key: _by_role(item, roles) for key, item in value.items()}
    return value
