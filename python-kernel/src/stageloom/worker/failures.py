"""Why a job did not end well: told from what was raised, and where, with what to do about it."""

from __future__ import annotations

import errno
import linecache
import os
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Literal

from stageloom.artifacts.errors import MissingFileError, UnloadableError, UnstorableError
from stageloom.derivations.build import MissingOutputError
from stageloom.derivations.execute import ChangedError as ChangedDerivationError
from stageloom.functions.execute import ChangedError
from stageloom.functions.inputs import NoInputError
from stageloom.functions.unchanged import ChangedInputError
from stageloom.model.values import NotSerialisableError
from stageloom.rpc.messages import Failure, Frame
from stageloom.store.errors import BadNameError, StoreError
from stageloom.tracking.blobs import MissingBlobError
from stageloom.tracking.fingerprint import UnknownCodeError
from stageloom.worker.packages import distribution_of, install_advice, install_command, is_absent

Kind = Literal[
    "missing-output", "unstorable", "damaged", "code-changed", "unserialisable", "store", "exception", "disk-full"
]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_KNOWN: tuple[tuple[tuple[type[BaseException], ...], Kind, str], ...] = (
    ((MissingFileError,), "missing-output", ""),
    ((MissingOutputError,), "missing-output", "Write the file, or take the promise out of the configuration."),
    ((UnstorableError, BadNameError), "unstorable", ""),
    ((UnloadableError,), "damaged", ""),
    ((ChangedError, ChangedDerivationError, UnknownCodeError), "code-changed", "Realize again."),
    ((ChangedInputError,), "code-changed", "Realize again, once nothing writes to it."),
    ((NotSerialisableError,), "unserialisable", "Use numbers, text, or lists and dicts of them as parameters."),
    ((MissingBlobError,), "store", "Realize again; if that doesn't help, verify the store."),
    ((NoInputError,), "exception", "Put the file there, or change the path in the stage's parameters."),
)
_IMPORT_ADVICE = "A file of stages must import: correct it, or move what fails into the stages that need it."

_RING_ADVICE = "These files import each other. Move what both need into a third file, which both import."
_KEYBOARD_ADVICE = "Nobody is there to answer. Make what you would type a parameter of the stage."


class JobError(Exception):
    """Something that the worker itself found wrong, with its failure made."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


def failure_of(error: BaseException, root: str, *, importing: bool = False) -> Failure:
    """Return what ``error`` means; ``importing`` says that it was raised while the project's files were imported."""
    if isinstance(error, JobError):
        return error.failure
    frames = tuple(_frames(error.__traceback__, root))
    name = type(error).__qualname__
    detail = _detail(error)
    if isinstance(error, KeyboardInterrupt):
        return Failure("cancelled", "cancelled", "", name, frames, detail)
    missing = _missing_module(error)
    if missing is not None:
        return _missing_package(missing, error, frames, detail)
    known = _known(error)
    if known is not None:
        kind, advice = known
        # without a line of the user's, the traceback tells nothing that the message does not
        # the text of some holds their advice, too
        message = error.message if isinstance(error, StoreError) else str(error)
        return Failure(kind, message or name, advice, name, frames, detail if frames else "")
    if isinstance(error, SystemExit):
        message = f"The stage ended with exit({error.code!r}), which ends a program, not a stage"
        return Failure("exception", message, "Return from the function, or raise an error.", name, frames, detail)
    if isinstance(error, MemoryError):
        advice = "Work on smaller parts, or give the pool more memory."
        return Failure("exception", _line(error), advice, name, frames, detail)
    if importing:
        advice = _RING_ADVICE if _is_ring(error, frames) else _KEYBOARD_ADVICE if _asked(error) else _IMPORT_ADVICE
        return Failure("import-failed", _line(error), advice, name, frames, detail)
    return Failure("exception", _line(error), _KEYBOARD_ADVICE if _asked(error) else "", name, frames, detail)


def _asked(error: BaseException) -> bool:
    """Return whether ``input()`` found nobody to ask. What a worker has for a keyboard says so itself."""
    return isinstance(error, EOFError) and error.args == ("EOF when reading a line",)


def _is_ring(error: BaseException, frames: Sequence[Frame]) -> bool:
    """Return whether files import each other: one took a name of another, which was itself being imported."""
    if isinstance(error, ImportError):
        half = error.path
    else:
        module = error.obj if isinstance(error, AttributeError) else None
        half = getattr(module, "__file__", None) if isinstance(module, ModuleType) else None
    return half is not None and any(frame.path == half for frame in frames[:-1])


def _known(error: BaseException) -> tuple[Kind, str] | None:
    """Return kind and advice for what this package itself raises, and for what the system says unmistakably."""
    for types, kind, advice in _KNOWN:
        if isinstance(error, types):
            return kind, getattr(error, "advice", "") or advice
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return "disk-full", "Free some space, or move the store to another disk, and realize again."
    return None


def _missing_package(missing: str, error: BaseException, frames: tuple[Frame, ...], detail: str) -> Failure:
    package = distribution_of(missing)
    return Failure(
        "missing-package",
        f"The package {package} is not installed: no module named {missing!r}",
        install_advice(package),
        type(error).__qualname__,
        frames,
        detail,
        package,
        install_command(package),
    )


def _missing_module(error: BaseException | None) -> str | None:
    """Return the module that is missing as a whole, if that is what it is about."""
    if isinstance(error, UnloadableError):
        error = error.__cause__
    if isinstance(error, ModuleNotFoundError) and error.name and is_absent(error.name):
        return error.name
    return None


def _line(error: BaseException) -> str:
    lines = traceback.format_exception_only(error)
    return lines[-1].strip() if lines else type(error).__qualname__


def _detail(error: BaseException) -> str:
    """Return the traceback, without this package's own frames above the user's."""
    told = traceback.TracebackException.from_exception(error)
    pending = [told]
    while pending:
        one = pending.pop()
        own = [frame for frame in one.stack if not _is_ours(frame.filename)]
        if own:
            one.stack = traceback.StackSummary.from_list(own)
        pending += [inner for inner in (one.__cause__, one.__context__) if inner is not None]
    return "".join(told.format())


def _is_ours(path: str) -> bool:
    return path.startswith((_PACKAGE, "<frozen importlib"))


def _frames(trace: TracebackType | None, root: str) -> Iterator[Frame]:
    for frame, line in traceback.walk_tb(trace):
        path = frame.f_code.co_filename
        if _is_ours(path):
            continue
        name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
        text = linecache.getline(path, line, frame.f_globals).strip()
        yield Frame(path, max(0, line - 1), name, text, _is_users(path, root))


def _is_users(path: str, root: str) -> bool:
    try:
        inside = Path(path).relative_to(root).parts
    except ValueError:
        return False
    return not any(part in ("site-packages", "dist-packages") or part.startswith(".") for part in inside)
