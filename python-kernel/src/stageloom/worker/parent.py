"""Nothing outlives the host: what a worker does when the process that started it is gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

from stageloom.worker.native import die_with_parent

_LOOK = 0.5


def watch_parent(gone: Callable[[], None], parent: int = 0, *, signal_too: bool = True) -> None:
    """Call ``gone`` in a thread when the parent ends; with ``signal_too`` have Linux kill this process as well.

    ``parent`` is the process that should be it; 0 for whichever is now, which misses one that has ended already.
    """
    parent = parent or os.getppid()
    if signal_too:
        die_with_parent()
    if os.getppid() != parent:
        gone()
    threading.Thread(target=_watch, args=(parent, gone), name="stageloom-parent", daemon=True).start()


def _watch(parent: int, gone: Callable[[], None]) -> None:
    if os.name == "nt":
        return  # there the closed connection tells
    if hasattr(os, "pidfd_open"):
        import select

        try:
            descriptor = os.pidfd_open(parent)
        except OSError:
            pass
        else:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll()
            gone()
    while os.getppid() == parent:
        time.sleep(_LOOK)
    gone()


def end_group(sent: int) -> None:
    """Send a signal to the processes that user code started, this one among them, if this one leads their group."""
    if os.name != "nt" and os.getpgrp() == os.getpid():
        try:
            os.killpg(0, sent)
        except OSError:
            return


def end_now() -> None:
    """End this process and what user code started, at once."""
    if os.name != "nt":
        end_group(signal.SIGKILL)
    os._exit(1)
