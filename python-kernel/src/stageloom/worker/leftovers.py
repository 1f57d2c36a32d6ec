"""What a stage leaves behind that may still write into its folder, once it has returned."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator

from stageloom.rpc.messages import Failure
from stageloom.worker.failures import JobError

_ADVICE = "Close it before the stage returns: with open(…) as file, or wait for what writes it."


def check_closed(folder: str, *, children: bool) -> None:
    """Raise JobError where a file below ``folder`` is open for writing in this process, or in one that it started.

    What of it isn't written yet would be missing, and what is written later would not be what was kept. ``children``
    says whether there may be some. Where the system can't tell, nothing is raised.
    """
    for name in _open_below(folder, "self"):
        raise JobError(Failure("unstorable", f"{name} is still open for writing", _ADVICE))
    for pid in _descendants() if children else ():
        for name in _open_below(folder, pid):
            message = f"{name} is still open for writing in process {pid}, which the stage started"
            raise JobError(Failure("unstorable", message, _ADVICE))


def threads_left(before: Iterable[threading.Thread], files: Iterable[str]) -> list[threading.Thread]:
    """Return the threads that have begun since ``before``, run on, and run code of ``files``."""
    known, own = set(before), set(files)
    found = list[threading.Thread]()
    for thread in threading.enumerate():
        target = getattr(thread, "_target", None) or type(thread).run
        code = getattr(getattr(target, "__func__", target), "__code__", None)
        if thread not in known and code is not None and code.co_filename in own:
            found.append(thread)
    return found


def _open_below(folder: str, process: str) -> Iterator[str]:
    above = os.path.realpath(folder) + os.sep
    place = f"/proc/{process}/fd"
    with contextlib.suppress(OSError):
        for number in os.listdir(place):
            with contextlib.suppress(OSError):
                path = os.readlink(f"{place}/{number}")
                if path.startswith(above) and os.path.isfile(path) and _writes(process, number):
                    yield path[len(above) :].replace(os.sep, "/")


def _writes(process: str, number: str) -> bool:
    with open(f"/proc/{process}/fdinfo/{number}", encoding="ascii", errors="replace") as file:
        flags = next((int(line.split()[1], 8) for line in file if line.startswith("flags:")), 0)
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


def _descendants() -> list[str]:
    pending, found = ["self"], list[str]()
    while pending:
        process = pending.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{process}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{process}/task/{task}/children", "rb") as file:
                    pids = file.read().decode("ascii").split()
                found += pids
                pending += pids
    return found
