"""Storages: stores by their settings, opened once a process, and the one that is meant where none is named."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stageloom.model.classes import dataclass
from stageloom.model.references import RRef as ModelRRef
from stageloom.pylightnix.manual_types import Path, StorageSettings, UsageError
from stageloom.pylightnix.program import workspace_store
from stageloom.pylightnix.view import View
from stageloom.store.files import Files
from stageloom.store.found import Found
from stageloom.store.layout import FILES, FOLDERS, VIEWS
from stageloom.store.store import Store


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store, with Pylightnix's folders in it. ``folder`` is held open, so that no other can be taken for it."""

    store: Store
    view: View
    folder: int | None

    def visible(self) -> list[Found]:
        """Return every realization that was not invalidated, each once, in the order they were made."""
        found = {one.rref: one for one in self.store.history()}
        return sorted(found.values(), key=lambda one: one.sequence)

    def known(self, rref: ModelRRef) -> Found | None:
        """Return what the store tells of a realization that was not invalidated."""
        found = self.store.get(rref)
        return found if found is not None and found.visible else None


_MUTEX = threading.RLock()
_OPENED: dict[tuple[int, str], Opened] = {}
_MEANT: list[str] = []


def mksettings(stordir: str, tmpdir: str | None = None) -> StorageSettings:
    """Return the settings of the storage in the folder ``stordir``, which need not exist yet."""
    return StorageSettings(Path(stordir), Path(tmpdir) if tmpdir else None)


def fsroot() -> Path:
    """Return the folder of the storage that is meant where none is named, the same in every thread.

    It is the store of the run that is under way; else the one that the environment names (``STAGELOOM_STORE``,
    ``PYLIGHTNIX_STORAGE``, ``PYLIGHTNIX_ROOT``); else that of the workspace, ``.stageloom/store``.
    """
    with _MUTEX:
        if _MEANT:
            return Path(_MEANT[-1])
    for variable in ("STAGELOOM_STORE", "PYLIGHTNIX_STORAGE", "PYLIGHTNIX_ROOT"):
        if os.environ.get(variable):
            return Path(os.path.abspath(os.path.expanduser(os.environ[variable])))  # a text
    return Path(workspace_store())


def fsstorage(S: StorageSettings | None = None) -> Path:
    """Return the folder that holds the storage's derivations."""
    return Path(os.path.join(_folder(S), "faces", "pylightnix"))  # a text


def fstmpdir(S: StorageSettings | None = None) -> Path:
    """Return a folder for temporary files, made where it is missing; what is left in it is removed after some days."""
    path = S.tmpdir if S is not None and S.tmpdir else os.path.join(_folder(S), "scratch", "tmp")
    os.makedirs(path, exist_ok=True)  # a text
    return Path(path)


def fsinit(S: StorageSettings | None = None, check_not_exist: bool = False, remove_existing: bool = False) -> None:
    """Make the storage where it is missing; what is in it goes first if ``remove_existing``.

    Raises:
        UsageError: where it exists and must not, or where the folder holds other things, which are not removed.
    """
    folder = _folder(S)
    with _MUTEX:
        if check_not_exist and os.path.exists(os.path.join(folder, "format.json")):
            raise UsageError(f"the storage {folder} exists already")
        if remove_existing:
            _remove(folder)
        opened(S)


def opened(S: StorageSettings | None = None) -> Opened:
    """Return the open store of a storage, made where it is missing. One that was replaced on disk is opened anew."""
    folder = _folder(S)
    key = (os.getpid(), folder)
    with _MUTEX:
        found = _OPENED.get(key)
        if found is not None:
            if _is_there(found, folder):
                return found
            _close(key)
        store = Store.open(folder)
        held = None if sys.platform == "win32" else os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        _OPENED[key] = Opened(store, View(store), held)
        return _OPENED[key]


@contextmanager
def meaning(folder: str) -> Iterator[None]:
    """Let the storage in ``folder`` be meant where none is named, in every thread of this process."""
    with _MUTEX:
        _MEANT.append(folder)
    try:
        yield
    finally:
        with _MUTEX:
            _MEANT.remove(folder)


def _folder(S: StorageSettings | None) -> str:
    if S is not None and not isinstance(S, tuple):
        raise UsageError(f"S is what mksettings('folder') returns, not {S!r:.60}")
    named = S.storage if S is not None and S.storage else fsroot()
    return os.path.realpath(named)


def _is_there(found: Opened, folder: str) -> bool:
    """Return whether the folder of an open store is still that which is at its path."""
    try:
        return found.folder is None or os.path.samestat(os.fstat(found.folder), os.stat(folder))
    except OSError:
        return False


def _remove(folder: str) -> None:
    if not os.path.isdir(folder):
        return
    foreign = set(os.listdir(folder)) - {*FOLDERS, *FILES, *VIEWS}
    if foreign:
        raise UsageError(f"{folder} holds what is not a storage's ({min(foreign)!r}, for one), and is not removed")
    _close((os.getpid(), folder))
    Files().remove(folder)


def _close(key: tuple[int, str]) -> None:
    found = _OPENED.pop(key, None)
    if found is not None:
        found.store.close()
        if found.folder is not None:
            os.close(found.folder)


@atexit.register
def _close_all() -> None:
    for key in [key for key in _OPENED if key[0] == os.getpid()]:
        _close(key)
