"""Storages, opened: a store, its folders, and what this process knows of its derivations."""

from __future__ import annotations

import atexit
import os
import threading

from stageloom.model.classes import dataclass, field
from stageloom.model.objects import Derivation
from stageloom.model.references import RRef as ModelRRef
from stageloom.pylightnix.configuration import Plan, order_of, planned
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.folders import Folders
from stageloom.pylightnix.references import model_dref, model_rref
from stageloom.pylightnix.settings import fsstorage, fstmpdir, setstorage, store_folder
from stageloom.pylightnix.types import DRef, RRef, StorageSettings
from stageloom.store.errors import NotStoredError, StoreFormatError
from stageloom.store.files import Files
from stageloom.store.found import Found
from stageloom.store.layout import FILES, FOLDERS, VIEWS
from stageloom.store.store import Store


@dataclass(slots=True)
class Storage:
    """An open store. ``seen`` holds what the look-ups under way have found, so that keys need not ask again."""

    store: Store
    folders: Folders
    mark: tuple[int, int]
    plans: dict[str, Plan] = field(default_factory=dict)
    seen: dict[str, Found] = field(default_factory=dict)
    pending: dict[str, Derivation] = field(default_factory=dict)
    flushed: set[str] = field(default_factory=set)

    def add(self, plan: Plan) -> None:
        """Take in a derivation; it is stored with the next :meth:`flush`, in one group with others."""
        self.plans.setdefault(plan.dref, plan)
        if plan.dref not in self.flushed:
            self.pending[plan.dref] = plan.derivation

    def flush(self) -> None:
        """Store what was taken in."""
        if self.pending:
            orders = {model_dref(DRef(dref)): order_of(self.plans[dref]) for dref in self.pending}
            self.store.plan(list(self.pending.values()), orders)
            self.flushed.update(self.pending)
            self.pending.clear()

    def forget(self, dref: DRef) -> None:
        """Drop what is remembered of a derivation that was removed."""
        self.plans.pop(dref, None)
        self.flushed.discard(dref)

    def plan(self, dref: DRef) -> Plan:
        """Return the derivation of ``dref``; raises CheckError for one that the storage does not know."""
        known = self.plans.get(dref)
        if known is None:
            try:
                reference = model_dref(dref)
                order = self.store.plan_note(reference)
                if order is None and not self.store.realizations(reference):
                    raise NotStoredError(f"{dref} was never instantiated there, or was removed.")
                known = planned(self.store.derivation(reference), order or "")
            except NotStoredError as error:
                raise CheckError(f"{dref} is not in the storage {self.store.path}: instantiate its stage") from error
            self.plans[dref] = known
        return known

    def found(self, rref: RRef) -> Found:
        """Return a realization that was not removed; raises CheckError for one that the storage does not have."""
        known = self.seen.get(rref)
        if known is not None:
            return known
        known = self.store.get(model_rref(rref))
        if known is None or not known.visible:
            raise CheckError(f"{rref} is not in the storage {self.store.path}: realize its stage")
        return known

    def known(self, rref: RRef) -> None:
        """Raise CheckError for a realization that is not there; one that the engine stores just now is."""
        known = self.store.get(model_rref(rref)) if rref not in self.seen else None
        if rref in self.seen or (known is not None and known.visible):
            return
        try:
            if known is None:
                self.store.record(model_rref(rref))
                return
        except NotStoredError:
            pass
        self.found(rref)

    def direct_context(self, rref: RRef) -> dict[DRef, list[RRef]]:
        """Return the realizations that ``rref`` was made from, one step back."""
        self.known(rref)
        context = self.store.record(model_rref(rref)).context
        return {DRef(str(dref)): [RRef(str(one)) for one in rrefs] for dref, rrefs in context.items()}

    def derivations(self) -> list[DRef]:
        """Return every derivation of this face: those instantiated, in that order, and those the engine realized."""
        every = dict.fromkeys(DRef(str(dref)) for dref in self.store.planned())
        every.update(dict.fromkeys(DRef(str(one.dref)) for one in reversed(self.store.history())))
        return [dref for dref in every if self._is_own(dref)]

    def _is_own(self, dref: DRef) -> bool:
        derivation = self.plan(dref).derivation
        return derivation.language == "derivation" and not derivation.code

    def realizations(self, dref: DRef) -> list[Found]:
        """Return the realizations of ``dref`` in any context, the oldest first."""
        return self.store.realizations(model_dref(dref))


_MUTEX = threading.RLock()
_OPENED: dict[tuple[int, str], Storage] = {}
_REAL: dict[str, str] = {}


def opened(S: StorageSettings | None = None) -> Storage:
    """Return the storage ``S``, opened once a process; raises CheckError where :func:`fsinit` has not made it."""
    named = store_folder(S)
    folder = _REAL.get(named)
    if folder is None:
        folder = _REAL.setdefault(named, os.path.realpath(named))
    key = (os.getpid(), folder)
    mark = _mark(folder)
    with _MUTEX:
        known = _OPENED.get(key)
        if known is not None:
            if known.mark == mark:
                return known
            _close(key)
        if mark == (0, 0):
            raise CheckError(f"there is no storage at {folder}: call fsinit() first, or name another one")
        store = Store.open(folder, create=False)
        _OPENED[key] = Storage(store, Folders(store), mark)
        return _OPENED[key]


def fsinit(
    ss: StorageSettings | str | None = None,
    check_not_exist: bool = False,
    remove_existing: bool = False,
    use_as_default: bool = False,
    S: StorageSettings | None = None,
) -> None:
    """Make a storage where it is missing; ``ss`` is its settings, or its root.

    Raises:
        CheckError: it exists and ``check_not_exist``; or it is to be removed and holds what no storage has.
    """
    from stageloom.pylightnix.settings import mkSS

    S = mkSS(str(ss)) if isinstance(ss, str) else ss if ss is not None else S
    folder = os.path.realpath(store_folder(S))
    with _MUTEX:
        if check_not_exist and not remove_existing:
            check(_mark(folder) == (0, 0), f"the storage {folder} exists already")
        if remove_existing:
            _remove(folder)
        os.makedirs(fstmpdir(S), exist_ok=True)
        try:
            Store.open(folder).close()
        except StoreFormatError as error:
            raise CheckError(f"{error} (Pylightnix's own storages are not read: realize into a new one.)") from error
        opened(S)
    if use_as_default:
        setstorage(S)


def assert_valid_storage(S: StorageSettings | None = None) -> None:
    """Raise CheckError unless the storage is there."""
    opened(S)
    check(os.path.isdir(fstmpdir(S)), f"the folder for temporary files {fstmpdir(S)} is missing: call fsinit() first")


def model_context(context: dict[DRef, list[RRef]]) -> dict[object, tuple[ModelRRef, ...]]:
    """Return a context in the store's form."""
    return {model_dref(dref): tuple(map(model_rref, rrefs)) for dref, rrefs in context.items()}


def _mark(folder: str) -> tuple[int, int]:
    try:
        found = os.stat(os.path.join(folder, "format.json"))
    except OSError:
        return (0, 0)
    return (found.st_ino, found.st_mtime_ns)


def _remove(folder: str) -> None:
    if not os.path.isdir(folder):
        return
    foreign = set(os.listdir(folder)) - {*FOLDERS, *FILES, *VIEWS}
    check(not foreign, f"{folder} holds what is not a storage's ({min(foreign, default='')!r}), and is not removed")
    _close((os.getpid(), folder))
    Files().remove(folder)


def _close(key: tuple[int, str]) -> None:
    known = _OPENED.pop(key, None)
    if known is not None:
        known.store.close()


@atexit.register
def _close_all() -> None:
    for key in [key for key in _OPENED if key[0] == os.getpid()]:
        _close(key)


__all__ = ["Storage", "assert_valid_storage", "fsinit", "fsstorage", "fstmpdir", "opened"]
