"""What only the C library can do, where it is there and can be called."""

from __future__ import annotations

import signal
import sys
from functools import lru_cache
from typing import Any

_PUNCH_HOLE_KEEP_SIZE = 3
_PR_SET_PDEATHSIG = 1
_LINE_BUFFERED = {"linux": 1, "darwin": 1}


@lru_cache(maxsize=1)
def _c_library() -> Any:
    try:
        import ctypes

        return ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    except (ImportError, OSError):
        return None


def flush_c() -> None:
    """Write out what C code has printed and the C library still keeps."""
    library = _c_library()
    if library is not None:
        library.fflush(None)


def buffer_c_by_line() -> None:
    """Have what C code prints appear line by line, as on a terminal."""
    library = _c_library()
    mode = _LINE_BUFFERED.get(sys.platform)
    if library is None or mode is None:
        return
    import ctypes

    try:
        stdout = ctypes.c_void_p.in_dll(library, "__stdoutp" if sys.platform == "darwin" else "stdout")
        library.setvbuf(stdout, None, mode, ctypes.c_size_t(0))
    except (ValueError, AttributeError):
        return


def give_back(descriptor: int, count: int) -> None:
    """Give the first ``count`` bytes of a file back to the disk; the rest stays where it is."""
    library = _c_library()
    if library is None or sys.platform != "linux":
        return
    import ctypes

    library.fallocate(descriptor, _PUNCH_HOLE_KEEP_SIZE, ctypes.c_longlong(0), ctypes.c_longlong(count))


def die_with_parent() -> None:
    """Have Linux kill this process when the thread that started it ends, even while it holds the interpreter's lock."""
    library = _c_library()
    if library is not None and sys.platform == "linux":
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
