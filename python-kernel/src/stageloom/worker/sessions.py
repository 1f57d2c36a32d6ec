"""Sessions: an object of the entry module that lives in a worker of its own, and can be kept in a file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from stageloom.rpc.messages import CallFailed, CallOutcome, CallParams, CheckpointParams, Failure, SessionParams
from stageloom.rpc.request import Call
from stageloom.worker.calls import Calls, named


class Sessions:
    """Serves the one session of this worker. A later one, of a higher fence, takes its place."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._object: Any = None
        self._fence = 0

    def init(self, params: SessionParams, call: Call) -> CallOutcome:
        """Make the session's object, anew or from a checkpoint."""
        if params.fence <= self._fence:
            return _lost(params.fence)
        kinds = classes_of(self._calls.entry)
        kind = kinds.get(params.kind)
        if kind is None:
            return CallFailed(named(f"{self._calls.entry_name} has no class {params.kind}.", kinds, "classes"))
        arguments = self._calls.arguments_of(params.kind, params.arguments)
        if isinstance(arguments, CallFailed):
            return arguments
        positional, keywords = arguments

        def make() -> None:
            made = _load(kind, params.checkpoint) if params.checkpoint else kind(*positional, **keywords)
            self._object, self._fence = made, params.fence

        return self._calls.within(params.call, call, make)

    def call(self, params: CallParams, call: Call) -> CallOutcome:
        """Call a method of the session's object."""
        work = self.find(params)
        return work if isinstance(work, CallFailed) else self._calls.within(params.call, call, work)

    def find(self, params: CallParams) -> Callable[[], object] | CallFailed:
        """Return the method with its arguments, or why it cannot be called."""
        if params.fence != self._fence:
            return _lost(params.fence)
        method = None if params.operation.startswith("_") else getattr(self._object, params.operation, None)
        if not callable(method):
            message = f"The session has no method {params.operation}."
            return CallFailed(named(message, _methods(self._object), "methods"))
        arguments = self._calls.arguments_of(params.operation, params.arguments)
        if isinstance(arguments, CallFailed):
            return arguments
        positional, keywords = arguments
        return lambda: method(*positional, **keywords)

    def checkpoint(self, params: CheckpointParams, call: Call) -> CallOutcome:
        """Keep the session's object in a file."""
        if params.fence != self._fence:
            return _lost(params.fence)
        return self._calls.within(params.call, call, lambda: _save(self._object, params.path))


def classes_of(module: ModuleType | None) -> Mapping[str, type]:
    """Return what sessions may be made of: what ``__all__`` names, else the public classes that the module defines."""
    if module is None:
        return {}
    names = getattr(module, "__all__", None)
    found = {name: getattr(module, name, None) for name in (vars(module) if names is None else names)}
    return {
        name: one
        for name, one in found.items()
        if isinstance(one, type) and (names is not None or (name[0] != "_" and one.__module__ == module.__name__))
    }


def _methods(instance: object) -> Mapping[str, object]:
    return {name: None for name in dir(instance) if not name.startswith("_") and callable(getattr(instance, name))}


def _save(instance: Any, path: str) -> None:
    """Write aside, flush and rename: whoever looks sees the checkpoint before, or this one."""
    aside = f"{path}.{os.getpid()}.new"
    try:
        if hasattr(instance, "checkpoint"):
            instance.checkpoint(aside)
        else:
            import pickle

            with open(aside, "wb") as file:
                pickle.dump(instance, file, protocol=pickle.HIGHEST_PROTOCOL)
        _flush(aside, os.O_RDWR)
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
    if os.name != "nt":
        _flush(os.path.dirname(path) or ".", os.O_RDONLY)
        _sweep(path)


def _sweep(path: str) -> None:
    """Remove what workers that were killed over a checkpoint of this name have left beside it."""
    import glob

    for left in glob.glob(f"{glob.escape(path)}.*.new"):
        pid = left[len(path) + 1 : -len(".new")]
        try:
            if pid.isdigit():
                os.kill(int(pid), 0)
        except ProcessLookupError:
            with contextlib.suppress(OSError):
                os.unlink(left)
        except OSError:
            continue


def _flush(path: str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _load(kind: type, path: str) -> object:
    restore = getattr(kind, "restore", None)
    if restore is not None:
        made = restore(path)
    else:
        import pickle

        with open(path, "rb") as file:
            made = pickle.load(file)  # noqa: S301  # what a session of the user's own code wrote
    if not isinstance(made, kind):
        raise TypeError(f"{path} holds a {type(made).__name__}, not a {kind.__name__}")
    return made


def _lost(fence: int) -> CallFailed:
    message = f"The session (fence {fence}) is not the one of this worker any more."
    return CallFailed(Failure("lost-session", message, "Restore it from its checkpoint, or open it anew."))
