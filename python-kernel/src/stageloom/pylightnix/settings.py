"""Which storage and which registry are meant where none is named: the same in every thread, or an error."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.program import workspace_store
from stageloom.pylightnix.types import Path, Registry, StorageSettings

#: The version of upstream's layout that this face stands for.
PYLIGHTNIX_STORE_VERSION = 0

_Value = TypeVar("_Value")


class _Meant(Generic[_Value]):
    """What is meant by default: the innermost of this thread, else the one that every other thread agrees on."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._mutex = threading.Lock()
        self._inner: dict[int, list[_Value | None]] = {}
        self._default: _Value | None = None

    def set(self, value: _Value | None) -> _Value | None:
        """Let ``value`` be meant from now on, in every thread; return what was before."""
        with self._mutex:
            before, self._default = self._default, value
            return before

    @contextmanager
    def within(self, value: _Value | None) -> Iterator[None]:
        """Let ``value`` be meant inside the block, and in threads that are started in it."""
        thread = threading.get_ident()
        with self._mutex:
            self._inner.setdefault(thread, []).append(value)
        try:
            yield
        finally:
            with self._mutex:
                self._inner[thread].pop()
                if not self._inner[thread]:
                    del self._inner[thread]

    def get(self) -> _Value | None:
        """Return what is meant; raises CheckError where other threads disagree."""
        with self._mutex:
            own = self._inner.get(threading.get_ident())
            if own:
                return own[-1]
            others: list[_Value | None] = []
            for stack in self._inner.values():
                if stack[-1] not in others:
                    others.append(stack[-1])
        if len(others) > 1:
            raise CheckError(f"several threads mean different {self._what} at once: name the one you mean in this one")
        return others[0] if others else self._default


_STORAGES: _Meant[StorageSettings] = _Meant("storages")
_REGISTRIES: _Meant[Registry] = _Meant("registries")


def tlregistry(M: Registry | None = None) -> Registry | None:
    """Return ``M``, else the registry that is meant."""
    if M is not None:
        given: object = M
        check(isinstance(given, Registry) or is_planned(given), f"a registry is what Registry(S) makes, not {M!r:.80}")
        return M
    return _REGISTRIES.get()


def tlstorage(S: StorageSettings | None = None) -> StorageSettings | None:
    """Return ``S``, else the storage that is meant; None for the default one."""
    if S is not None:
        check(isinstance(S, StorageSettings), f"S is what mkSS('folder') returns, not {S!r:.80}")
        return S
    found = _STORAGES.get()
    if found is not None:
        return found
    registry = _REGISTRIES.get()
    return getattr(registry, "S", None)


def setstorage(S: StorageSettings | None) -> StorageSettings | None:
    """Let ``S`` be meant from now on, in every thread; return what was before."""
    return _STORAGES.set(S)


def setregistry(r: Registry | None) -> Registry | None:
    """Let ``r`` be meant from now on, in every thread; return what was before."""
    return _REGISTRIES.set(r)


def mkregistry(S: StorageSettings | None = None) -> Registry:
    """Return an empty registry for the storage ``S``, else the one that is meant."""
    return Registry(tlstorage(S))


@contextmanager
def current_registry(r: Registry) -> Iterator[Registry]:
    """Let ``r``, and its storage, be meant inside the block."""
    with _REGISTRIES.within(r), current_storage(getattr(r, "S", None)):
        yield r


def is_planned(r: object) -> bool:
    """Return whether ``r`` is the engine's, which is given to stage functions of a pipeline file."""
    return type(r).__module__ == "stageloom.derivations.manager"


@contextmanager
def current_storage(S: StorageSettings | None) -> Iterator[StorageSettings | None]:
    """Let ``S`` be meant inside the block."""
    with _STORAGES.within(S):
        yield S


def mkSS(root: str, stordir: str | None = None, tmpdir: str | None = None) -> StorageSettings:
    """Return the settings of a storage at ``root``, or with its store and temporary files elsewhere."""
    return StorageSettings(Path(root), Path(stordir) if stordir else None, Path(tmpdir) if tmpdir else None)


def storagename() -> str:
    """Return the name of the store's folder below a storage's root."""
    return "store"


def fsroot(S: StorageSettings | None = None) -> Path:
    """Return a storage's root: the variable ``PYLIGHTNIX_ROOT``, else ``.stageloom`` of the workspace, by default."""
    S = tlstorage(S)
    if S is not None and S.root is not None:
        return Path(S.root)
    named = os.environ.get("PYLIGHTNIX_ROOT")
    return Path(_whole(named)) if named else Path(os.path.dirname(str(workspace_store())))


def store_folder(S: StorageSettings | None = None) -> str:
    """Return the folder of a storage's store.

    By default the one that ``PYLIGHTNIX_STORAGE`` or ``STAGELOOM_STORE`` names, or the workspace's.
    """
    S = tlstorage(S)
    if S is not None and (S.storage is not None or S.root is not None):
        folder = S.storage or os.path.join(S.root or "", storagename())
        return _without_view(_whole(folder))
    for variable in ("PYLIGHTNIX_STORAGE", "STAGELOOM_STORE"):
        if os.environ.get(variable):
            return _without_view(_whole(os.environ[variable]))
    if os.environ.get("PYLIGHTNIX_ROOT"):
        return os.path.join(_whole(os.environ["PYLIGHTNIX_ROOT"]), storagename())
    return str(workspace_store())


def fsstorage(S: StorageSettings | None = None) -> Path:
    """Return the folder that holds the folders of a storage's derivations."""
    return Path(os.path.join(store_folder(S), "faces", "pylightnix"))


def fstmpdir(S: StorageSettings | None = None) -> Path:
    """Return a storage's folder for temporary files."""
    S = tlstorage(S)
    if S is not None and S.tmpdir is not None:
        return Path(S.tmpdir)
    named = os.environ.get("PYLIGHTNIX_TMP")
    if named and (S is None or S.root is None):
        return Path(_whole(named))
    return Path(os.path.join(fsroot(S), "tmp"))


def _without_view(folder: str) -> str:
    """Return the store's folder where ``folder`` is what :func:`fsstorage` returned."""
    above, last = os.path.split(folder)
    return os.path.dirname(above) if last == "pylightnix" and os.path.basename(above) == "faces" else folder


def _whole(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))
