"""What this process has imported of a project, and whether that serves another snapshot."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from threading import Thread
from types import CodeType, ModuleType, TracebackType

from stageloom.artifacts.values import CodeOf
from stageloom.functions.declaration import Declarations
from stageloom.functions.source import read as read_functions
from stageloom.model.classes import dataclass
from stageloom.tracking.cache import Cache
from stageloom.tracking.fingerprint import WHOLE, Code, UnknownCodeError
from stageloom.tracking.loader import Loader, install, uninstall
from stageloom.tracking.reads import Mark, mark_of, state_of
from stageloom.tracking.snapshot import Snapshot
from stageloom.worker.stored import read_snapshot


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot in use: its code, what it declares, how to import its files, and the code of what was imported."""

    snapshot: Snapshot
    code: Code
    load: Callable[[str], ModuleType]
    functions: Declarations
    code_of: CodeOf


#: What ``functools.cache`` and ``lru_cache`` make.
_CACHING = type(lru_cache(repr))


class Project:
    """The project whose files this process imports: one in a process, as there is one ``sys.modules``."""

    def __init__(self) -> None:
        self._loader: Loader | None = None
        self._loaded: Loaded | None = None
        self._spoilt = False
        self.planned = False
        self.import_reads: dict[str, str] = {}
        self._marks: dict[str, Mark] = {}
        self._kept: list[tuple[set[str], dict[str, str]]] = []
        self._threads: list[Thread] = []

    def use(self, store: str, root: str, identity: str) -> Loaded | None:
        """Return the snapshot ready to be imported from; None where this process has imported another version.

        Raises:
            MissingBlobError: where the store does not hold the snapshot.
        """
        if self._spoilt or any(state_of(name, root) != state for name, state in self.import_reads.items()):
            return None
        if any(mark_of(name, root) != marked for name, marked in self._marks.items()):
            return None  # modules may hold what it was
        if any(thread.is_alive() for thread in self._threads):
            return None  # no stage is to run beside what another left
        kept = {name: state for _, reads in self._kept for name, state in reads.items() if name not in self._marks}
        if any(state_of(name, root) != state for name, state in kept.items()):
            return None
        known = self._loaded
        if known is not None and known.snapshot.id == identity and str(known.snapshot.root) == root:
            return known
        snapshot, blobs = read_snapshot(store, root, identity)
        cache = Path(store, "cache")
        if self._loader is None:
            self._loader = install(snapshot, blobs, cache)
        elif self._loader.compatible(snapshot):
            self._loader.switch(snapshot, blobs)
        else:
            return None
        code = Code(snapshot, blobs, cache)
        functions = read_functions(snapshot, snapshot.entry, blobs, Cache(cache))
        self._loaded = Loaded(snapshot, code, self._loader.load, functions, _code_of(code, self._loader))
        return self._loaded

    def note_interrupt(self, trace: TracebackType | None) -> None:
        """Serve no more snapshots if an interrupt came within an import: a module half there fails in strange ways."""
        self._spoilt |= any(_is_importing(frame.f_code) for frame, _ in traceback.walk_tb(trace))

    def note_reads(self, imports: Mapping[str, str], marks: Mapping[str, Mark]) -> None:
        """Remember what the project's modules read when they were imported: every stage here works with it.

        ``marks`` are those of the files that functions may keep for the next stage. What ``functools`` keeps of them is
        forgotten, since they would not be seen to be read again.
        """
        self.import_reads.update(imports)
        self._marks.update((name, marked) for name, marked in marks.items() if marked)
        if marks and self._loader is not None:
            for name in self._loader.names():
                _clear_caches(sys.modules.get(name))

    def modules(self) -> list[ModuleType]:
        """Return the project's modules that this process has imported."""
        names = self._loader.names() if self._loader is not None else ()
        return [sys.modules[name] for name in names if name in sys.modules]

    def note_kept(self, changed: Iterable[tuple[str, str]], reads: Mapping[str, str]) -> None:
        """Remember that names of modules came to hold something else while ``reads`` were read.

        A later stage that works with one of these names may work with what was read, and isn't seen to read it.
        """
        loader = self._loader
        places = {(loader.path_of(module), name) for module, name in changed} if loader is not None else set()
        names = {f"{path}:{one}" for path, name in places if path is not None for one in (name, WHOLE)}
        if names and reads:
            self._kept.append((names, dict(reads)))

    def kept_for(self, path: str, function: str) -> dict[str, str]:
        """Return what was read for earlier stages and may be in what the function ``function`` of a file reaches.

        All of it for a stage that is no function, of which the reach isn't known beforehand.
        """
        if not self._kept or self._loaded is None:
            return {}
        try:
            reached = self._loaded.code.parts(path, function).keys() if function else None
        except UnknownCodeError:
            reached = None
        return {
            name: state
            for names, reads in self._kept
            if reached is None or not names.isdisjoint(reached)
            for name, state in reads.items()
        }

    def note_threads(self, threads: Iterable[Thread]) -> None:
        """Serve no more jobs as long as one of these runs."""
        self._threads += threads

    def spoil(self, why: str) -> None:
        """Serve no more jobs: something of this process is not as it was, and can't be made so."""
        del why
        self._spoilt = True

    def forget(self) -> None:
        """Take the project's modules out of this process, so that they are imported anew.

        Only where no worker can take the job instead: objects made by the old modules live on.
        """
        self._spoilt = self.planned = False
        self.import_reads = {}
        self._marks = {}
        self._kept = []
        self._threads = []
        if self._loader is None:
            return
        root = str(self._loader.snapshot.root)
        files = {os.path.join(root, *path.split("/")) for path in self._loader.loaded()}
        for name, module in list(sys.modules.items()):
            if getattr(module, "__file__", None) in files:
                del sys.modules[name]
        uninstall(self._loader)
        self._loader = self._loaded = None


def _clear_caches(module: ModuleType | None) -> None:
    values = list(vars(module).values()) if module is not None else []
    for one in values:
        inner = vars(one).values() if isinstance(one, type) and one.__module__ == vars(module).get("__name__") else ()
        for value in (one, *inner):
            kept = getattr(value, "__func__", value)  # a static method's own
            if isinstance(kept, _CACHING):
                kept.cache_clear()


def _is_importing(code: CodeType) -> bool:
    # of an import Python takes its own frames out of a traceback where they led to a module's body
    return code.co_name == "<module>" or (
        code.co_name == "_find_and_load_unlocked" and code.co_filename.startswith("<frozen importlib")
    )


def _code_of(code: Code, loader: Loader) -> CodeOf:
    known: dict[tuple[str, str], str] = {}

    def compute(module: str, name: str) -> str:
        path = loader.path_of(module)
        if path is None:
            return ""
        try:
            return code.fingerprint(path, name).digest
        except UnknownCodeError:  # made by code that does not spell its name: its file counts whole
            return loader.loaded()[path][:32]

    def code_of(module: str, name: str) -> str:
        if (module, name) not in known:
            known[module, name] = compute(module, name)
        return known[module, name]

    return code_of
