"""What Pylightnix's programs see on disk: a folder a derivation, and in it a folder a realization.

They lie in ``faces/pylightnix`` of the store and are made on demand from what the store holds, which stays the one
truth: all of it can be deleted. A derivation's folder has ``config.json``; a realization's has its artifacts,
``context.json`` with all that it was made from, ``__buildstart__.txt`` and ``__buildstop__.txt``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from stageloom.derivations.configuration import dependencies
from stageloom.model.objects import Derivation
from stageloom.model.references import BadReferenceError, DRef, RRef
from stageloom.model.values import Json
from stageloom.store.errors import NotStoredError, StoreError, explained
from stageloom.store.files import Files
from stageloom.store.found import Found
from stageloom.store.store import Store

CONFIG = "config.json"
CONTEXT = "context.json"
START = "__buildstart__.txt"
STOP = "__buildstop__.txt"
#: Names that artifacts cannot have in a realization's folder.
RESERVED = (CONTEXT, START, STOP)

#: How Pylightnix writes a time.
TIME = "%y%m%d-%H:%M:%S:%f%z"


class BadConfigError(StoreError):
    """A ``config.json`` that is not what was written, where the store has nothing to mend it with."""


class View:
    """The folders of one store, as Pylightnix's programs know them. Threads and processes may share them."""

    def __init__(self, store: Store) -> None:
        self.path = store.path / "faces" / "pylightnix"
        self._store = store
        self._files = Files()
        self._mutex = threading.RLock()
        self._contexts: dict[RRef, Mapping[DRef, Sequence[RRef]]] = {}

    # --- derivations -------------------------------------------------------------------------------------------------

    def note(self, derivation: Derivation) -> DRef:
        """Keep the configuration of a derivation, in the order of its keys, and return its reference."""
        dref = derivation.dref
        path = self.derivation_path(dref) / CONFIG
        text = json.dumps(dict(derivation.configuration), indent=4)  # in the store itself the keys are sorted
        try:
            if path.read_text("utf-8") == text:
                return dref
        except (OSError, UnicodeDecodeError):
            pass  # missing, or damaged: written below
        if not self._store.readonly:
            self._write(path, text)
        return dref

    def configuration(self, dref: DRef) -> dict[str, Json]:
        """Return the configuration of a derivation, made or only planned, in the order it was written.

        Raises:
            NotStoredError: the store knows no such derivation.
            BadConfigError, DamagedError: what it has of it is damaged.
        """
        path = self.derivation_path(dref) / CONFIG
        missing = False
        try:
            value = json.loads(path.read_text("utf-8"))
            if isinstance(value, dict) and self._is_of(value, dref):
                return value
        except (FileNotFoundError, NotADirectoryError):
            missing = True
        except (OSError, ValueError, RecursionError):
            pass  # damaged: the store may know better
        try:
            known = self._ordered(dref)
        except NotStoredError:
            if missing:
                raise
            raise BadConfigError(f"{path} is damaged.", "Instantiate its stage again, which writes it anew.") from None
        if not self._store.readonly:
            self._write(path, json.dumps(known, indent=4))
        return known

    def derivation(self, dref: DRef) -> Path:
        """Return the folder of a derivation, with its ``config.json``; raises what :meth:`configuration` does."""
        self.configuration(dref)
        return self.derivation_path(dref)

    def derivations(self) -> list[DRef]:
        """Return the derivations that were instantiated or realized here, in order."""
        found = {one.dref for one in self._store.history()} | set(self._store.planned())
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            names = []
        for name in names:
            with contextlib.suppress(BadReferenceError):  # something of somebody else's
                found.add(DRef.parse(f"dref:{name}"))
        return sorted(found)

    def derivation_path(self, dref: DRef) -> Path:
        """Return where the folder of a derivation is, or would be."""
        return self.path / f"{dref.hash}-{dref.name}"

    # --- realizations ------------------------------------------------------------------------------------------------

    def realization_path(self, rref: RRef) -> Path:
        """Return where the folder of a realization is, or would be."""
        return self.derivation_path(rref.dref) / rref.hash

    def realization(self, rref: RRef) -> Path:
        """Return the folder of a realization, write-protected, made or mended where it has to be.

        What runs now and is not in the journal yet has no folder of its own: its tree is returned.

        Raises:
            NotStoredError: the store has no such realization.
            DamagedError: an artifact was changed. It is not found again until its stage was realized anew.
        """
        tree = self._store.record(rref).tree
        source = self._store.tree(tree)
        found = self._store.get(rref)
        if found is None or self._store.readonly:
            return source
        path = self.realization_path(rref)
        with self._mutex:
            if not self._is_right(path, source, tree):
                self._make(path, source, found)
        return path

    def context(self, rref: RRef) -> Mapping[DRef, Sequence[RRef]]:
        """Return all that a realization was made from, directly or not, in order; raises as :meth:`realization`."""
        pending = [rref]
        while pending:
            current = pending[-1]
            direct = self._store.record(current).context if current not in self._contexts else {}
            needed = [one for rrefs in direct.values() for one in rrefs if one not in self._contexts]
            if needed:
                pending.extend(needed)
                continue
            pending.pop()
            if current in self._contexts:
                continue
            whole: dict[DRef, dict[RRef, None]] = {}
            for dref, rrefs in direct.items():
                whole.setdefault(dref, {}).update(dict.fromkeys(rrefs))
                for one in rrefs:
                    for deeper, its in self._contexts[one].items():
                        whole.setdefault(deeper, {}).update(dict.fromkeys(its))
            self._contexts[current] = {dref: tuple(sorted(rrefs)) for dref, rrefs in sorted(whole.items())}
        return self._contexts[rref]

    def _ordered(self, dref: DRef) -> dict[str, Json]:
        """Return a stored configuration in the order that the journal keeps."""
        from stageloom.pylightnix.configuration import planned as plan_of

        return dict(plan_of(self._store.derivation(dref), self._store.plan_note(dref) or "").config)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _is_of(self, configuration: dict[str, Json], dref: DRef) -> bool:
        """Return whether ``configuration`` is that of ``dref``, whose code may count."""
        if planned(configuration).dref == dref:
            return True
        try:
            return dict(self._store.derivation(dref).configuration) == configuration
        except StoreError:
            return False

    def _is_right(self, path: Path, source: Path, tree: str) -> bool:
        if not all((path / name).is_file() for name in RESERVED):
            return False
        for file in self._store.manifest(tree).files:
            try:
                one, other = os.stat(path / file.path), os.stat(source / file.path)
            except OSError:
                return False
            same = (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
            if not same and (one.st_size, one.st_mtime_ns) != (other.st_size, other.st_mtime_ns):
                return False
        return True

    def _make(self, path: Path, source: Path, found: Found) -> None:
        for name in RESERVED:
            if (source / name).exists():
                raise StoreError(
                    f"{found.rref} has an artifact called {name}, which Pylightnix keeps for itself.",
                    "Have its stage write it under another name.",
                )
        context = {str(dref): [str(one) for one in rrefs] for dref, rrefs in self.context(found.rref).items()}
        scratch = self._store.scratch()
        with explained(self._store.path):
            self._store.lend(found.tree, scratch)
            for name, text in (
                (CONTEXT, json.dumps(context, indent=4)),
                (START, timestring(found.at)),
                (STOP, timestring(found.at + found.took)),
            ):
                self._files.create(str(scratch / name), text.encode("utf-8"), sync=False)
            for folder, _, _ in os.walk(scratch):
                if folder != str(scratch):
                    self._files.chmod(folder, 0o555)
            self._place(scratch, path)

    def _place(self, scratch: Path, path: Path) -> None:
        """Move what was made to its place; what was there, damaged or just made by another process, goes."""
        self._files.mkdir(str(path.parent))
        if sys.platform != "win32":
            self._files.chmod(str(path.parent), 0o755)
        for _ in range(10):
            if self._moved(scratch, path):
                self._files.chmod(str(path), 0o555)
                return
        self._files.remove(str(scratch))  # others make it as often as this one does: theirs is as good

    def _moved(self, scratch: Path, path: Path) -> bool:
        try:
            os.rename(scratch, path)
        except OSError:
            if not os.path.lexists(path):
                raise
        else:
            return True
        aside = self._store.scratch()
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            self._files.chmod(str(path), 0o755)
            os.rename(path, aside / "old")
        self._files.remove(str(aside))
        return False

    def _write(self, path: Path, text: str) -> None:
        with explained(self._store.path):
            self._files.mkdir(str(path.parent))
            aside = self._store.scratch()
            self._files.create(str(aside / path.name), text.encode("utf-8"), sync=False)
            self._files.rename(str(aside / path.name), str(path))
            self._files.rmdir(str(aside))


def planned(configuration: Mapping[str, Json]) -> Derivation:
    """Return the derivation that stands for a configuration in Pylightnix's faces, where code does not count."""
    name = configuration.get("name", "unnamed")
    return Derivation(str(name), "derivation", configuration, dependencies(configuration))


def timestring(seconds: float) -> str:
    """Return a time, in seconds since the epoch, as Pylightnix writes it, in local time."""
    return datetime.fromtimestamp(seconds).astimezone().strftime(TIME)


def parsetime(text: str) -> float | None:
    """Return the seconds since the epoch that :func:`timestring` wrote; None for another text."""
    try:
        return datetime.strptime(text, TIME).timestamp()  # noqa: DTZ007  # the zone is in the text
    except (ValueError, OverflowError):
        return None
