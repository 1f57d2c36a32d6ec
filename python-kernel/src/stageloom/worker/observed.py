"""Noticing what a stage reads of the project without declaring it: files, folders, environment variables.

Files are those that Python opens or asks about, those whose paths libraries handle, as they do before native code opens
them, and those that the arguments of other processes name. What else those read is not seen.
"""

from __future__ import annotations

import _collections_abc
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from types import FrameType, ModuleType

from stageloom.tracking.evidence import is_outside
from stageloom.tracking.reads import (
    CHANGED,
    SIZE,
    THERE,
    TIME,
    VARIABLE,
    Mark,
    file_name,
    mark_of,
    note_set,
    path_of,
    state_of,
    variable_state,
)
from stageloom.worker.asking import is_librarys, question
from stageloom.worker.keeping import Holding

_SOURCES = (".py", ".pyc", ".pyi", ".pyd", ".so")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ANEW = os.O_TRUNC | os.O_APPEND | os.O_EXCL

#: Where ``os.environ`` itself is written, on the way to who reads it.
_MAPPING = frozenset({os.__file__, "<frozen os>", _collections_abc.__file__, "<frozen _collections_abc>"})

#: Frames of this package end a stage's own.
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def _beyond_mapping(frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_code.co_filename in _MAPPING:
        frame = frame.f_back
    return frame


class Observer:
    """Notes what is read below ``root``. ``apart`` are folders that don't count: the store, the stage's own.

    ``modules`` returns the project's modules: what they hold when the first file is read is remembered.
    """

    def __init__(
        self, root: str, apart: tuple[str, ...], modules: Callable[[], Iterable[ModuleType]] = lambda: ()
    ) -> None:
        self._root = os.path.abspath(root)
        self._apart = tuple(os.path.abspath(folder) for folder in apart)
        self._files: dict[str, Mark] = {}
        self._states: dict[str, str] = {}
        self._updated: dict[str, Mark] = {}
        self._listed: dict[str, frozenset[str]] = {}
        self._made: set[str] = set()
        self._deep: set[str] = set()
        self._asked: dict[str, str] = {}
        self._written: set[str] = set()
        self._imported: set[str] = set()
        self._copying: tuple[int, int] | None = None
        self._absent: set[str] = set()
        self._librarys: dict[str, bool] = {}
        self._modules = modules
        self._holding: Holding | None = None
        self._changed: set[tuple[str, str]] | None = None
        self.starts_processes = False
        self._busy = threading.local()

    def reads(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Return what was read and neither ``declared`` nor written by the stage, with what each held."""
        found = {name: state for name, state in self._noted().items() if name not in declared}
        told = {name for name, state in found.items() if state} | set(declared)
        # whether a file is there, and how large, is part of what it holds
        return {
            name: state for name, state in found.items() if name.startswith(TIME) or path_of(name) not in told - {name}
        }

    def _noted(self) -> dict[str, str]:
        """Return all that was read and not made by the stage."""
        own = {name for name, before in self._updated.items() if not before or self._mark(name) != before}
        own |= self._written
        made = own | self._made
        names = {*self._files, *self._updated, *self._listed} - own
        names.update(
            name
            for name in self._asked
            if path_of(name) not in made and not (name in self._absent and state_of(name, self._root))
        )
        return {name: self._state(name) for name in sorted(names)}

    def imports(self) -> dict[str, str]:
        """Return what modules of the project read when they were imported, which happens once, declared or not."""
        return {name: self._state(name) for name in sorted(self._imported) if name not in self._written}

    def kept(self) -> dict[str, Mark]:
        """Return the files that functions read for a stage, declared or not, which may keep them for the next one.

        Each with the mark that it had when it was read; empty where it has changed since.
        """
        marks = {**self._updated, **self._files}
        names = marks.keys() if self.changed() else self._deep & marks.keys()
        return {name: marks[name] if self._mark(name) == marks[name] else () for name in names}

    def changed(self) -> set[tuple[str, str]]:
        """Return module and name of what holds something else since the first of :meth:`remembered` was read."""
        if self._changed is None and self._holding is not None:
            self._changed = self._holding.changed(self._modules())
        return self._changed or set()

    def remembered(self) -> dict[str, str]:
        """Return what functions read, declared or not, with what each held: modules may hold it now."""
        return {name: state for name, state in self._noted().items() if name not in self._imported}

    def hear(self, note: Callable[..., None], *arguments: object) -> None:
        """Call ``note``, but for what noting itself does."""
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            note(*arguments)
        except (OSError, ValueError):  # of a path that is none: who asks hears of that from the system
            pass
        finally:
            self._busy.now = False

    def opened(self, path: object, flags: object, frame: FrameType) -> None:
        """Note that Python opens a file."""
        name = self._name(path)
        if name is None or name.endswith(_SOURCES) or self._is_own(frame):
            return
        if isinstance(flags, int) and flags & _WRITES:
            self._made.add(name)
            if name in self._files or name in self._written or name in self._updated:
                return
            if flags & _ANEW or not flags & os.O_RDWR:  # what a stage writes and then reads is its own
                self._written.add(name)
            else:
                self._given(name, frame)
        elif name not in self._written and name not in self._files and name not in self._updated:
            self._files[name] = self._mark(name)
            self._note_origin(name, frame)

    def _given(self, name: str, frame: FrameType | None) -> None:
        """Note a file that is read or written: whether it changed tells."""
        if name not in self._files and name not in self._written and name not in self._updated:
            self._updated[name] = self._mark(name)
            self._note_origin(name, frame)

    def looked_at(self, path: object, frame: FrameType) -> None:
        """Note that ``frame`` asks what a path is, without opening it."""
        name = self._name(path)
        if name is None or name.endswith(_SOURCES) or name in self._made or self._is_own(frame):
            return
        kind, asker = question(frame)
        if asker is None or asker.f_code.co_filename.startswith("<frozen importlib"):
            return
        if self._is_librarys(asker.f_code.co_filename):
            self._handled(name, asker)
            return
        projects = file_name(asker.f_code.co_filename, self._root) is not None
        name = (kind or (TIME if projects else SIZE)) + name
        self._asked[name] = state_of(name, self._root)
        self._note_origin(name, asker)

    def handles(self, path: object, frame: FrameType) -> None:
        """Note that ``frame`` has a path in hand: a library does that before its native code opens the file."""
        if not self._is_librarys(frame.f_code.co_filename):
            return
        name = self._name(path)
        if name is not None and not name.endswith(_SOURCES) and not self._is_own(frame):
            self._handled(name, frame)

    def _handled(self, name: str, frame: FrameType) -> None:
        if os.path.isfile(os.path.join(self._root, *name.split("/"))):
            if THERE + name in self._absent:
                self._written.add(name)  # since then, it has come: the stage had it made
            self._given(name, frame)
            return
        name = THERE + name
        if name not in self._asked:
            self._asked[name] = state_of(name, self._root)
            if not self._asked[name]:
                self._absent.add(name)  # it may be about to make it
            self._note_origin(name, frame)

    def _is_librarys(self, filename: str) -> bool:
        known = self._librarys.get(filename)
        if known is None:
            is_one = is_librarys(filename) and file_name(filename, self._root) is None
            known = self._librarys[filename] = is_one and not filename.startswith(_PACKAGE)
        return known

    def starts(self, paths: Iterable[str], frame: FrameType) -> None:
        """Note that ``frame`` starts a process, whose arguments name ``paths``."""
        if self._is_own(frame):
            return
        self.starts_processes = self.starts_processes or self._is_projects(frame)
        for path in paths:
            name = self._name(path)
            if name is not None:
                self._given(name, frame)

    def realizes(self, root: str, reads: Mapping[str, str]) -> None:
        """Note what the stage rests on by having other stages realized."""
        if os.path.abspath(root) == self._root:
            self._asked.update(reads)
            self._holding = self._holding or Holding(self._modules())

    def _is_projects(self, frame: FrameType | None) -> bool:
        """Return whether code of the project itself does what ``frame`` does, by what comes with Python."""
        while frame is not None and not self._is_librarys(frame.f_code.co_filename):
            if file_name(frame.f_code.co_filename, self._root) is not None:
                return True
            frame = frame.f_back
        return False

    def listed(self, path: object, frame: FrameType) -> None:
        """Note that ``frame`` asks what is in a folder."""
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return
        path = "." if path is None else path
        is_root = isinstance(path, (str, os.PathLike)) and os.path.abspath(path) == self._root
        name = "." if is_root else self._name(path)
        if name is not None and not self._is_own(frame):
            self._listed.setdefault(f"{name}/", self._names_in(name))
            self._note_origin(f"{name}/", frame)

    def made(self, paths: Iterable[object]) -> None:
        """Note what the stage itself makes or removes."""
        self._made.update(name for name in map(self._name, paths) if name is not None)

    def asked(self, key: object, value: str | bytes | None, frame: FrameType | None) -> None:
        """Note that ``frame`` asks for an environment variable, if that is code of the project."""
        frame = _beyond_mapping(frame)
        key = os.fsdecode(key) if isinstance(key, bytes) else key  # of os.environb
        if frame is None or not isinstance(key, str) or file_name(frame.f_code.co_filename, self._root) is None:
            return
        if self._copying == (id(frame), frame.f_lasti):
            return  # the whole of it is copied, for a process that is started, say
        self._asked.setdefault(VARIABLE + key, variable_state(key, None if value is None else os.fsdecode(value)))
        self._note_origin(VARIABLE + key, frame)

    def sets(self, key: object, before: str | None, value: object, frame: FrameType | None) -> None:
        """Note that ``frame`` sets an environment variable, if a module does so whenever it is imported."""
        if isinstance(key, str) and isinstance(value, str) and self._imports(_beyond_mapping(frame)):
            note_set(key, before, value)

    def copied(self, frame: FrameType | None) -> None:
        """Note that ``frame`` goes through all environment variables."""
        frame = _beyond_mapping(frame)
        self._copying = None if frame is None else (id(frame), frame.f_lasti)

    def _is_own(self, frame: FrameType | None) -> bool:
        """Return whether it is this package that asks, for a declared input."""
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(_PACKAGE):
                return True
            if file_name(name, self._root) is not None:
                return False
            frame = frame.f_back
        return False

    def _imports(self, frame: FrameType | None) -> bool:
        while frame is not None and not frame.f_code.co_filename.startswith(_PACKAGE):
            if frame.f_code.co_name == "<module>" and file_name(frame.f_code.co_filename, self._root) is not None:
                return True
            frame = frame.f_back
        return False

    def _note_origin(self, name: str, frame: FrameType | None) -> None:
        """Note whether it is an import that reads ``name``, or a function of the project's that a stage calls."""
        if self._imports(frame):
            self._imported.add(name)
            return
        if self._holding is None:
            self._holding = Holding(self._modules())
        functions = 0
        while frame is not None and not frame.f_code.co_filename.startswith(_PACKAGE):
            code = frame.f_code
            functions += file_name(code.co_filename, self._root) is not None and not code.co_name.startswith("<")
            frame = frame.f_back
        if functions > 1:
            self._deep.add(name)

    def _mark(self, name: str) -> Mark:
        return mark_of(name, self._root)

    def _names_in(self, folder: str) -> frozenset[str]:
        try:
            return frozenset(os.listdir(os.path.join(self._root, *folder.split("/"))))
        except OSError:
            return frozenset()

    def _state(self, name: str) -> str:
        """Return what was read; where that changed meanwhile, what never is."""
        if name not in self._states:
            self._states[name] = self._look(name)
        return self._states[name]

    def _look(self, name: str) -> str:
        if name in self._asked:
            return self._asked[name]
        state = state_of(name, self._root)
        if name in self._listed:
            changed = self._names_in(name[:-1]) ^ self._listed[name]
            below = "" if name == "./" else name
            return state if all(is_outside(one) or below + one in self._made for one in changed) else CHANGED
        before = self._files.get(name) or self._updated.get(name, ())
        return state if self._mark(name) == before else CHANGED

    def _name(self, path: object) -> str | None:
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, (str, os.PathLike)):
            return None
        whole = os.path.abspath(path)
        if any(whole == folder or whole.startswith(folder + os.sep) for folder in self._apart):
            return None
        return file_name(whole, self._root)
