"""The words of Pylightnix's 2021 manual: references are texts, a storage is named by its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple, NoReturn

from stageloom.model.references import BadReferenceError
from stageloom.model.references import DRef as ModelDRef
from stageloom.model.references import RRef as ModelRRef


class PylightnixException(Exception):  # noqa: N818  # its name in Pylightnix
    """Base of what this face raises."""


class UsageError(PylightnixException, AssertionError):
    """A call that cannot be carried out, and what to write instead; Pylightnix asserts here."""


class OtherFaceError(PylightnixException, TypeError):
    """A call as Pylightnix's current API has it; the message names the import that goes with it."""


class MatchError(PylightnixException, AssertionError):
    """A matcher that cannot choose among the realizations there are."""


class PromiseException(PylightnixException):  # its name in Pylightnix
    """A realizer that did not write what its configuration promises. ``failed`` holds each folder and promise."""

    def __init__(self, dref: DRef, failed: list[tuple[Path, list[Any]]]) -> None:
        names = sorted({"/".join(map(str, promised[1:])) for _, promised in failed})
        super().__init__(f"{dref} promised {', '.join(names)} and its realizer did not write that")
        self.dref = dref
        self.failed = failed


class Path(str):
    """A path on disk."""

    __slots__ = ()


class DRef(str):
    """A derivation's reference: ``dref:<32 hex>-<name>``."""

    __slots__ = ()


class RRef(str):
    """A realization's reference: ``rref:<32 hex>-<32 hex>-<name>``."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        raise OtherFaceError(
            "in the API of the 2021 manual realize returns one RRef, which cannot be taken apart; for the API where it "
            "returns a result, a closure and a context: from stageloom.pylightnix import realize"
        )


#: A path into a stage's artifacts: ``[dref, "a", "b"]``, or ``[selfref, "a"]`` for a promise.
RefPath = list[Any]
#: The realizations that stand for each dependency, direct or not.
Context = dict[DRef, list[RRef]]


class StorageSettings(NamedTuple):
    """Where a storage is: the folder of the store, and one for temporary files (None: in the store)."""

    storage: str | None = None
    tmpdir: str | None = None


#: ``matcher(S, rrefs)`` returns the chosen ones, or None to ask for a new one.
Matcher = Callable[[Any, list[RRef]], "list[RRef] | None"]
#: ``realizer(S, dref, context, arguments)`` returns the folders of one or several realizations.
Realizer = Callable[[Any, DRef, Context, dict[str, Any]], "list[Path]"]


class Derivation(NamedTuple):
    """What ``mkdrv`` made: a reference, with what chooses and what makes its realizations."""

    dref: DRef
    matcher: Matcher
    realizer: Realizer


class Closure(NamedTuple):
    """A derivation to be realized, and all that were made with it."""

    dref: DRef
    derivations: list[Derivation]
    S: StorageSettings | None = None

    @property
    def result(self) -> DRef:
        """What the stage function returned."""
        return self.dref

    @property
    def targets(self) -> list[DRef]:
        """The derivation, in a list."""
        return [self.dref]


class Config:
    """A stage's configuration; ``val`` is a dict."""

    def __init__(self, d: dict[str, Any]) -> None:
        self.val = deepcopy(d)

    def __repr__(self) -> str:
        return f"Config({self.val!r})"


class RConfig(Config):
    """A configuration in which ``selfref`` is replaced by the derivation's own reference."""


class ConfigAttrs:
    """A configuration whose values are attributes."""

    def __init__(self, d: dict[str, Any]) -> None:
        for key, value in d.items():
            setattr(self, key, value)


class BuildArgs(NamedTuple):
    """What a :class:`Build` is made of."""

    S: StorageSettings | None
    dref: DRef
    context: Context
    starttime: str | None = "AUTO"
    stoptime: str | None = "AUTO"
    iarg: dict[str, Any] = {}  # noqa: RUF012  # never changed
    rarg: dict[str, Any] = {}  # noqa: RUF012  # never changed


def model_dref(dref: object) -> ModelDRef:
    """Return a reference as the engine has it; raises UsageError for what is none."""
    try:
        return ModelDRef.parse(str(dref))
    except BadReferenceError as error:
        raise UsageError(str(error)) from None


def model_rref(rref: object) -> ModelRRef:
    """Return a reference as the engine has it; raises UsageError for what is none."""
    try:
        return ModelRRef.parse(str(rref))
    except BadReferenceError as error:
        raise UsageError(str(error)) from None


def isdref(value: object) -> bool:
    """Return whether ``value`` is a text that spells a derivation's reference."""
    return isinstance(value, str) and _parses(ModelDRef.parse, value)


def isrref(value: object) -> bool:
    """Return whether ``value`` is a text that spells a realization's reference."""
    return isinstance(value, str) and _parses(ModelRRef.parse, value)


def isrefpath(value: object) -> bool:
    """Return whether ``value`` is a path into a stage's artifacts."""
    return (
        isinstance(value, list) and len(value) > 1 and isdref(value[0]) and all(isinstance(one, str) for one in value)
    )


def other_face(said: str, imported: str) -> NoReturn:
    """Raise OtherFaceError: ``said`` of the call, with the name to import."""
    raise OtherFaceError(
        f"{said}; this is stageloom.pylightnix.manual, the API of the 2021 manual. For Pylightnix's current API: "
        f"from stageloom.pylightnix import {imported}"
    )


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except BadReferenceError:
        return False
    return True
