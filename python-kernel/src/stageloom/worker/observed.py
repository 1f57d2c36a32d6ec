"""Noticing what a stage reads of the project without declaring it: files, folders, environment variables.

Files are those that Python opens. What native code opens by itself, and what other processes read, is not seen.
"""

from __future__ import annotations

import _collections_abc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from stageloom.tracking.evidence import is_outside
from stageloom.tracking.reads import CHANGED, VARIABLE, Mark, file_name, mark_of, note_set, state_of, variable_state

_SOURCES = (".py", ".pyc", ".pyi", ".pyd", ".so")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ANEW = os.O_TRUNC | os.O_APPEND | os.O_EXCL
#: Events that change what is in a folder, with paths among their first two arguments.
_MAKES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"})
_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "sqlite3.connect", *_MAKES})

#: Where ``os.environ`` itself is written, on the way to who reads it.
_MAPPING = frozenset({os.__file__, "<frozen os>", _collections_abc.__file__, "<frozen _collections_abc>"})

#: Frames of this package end a stage's own.
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def _beyond_mapping(frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_code.co_filename in _MAPPING:
        frame = frame.f_back
    return frame


class Observer:
    """Notes what is read below ``root``. ``apart`` are folders that don't count: the store, the stage's own."""

    def __init__(self, root: str, apart: tuple[str, ...]) -> None:
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
        self._busy = threading.local()

    def reads(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Return what was read and neither ``declared`` nor written by the stage, with what each held."""
        own = {name for name, before in self._updated.items() if not before or self._mark(name) != before}
        names = {*self._files, *self._updated, *self._listed, *self._asked} - self._written - own
        return {name: self._state(name) for name in sorted(names) if name not in declared}

    def imports(self) -> dict[str, str]:
        """Return what modules of the project read when they were imported, which happens once, declared or not."""
        return {name: self._state(name) for name in sorted(self._imported) if name not in self._written}

    def kept(self) -> dict[str, Mark]:
        """Return the files that functions read for a stage, declared or not, which may keep them for the next one.

        Each with the mark that it had when it was read; empty where it has changed since.
        """
        marks = {**self._updated, **self._files}
        return {name: marks[name] if self._mark(name) == marks[name] else () for name in self._deep & marks.keys()}

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
            else:  # to be read or to be written: whether it changed tells
                self._updated[name] = self._mark(name)
                self._note_origin(name, frame)
        elif name not in self._written and name not in self._files and name not in self._updated:
            self._files[name] = self._mark(name)
            self._note_origin(name, frame)

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

    @contextmanager
    def quiet(self) -> Iterator[bool]:
        """Run the block, which says whether it is the outermost: what noting itself does is not noted."""
        if getattr(self._busy, "now", False):
            yield False
            return
        self._busy.now = True
        try:
            yield True
        finally:
            self._busy.now = False


#: Who listens. A process has one table of hooks, which can't be taken away again, and runs one stage at a time.
_listening: list[Observer] = []
_hooked: list[bool] = []


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Have ``observer`` hear of what this process reads within the block."""
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_audit)
        _hook_environment()
    _listening.append(observer)
    try:
        yield
    finally:
        _listening.remove(observer)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listening or event not in _EVENTS:
        return
    observer = _listening[-1]
    with observer.quiet() as outermost:
        if not outermost:
            return
        if event == "open":
            observer.opened(arguments[0], arguments[2], sys._getframe(1))  # noqa: SLF001  # the one that opens
        elif event == "sqlite3.connect":
            observer.opened(arguments[0], 0, sys._getframe(1))  # noqa: SLF001
        elif event in _MAKES:
            observer.made(arguments[:2])
        else:
            observer.listed(arguments[0], sys._getframe(1))  # noqa: SLF001


def _hook_environment() -> None:
    kind: Any = type(os.environ)
    get: Callable[[Any, Any], str] = kind.__getitem__
    put: Callable[[Any, Any, Any], None] = kind.__setitem__
    every: Callable[[Any], Iterator[str]] = kind.__iter__

    def __getitem__(self: Any, key: Any) -> str:  # noqa: N807  # it stands in for that method
        try:
            value = get(self, key)
        except KeyError:
            _asked(key, None)
            raise
        _asked(key, value)
        return value

    def __setitem__(self: Any, key: Any, value: Any) -> None:  # noqa: N807  # it stands in for that method
        if _listening:
            try:
                before = get(self, key)
            except KeyError:
                before = None
            _listening[-1].sets(key, before, value, sys._getframe(1))  # noqa: SLF001
        put(self, key, value)

    def __iter__(self: Any) -> Iterator[str]:  # noqa: N807  # it stands in for that method
        if _listening:
            _listening[-1].copied(sys._getframe(1))  # noqa: SLF001
        return every(self)

    kind.__getitem__ = __getitem__
    kind.__setitem__ = __setitem__
    kind.__iter__ = __iter__


def _asked(key: object, value: str | None) -> None:
    if _listening:
        _listening[-1].asked(key, value, sys._getframe(2))  # noqa: SLF001
