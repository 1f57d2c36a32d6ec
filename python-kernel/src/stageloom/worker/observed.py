"""Noticing what a stage reads of the project without declaring it: files, folders, environment variables.

Files are those that Python opens. What native code opens by itself, and what other processes read, is not seen.
"""

from __future__ import annotations

import _collections_abc
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from stageloom.tracking.evidence import mark
from stageloom.tracking.reads import CHANGED, VARIABLE, file_name, state_of, text_hash

_SOURCES = (".py", ".pyc", ".pyi", ".pyd", ".so")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

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
        self._files: dict[str, tuple[int, ...]] = {}
        self._listed: set[str] = set()
        self._asked: dict[str, str] = {}
        self._written: set[str] = set()
        self._imported: set[str] = set()
        self._copying: tuple[int, int] | None = None
        self._busy = threading.local()

    def reads(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Return what was read and neither ``declared`` nor written by the stage, with what each held."""
        found = {name: self._file_state(name) for name in self._files if name not in self._written}
        found.update((name, state_of(name, self._root)) for name in self._listed)
        found.update(self._asked)
        return {name: found[name] for name in sorted(found) if name not in declared}

    def imports(self, reads: Mapping[str, str]) -> dict[str, str]:
        """Return those of ``reads`` that a module of the project read when it was imported, which happens once."""
        return {name: state for name, state in reads.items() if name in self._imported}

    def opened(self, path: object, flags: object, frame: FrameType) -> None:
        """Note that Python opens a file."""
        name = self._name(path)
        if name is None or name.endswith(_SOURCES) or self._is_own(frame):
            return
        if isinstance(flags, int) and flags & _WRITES:
            if name not in self._files:  # what a stage writes and then reads is its own
                self._written.add(name)
        elif name not in self._written and name not in self._files:
            self._files[name] = self._mark(name)
            self._note_import(name, frame)

    def listed(self, path: object, frame: FrameType) -> None:
        """Note that ``frame`` asks what is in a folder."""
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return
        path = "." if path is None else path
        is_root = isinstance(path, (str, os.PathLike)) and os.path.abspath(path) == self._root
        name = "." if is_root else self._name(path)
        if name is not None and not self._is_own(frame):
            self._listed.add(f"{name}/")
            self._note_import(f"{name}/", frame)

    def asked(self, key: object, value: str | None, frame: FrameType | None) -> None:
        """Note that ``frame`` asks for an environment variable, if that is code of the project."""
        frame = _beyond_mapping(frame)
        if frame is None or not isinstance(key, str) or file_name(frame.f_code.co_filename, self._root) is None:
            return
        if self._copying == (id(frame), frame.f_lasti):
            return  # the whole of it is copied, for a process that is started, say
        self._asked.setdefault(VARIABLE + key, "" if value is None else text_hash(value))
        self._note_import(VARIABLE + key, frame)

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

    def _note_import(self, name: str, frame: FrameType | None) -> None:
        while frame is not None and not frame.f_code.co_filename.startswith(_PACKAGE):
            code = frame.f_code
            if code.co_name == "<module>" and file_name(code.co_filename, self._root) is not None:
                self._imported.add(name)
                return
            frame = frame.f_back

    def _mark(self, name: str) -> tuple[int, ...]:
        try:
            return mark(os.stat(os.path.join(self._root, *name.split("/"))))
        except OSError:
            return ()

    def _file_state(self, name: str) -> str:
        """Return a file's hash; where it changed since it was read, what no file has."""
        before = self._files[name]
        state = state_of(name, self._root)
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
    if not _listening or event not in ("open", "os.listdir", "os.scandir", "sqlite3.connect"):
        return
    observer = _listening[-1]
    with observer.quiet() as outermost:
        if not outermost:
            return
        if event == "open":
            observer.opened(arguments[0], arguments[2], sys._getframe(1))  # noqa: SLF001  # the one that opens
        elif event == "sqlite3.connect":
            observer.opened(arguments[0], 0, sys._getframe(1))  # noqa: SLF001
        else:
            observer.listed(arguments[0], sys._getframe(1))  # noqa: SLF001


def _hook_environment() -> None:
    kind: Any = type(os.environ)
    get: Callable[[Any, Any], str] = kind.__getitem__
    every: Callable[[Any], Iterator[str]] = kind.__iter__

    def __getitem__(self: Any, key: Any) -> str:  # noqa: N807  # it stands in for that method
        try:
            value = get(self, key)
        except KeyError:
            _asked(key, None)
            raise
        _asked(key, value)
        return value

    def __iter__(self: Any) -> Iterator[str]:  # noqa: N807  # it stands in for that method
        if _listening:
            _listening[-1].copied(sys._getframe(1))  # noqa: SLF001
        return every(self)

    kind.__getitem__ = __getitem__
    kind.__iter__ = __iter__


def _asked(key: object, value: str | None) -> None:
    if _listening:
        _listening[-1].asked(key, value, sys._getframe(2))  # noqa: SLF001
