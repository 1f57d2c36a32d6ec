"""Forks for tests."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable


def fork(work: Callable[[], int | None]) -> int:
    """Do ``work`` in a child and return its pid; it ends with what ``work`` returns, or 99 after an exception.

    A child that came back from a test would run the rest of them, and speak in its parent's name.
    """
    child = os.fork()
    if child:
        return child
    code = 99
    try:
        code = work() or 0
    except BaseException:  # noqa: BLE001  # whatever it is, it ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(child: int) -> int:
    """Return how that child ended, as ``subprocess`` says it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
