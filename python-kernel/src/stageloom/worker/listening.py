"""Hearing of what this process reads: by Python's audit events, and by standing in for some functions of ``os``."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from stageloom.worker import children
from stageloom.worker.asking import passes_on
from stageloom.worker.observed import Observer

#: Events that change what is in a folder, with paths among their first two arguments.
_MAKES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"})
_STARTS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.system", "os.fork"})
_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "sqlite3.connect", *_MAKES, *_STARTS})

#: Who listens. A process has one table of hooks, which can't be taken away again, and runs one stage at a time.
_listening: list[Observer] = []
_hooked: list[bool] = []
_watched: list[tuple[Any, str, Any, Any]] = []
_lock = threading.Lock()


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Have ``observer`` hear of what this process reads within the block."""
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_audit)
        _hook_environment()
    with _lock:
        if not _listening:
            _watch()
        _listening.append(observer)
    try:
        yield
    finally:
        with _lock:
            _listening.remove(observer)
            if not _listening:
                _unwatch()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listening or event not in _EVENTS:
        return
    observer, frame = _listening[-1], sys._getframe(1)  # noqa: SLF001  # the one that opens
    if event == "open":
        observer.hear(observer.opened, arguments[0], arguments[2], frame)
    elif event == "sqlite3.connect":
        observer.hear(observer.opened, _database(arguments[0]), 0, frame)
    elif event in _MAKES:
        observer.hear(observer.made, arguments[:2])
    elif event in _STARTS:
        observer.hear(_starts, observer, event, arguments, frame)
    else:
        observer.hear(observer.listed, arguments[0], frame)


def _starts(observer: Observer, event: str, arguments: tuple[Any, ...], frame: Any) -> None:
    if event == "subprocess.Popen":
        paths = children.named(arguments[0], arguments[1], arguments[2])
    elif event == "os.posix_spawn":
        paths = children.named(arguments[0], arguments[1], None)
    else:
        paths = children.commanded(arguments[0]) if event == "os.system" else []
    observer.starts(paths, frame)


def _database(name: object) -> object:
    """Return the path of a database, which may be told as an address."""
    if isinstance(name, str) and name.startswith("file:"):
        return name[len("file:") :].partition("?")[0]
    return name


# --- functions of os -------------------------------------------------------------------------------------------------


def _watch() -> None:
    for name in ("stat", "lstat", "access"):
        _stand_in(os, name, _looking(getattr(os, name)))
    _stand_in(os, "fspath", _handling(os.fspath))
    _stand_in(os.path, "expanduser", _handling(os.path.expanduser))
    pathlib: Any = sys.modules.get("pathlib")
    accessor = getattr(pathlib, "_NormalAccessor", None)  # Python 3.10 looks the functions up once
    if accessor is not None:
        for name in ("stat", "lstat"):
            if hasattr(accessor, name):
                _stand_in(accessor, name, staticmethod(getattr(os, name)))


def _stand_in(place: Any, name: str, function: Any) -> None:
    before = vars(place)[name]
    for known in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if before in known:
            known.add(function)  # what it stands in for can, too
    setattr(place, name, function)
    _watched.append((place, name, before, function))


def _unwatch() -> None:
    while _watched:
        place, name, before, function = _watched.pop()
        if vars(place).get(name) is function:  # else somebody else has put something there
            setattr(place, name, before)


def _looking(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def look(path: Any, *rest: Any, **named: Any) -> Any:
        if _listening and not isinstance(path, int) and named.get("dir_fd") is None:
            observer = _listening[-1]
            observer.hear(observer.looked_at, path, sys._getframe(1))  # noqa: SLF001
        return original(path, *rest, **named)

    return look


def _handling(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def handle(path: Any) -> Any:
        if _listening:
            frame = sys._getframe(1)  # noqa: SLF001
            if not passes_on(frame.f_code.co_filename):
                observer = _listening[-1]
                observer.hear(observer.handles, path, frame)
        return original(path)

    return handle


# --- the environment -------------------------------------------------------------------------------------------------


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
