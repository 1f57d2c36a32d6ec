"""Imports a project's modules by content from a snapshot, whatever is on disk by now.

A process that has imported a file keeps that version of it, so one process serves only snapshots that agree with what
it has loaded: ask :meth:`Loader.compatible` first.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType

from stageloom.tracking.blobs import Blobs
from stageloom.tracking.cache import Cache
from stageloom.tracking.evidence import is_outside
from stageloom.tracking.modules import OWN_PACKAGE, Found, Modules, module_name
from stageloom.tracking.snapshot import Snapshot
from stageloom.tracking.sources import decode


class IncompatibleSnapshotError(RuntimeError):
    """This process has imported another version of a project file: take another process."""


class EndOfModule(BaseException):  # no error: the module is taken as it is up to there
    """Raised by what must not go on while a project's module is only loaded."""


_LOADING: ContextVar[bool] = ContextVar("stageloom_loading", default=False)


def is_loading() -> bool:
    """Return whether a project's module is being loaded right now, and not run as a program."""
    return _LOADING.get()


@contextmanager
def loading() -> Iterator[None]:
    """Take what runs meanwhile as a module that is being loaded; :class:`EndOfModule` ends it."""
    token = _LOADING.set(True)
    try:
        yield
    except EndOfModule:
        pass
    finally:
        _LOADING.reset(token)


class _ProjectLoader(importlib.machinery.SourceFileLoader):
    """Loads one module from its content; data files beside it are read from disk."""

    def __init__(self, owner: Loader, name: str, path: str, rel: str) -> None:
        super().__init__(name, path)
        self._owner = owner
        self.rel = rel

    def get_data(self, path: str) -> bytes:
        if path == self.path:
            return self._owner.content(self.rel)
        return super().get_data(path)

    def get_source(self, fullname: str) -> str:
        del fullname
        try:
            return decode(self._owner.content(self.rel))
        except (SyntaxError, UnicodeDecodeError, LookupError) as error:
            raise ImportError(f"{self.rel} cannot be decoded: {error}", path=self.path) from error

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return self._owner.compile(self.rel, str(self.path))

    def exec_module(self, module: ModuleType) -> None:
        self._owner.note(module.__name__, self.rel, str(self.path))
        with loading():
            super().exec_module(module)


class Loader(importlib.abc.MetaPathFinder):
    """Finds and loads the modules of one project. Made by :func:`install`."""

    def __init__(self, snapshot: Snapshot, blobs: Blobs | None = None, cache: Path | None = None) -> None:
        self._cache = Cache(cache)
        self._loaded: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._pinned: dict[str, str] = {}
        self._use(snapshot, blobs)
        self._before = frozenset(sys.modules)

    def _use(self, snapshot: Snapshot, blobs: Blobs | None) -> None:
        self.snapshot = snapshot
        self._blobs = blobs if blobs is not None else snapshot.blobs
        self._root = str(snapshot.root)
        self._modules = snapshot.modules
        self._named = {module_name(path, snapshot.folders): path for path in (snapshot.entry,)}
        self._set_aside()

    def _set_aside(self) -> None:
        """Forget modules of the project's names that something else imported here: from disk, or another project's."""
        for path in self.snapshot.files:
            name = module_name(path, self.snapshot.folders)
            module = sys.modules.get(name)
            if module is not None and name not in self._names and not _is_of_python(module):
                del sys.modules[name]

    # --- what this process has loaded --------------------------------------------------------------------------------

    def loaded(self) -> Mapping[str, str]:
        """Return the SHA-256 of every project file that this process has imported, by path."""
        return MappingProxyType(self._loaded)

    def names(self) -> Sequence[str]:
        """Return the names under which this process has imported project files."""
        return list(self._names)

    def path_of(self, module: str) -> str | None:
        """Return the project file that was imported as ``module``; None for a module from elsewhere."""
        return self._names.get(module)

    def compatible(self, snapshot: Snapshot) -> bool:
        """Return whether this process, with what it has imported, may run the code of ``snapshot``."""
        if not self._loaded:
            return True
        if str(snapshot.root) != self._root:
            return False
        modules = snapshot.modules
        for name, path in self._names.items():
            found = modules.find(name)
            now = found.file if found is not None else None
            if now != path and (now is not None or snapshot.folders != self.snapshot.folders):
                return False
        for path, sha256 in self._loaded.items():
            if path in snapshot.files:
                if snapshot.files[path] != sha256:
                    return False
            elif path in self._pinned and self._on_disk(path) != sha256:
                return False
        return not any(self._is_foreign(module_name(path, snapshot.folders)) for path in snapshot.files)

    def switch(self, snapshot: Snapshot, blobs: Blobs | None = None) -> None:
        """Load from ``snapshot`` from now on; raises IncompatibleSnapshotError."""
        if not self.compatible(snapshot):
            raise IncompatibleSnapshotError("this process has imported another version of a project file")
        self._use(snapshot, blobs)

    def load(self, path: str) -> ModuleType:
        """Import the project file at ``path`` under its stable name, as importing it from the entry would."""
        name = module_name(path, self.snapshot.folders)
        self._named[name] = path
        return importlib.import_module(name)

    def _is_foreign(self, name: str) -> bool:
        """Return whether ``name`` was imported from outside the project since this loader was made."""
        return name in sys.modules and name not in self._names and name not in self._before

    def _on_disk(self, path: str) -> str:
        try:
            return self._blobs.put_source(Path(self._root, path).read_bytes())
        except OSError:
            return ""

    # --- what the module loaders ask ---------------------------------------------------------------------------------

    def content(self, path: str) -> bytes:
        """Return a project file's content; one that isn't in the snapshot is read once and kept."""
        sha256 = self._loaded.get(path) or self.snapshot.files.get(path) or self._pinned.get(path)
        if sha256 is None:
            content = Path(self._root, path).read_bytes()
            self._pinned[path] = self._blobs.put_source(content)
            return content
        return self._blobs.source(sha256)

    def compile(self, path: str, filename: str) -> CodeType:
        """Return a project file's code object."""
        content = self.content(path)
        key = f"{self._sha256(path)}\n{filename}\n{importlib.util.MAGIC_NUMBER.hex()}\n{sys.flags.optimize}"
        known = self._cache.get("code", key)
        if isinstance(known, CodeType):
            return known
        code = compile(content, filename, "exec", dont_inherit=True)
        self._cache.put("code", key, code, code=True)
        return code

    def note(self, name: str, path: str, filename: str) -> None:
        """Remember that ``path`` is being imported as ``name``, and show its text in tracebacks."""
        content = self.content(path)
        self._loaded[path] = self._sha256(path)
        self._names[name] = path
        try:
            lines = decode(content).splitlines(keepends=True)
        except (SyntaxError, UnicodeDecodeError, LookupError):
            return  # compiling it tells what is wrong
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        linecache.cache[filename] = (len(content), None, lines, filename)  # without a time it is never read again

    def _sha256(self, path: str) -> str:
        return self._loaded.get(path) or self.snapshot.files.get(path) or self._pinned[path]

    # --- finding -----------------------------------------------------------------------------------------------------

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a project module, None for what isn't one."""
        del target
        if fullname in self._named:
            return self._spec(fullname, self._named[fullname], ())
        found = self._find(fullname, path) if fullname.partition(".")[0] != OWN_PACKAGE else None
        if found is None:
            return None
        if found.file is not None:
            return self._spec(fullname, found.file, found.folders)
        if path is None and self._is_installed(fullname):
            return None  # an installed package goes before a folder without __init__.py
        spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [os.path.join(self._root, folder) for folder in found.folders]
        return spec

    def _find(self, fullname: str, path: Sequence[str] | None) -> Found | None:
        name = fullname.rpartition(".")[2]
        if path is None:
            extra = [folder for folder in map(self._relative, sys.path) if folder is not None]
            folders = tuple(dict.fromkeys((*self.snapshot.folders, *extra)))
        else:
            folders = tuple(folder for folder in map(self._relative, path) if folder is not None)
            if not folders:
                return None
        package = Found((), None, folders)
        found = self._modules.within(package, name)
        if found is None or found.file is None:
            found = self._disk().within(package, name) or found
        return found

    def _disk(self) -> Modules:
        def is_file(path: str) -> bool:
            return path in self.snapshot.files or os.path.isfile(os.path.join(self._root, path))

        return Modules((), is_file, lambda path: os.path.isdir(os.path.join(self._root, path)))

    def _relative(self, path: str) -> str | None:
        """Return a folder of the project relative to its root; None for one outside, or for an environment in it."""
        path = os.path.abspath(path)
        if path == self._root:
            return ""
        if not path.startswith(self._root.rstrip(os.sep) + os.sep):
            return None
        parts = os.path.relpath(path, self._root).split(os.sep)
        if any(is_outside(part) for part in parts):
            return None
        place = self._root
        for part in parts:
            place = os.path.join(place, part)
            if os.path.exists(os.path.join(place, "pyvenv.cfg")):
                return None
        return "/".join(parts)

    def _is_installed(self, name: str) -> bool:
        outside = [entry for entry in sys.path if self._relative(entry) is None]
        spec = importlib.machinery.PathFinder.find_spec(name, outside)
        return spec is not None and spec.loader is not None

    def _spec(self, name: str, path: str, folders: Sequence[str]) -> importlib.machinery.ModuleSpec | None:
        filename = os.path.join(self._root, *path.split("/"))
        return importlib.util.spec_from_file_location(
            name,
            filename,
            loader=_ProjectLoader(self, name, filename, path),
            submodule_search_locations=[os.path.join(self._root, folder) for folder in folders] or None,
        )


def _is_of_python(module: ModuleType) -> bool:
    """Return whether a module belongs to Python itself, or to an installed package."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return True
    paths = sysconfig.get_paths()
    return any(file.startswith(paths[key] + os.sep) for key in ("stdlib", "platstdlib", "purelib", "platlib"))


def install(snapshot: Snapshot, blobs: Blobs | None = None, cache: Path | None = None) -> Loader:
    """Import the project's modules from ``snapshot`` in this process from now on; return the loader that does it.

    The entry's folder and the root are put on ``sys.path``, where Python has them, for what is no Python source.
    ``cache`` is a folder for compiled code. A process needs this once: later snapshots go to :meth:`Loader.switch`.
    """
    loader = Loader(snapshot, blobs, cache)
    sys.meta_path.insert(0, loader)
    for folder in reversed(snapshot.folders):
        place = os.path.join(str(snapshot.root), *folder.split("/")) if folder else str(snapshot.root)
        if place not in sys.path:
            sys.path.insert(0, place)
    return loader


def uninstall(loader: Loader) -> None:
    """Take ``loader`` out of this process; what it has imported stays."""
    if loader in sys.meta_path:
        sys.meta_path.remove(loader)
