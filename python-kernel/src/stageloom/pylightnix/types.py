"""The types that Pylightnix's programs name."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from copy import deepcopy
from typing import Any, Generic, NamedTuple, Optional, TypeAlias, TypeVar

from stageloom.pylightnix.errors import PromiseException, PylightnixException

#: On a matcher that the engine has too: ``("only", 1)`` or ``("latest", n)``.
KIND = "stageloom_kind"
#: On a realizer: the function that it calls, whose code it is.
FUNCTION = "stageloom_function"

__all__ = [
    "Build",
    "BuildArgs",
    "Closure",
    "Config",
    "ConfigAttrs",
    "Context",
    "DRef",
    "DRefLike",
    "Derivation",
    "Hash",
    "HashPart",
    "InstantiateArg",
    "Key",
    "Matcher",
    "MatcherO",
    "Name",
    "Output",
    "Path",
    "PromiseException",
    "PylightnixException",
    "RConfig",
    "RRef",
    "RealizeArg",
    "RealizeSeqGen",
    "Realizer",
    "RealizerO",
    "RefPath",
    "Registry",
    "SPath",
    "Stage",
    "StageResult",
    "StorageSettings",
]


class Path(str):
    """The path of a file or folder."""

    __slots__ = ()


class SPath(Path):
    """The path of a storage."""

    __slots__ = ()


class Hash(str):
    """64 hex digits."""

    __slots__ = ()


class HashPart(str):
    """The first 32 hex digits of a hash."""

    __slots__ = ()


class DRef(str):
    """A derivation's reference, ``dref:<32 hex>-<name>``."""

    __slots__ = ()


class RRef(str):
    """A realization's reference, ``rref:<32 hex>-<32 hex>-<name>``."""

    __slots__ = ()


class Name(str):
    """What may stand as a name in a reference."""

    __slots__ = ()


class StorageSettings(NamedTuple):
    """Where a storage is: its ``root``, or the folder of the store and one for temporary files."""

    root: Optional[Path]  # noqa: UP045  # as it is spelled by programs that look at it
    storage: Optional[Path]  # noqa: UP045
    tmpdir: Optional[Path]  # noqa: UP045


_REF = TypeVar("_REF")


class Output(Generic[_REF]):
    """Output folders, or realizations, in ``val``."""

    def __init__(self, val: Iterable[_REF]) -> None:
        self.val: list[_REF] = list(val)


class Config:
    """A configuration; ``val`` is a dict of its own."""

    def __init__(self, d: dict[str, Any]) -> None:
        self.val: dict[str, Any] = deepcopy(d)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.val!r})"


class RConfig(Config):
    """A configuration in which promises are paths into the derivation itself."""


class ConfigAttrs:
    """A configuration whose values are attributes."""

    def __init__(self, d: dict[str, Any]) -> None:
        for key, value in d.items():
            setattr(self, key, value)


#: A path into a realization of a derivation: ``[dref, "folder", "file"]``.
RefPath: TypeAlias = "list[Any]"
#: For each derivation, the realizations that stand for it.
Context: TypeAlias = "dict[DRef, list[RRef]]"
InstantiateArg: TypeAlias = "dict[str, Any]"
RealizeArg: TypeAlias = "dict[str, Any]"
#: Chooses among realizations in the current context; None asks for a new one.
Matcher: TypeAlias = "Callable[[StorageSettings | None, list[RRef]], list[RRef] | None]"
MatcherO: TypeAlias = "Callable[[StorageSettings | None, Output[RRef]], Output[RRef] | None]"
#: Makes realizations, one a folder.
Realizer: TypeAlias = "Callable[[StorageSettings | None, DRef, Context, RealizeArg], list[Path]]"
RealizerO: TypeAlias = "Callable[[StorageSettings | None, DRef, Context, RealizeArg], Output[Path]]"
#: By what a matcher sorts; None leaves a realization out.
Key: TypeAlias = "Callable[[StorageSettings | None, RRef], int | float | str | None]"
StageResult: TypeAlias = Any
Stage: TypeAlias = Callable[..., Any]
DRefLike = TypeVar("DRefLike", bound=DRef)


class Derivation(NamedTuple):
    """A derivation, what chooses among its realizations, and what makes them."""

    dref: DRef
    matcher: Matcher
    realizer: Realizer


class Closure(NamedTuple):
    """A plan: what the stage returned, the derivations in it, and all derivations needed, dependencies first."""

    result: Any
    targets: list[DRef]
    derivations: list[Derivation]
    S: StorageSettings | None


RealizeSeqGen: TypeAlias = (
    "Generator[tuple[StorageSettings | None, DRef, Context, Derivation, RealizeArg], "
    "tuple[list[RRef] | None, bool], Context]"
)


class BuildArgs(NamedTuple):
    """What a :class:`Build` is made from."""

    S: StorageSettings | None
    dref: DRef
    context: Context
    starttime: str | None
    stoptime: str | None
    iarg: InstantiateArg
    rarg: RealizeArg


class Build:
    """Realizations in the making. Programs derive from it to keep what is theirs."""

    def __init__(self, ba: BuildArgs) -> None:
        self.S = ba.S
        self.dref = ba.dref
        self.context = ba.context
        self.iarg = ba.iarg
        self.rarg = ba.rarg
        self.starttime = ba.starttime
        self.stoptime = ba.stoptime
        self.outpaths: Output[Path] | None = None
        self.cattrs_cache: ConfigAttrs | None = None


class Registry:
    """Collects derivations until they are put into a :class:`Closure`."""

    def __init__(self, S: StorageSettings | None = None) -> None:
        self.builders: dict[DRef, Derivation] = {}
        self.S = S
        self.in_instantiate = False


StageOrResult: TypeAlias = Stage | Any
