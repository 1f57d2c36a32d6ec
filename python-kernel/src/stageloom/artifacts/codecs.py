"""Types of the user's own, stored as the user says."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


class Codec(ABC, Generic[T]):
    """How values of a type are stored: subclass it at the top level of a module, and give ``save`` and ``load``.

    ::

        class MoleculeFile(Codec[Molecule], of=Molecule, suffix=".mol"):
            def save(self, value: Molecule, path: Path) -> None: ...
            def load(self, path: Path) -> Molecule: ...

    ``of`` is the type, or several; subclasses of it are stored so too, unless they have a codec of their own.
    ``suffix`` ends the file's name and tells what it is, so that it is shown as such (``.json``, ``.png``, ``.npy``).

    The same value should be written as the same bytes, for dependants of what is equal do not run again: no times, no
    order of a set, no addresses.
    """

    suffix: ClassVar[str] = ".bin"

    def __init_subclass__(cls, *, of: type | tuple[type, ...] = (), suffix: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        if suffix:
            if not suffix.startswith(".") or os.path.basename(suffix) != suffix or suffix != suffix.strip():
                raise TypeError(f"The suffix of {cls.__qualname__} is like '.mol', not {suffix!r}")
            cls.suffix = suffix
        for kind in of if isinstance(of, tuple) else (of,):
            _CODECS[kind] = cls

    @abstractmethod
    def save(self, value: T, path: Path) -> None:
        """Write ``value`` as the file ``path``, or as a folder of that name."""

    @abstractmethod
    def load(self, path: Path) -> T:
        """Return what :meth:`save` wrote; the file is read-only."""


#: A module that is imported again after an edit registers its codec anew.
_CODECS: dict[type, type[Codec[Any]]] = {}


def codec_of(kind: type) -> type[Codec[Any]] | None:
    """Return the codec for values of exactly ``kind``, else of the nearest of its bases that has one."""
    return next((_CODECS[base] for base in kind.__mro__ if base in _CODECS), None) if _CODECS else None
