"""What Python code wants to know of a file, and whose code that is, by the frames that lead to the asking."""

from __future__ import annotations

import genericpath
import ntpath
import os
import posixpath
from types import FrameType

from stageloom.tracking.reads import SIZE, THERE, TIME

_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_INSTALLED = ("site-packages" + os.sep, "dist-packages" + os.sep)

#: Code that only passes a path on.
_PATHS = frozenset(
    {genericpath.__file__, posixpath.__file__, ntpath.__file__, os.__file__}
    | {f"<frozen {name}>" for name in ("genericpath", "posixpath", "ntpath", "os")}
)
_PATHLIB = _STANDARD + "pathlib"

_QUESTIONS = {
    **dict.fromkeys(
        (
            "exists", "lexists", "isfile", "isdir", "islink", "isjunction", "is_file", "is_dir", "is_symlink",
            "is_mount", "is_socket", "is_fifo", "is_block_device", "is_char_device", "ismount",
        ),
        THERE,
    ),
    "getsize": SIZE,
    **dict.fromkeys(("getmtime", "getctime", "getatime"), TIME),
}  # fmt: skip
#: These ask for the sake of a name, not of what it stands for.
_OF_NAMES = frozenset({"realpath", "_joinrealpath", "resolve", "samefile", "makedirs"})


def passes_on(filename: str) -> bool:
    """Return whether code of that file asks for others: that of ``os.path`` and ``pathlib``."""
    return filename in _PATHS or filename.startswith(_PATHLIB)


def question(frame: FrameType | None) -> tuple[str, FrameType | None]:
    """Return what is asked by ``frame``, which calls ``os.stat``, and on whose behalf.

    ``SIZE``, ``THERE`` or ``TIME``; empty where it can't be told from the names of functions, or is of no matter.
    """
    found = ""
    while frame is not None and passes_on(frame.f_code.co_filename):
        name = frame.f_code.co_name
        if name in _OF_NAMES:
            return "", None
        found = _QUESTIONS.get(name, found)
        frame = frame.f_back
    return found, frame


def is_librarys(filename: str) -> bool:
    """Return whether a file, which is none of the project's, is one of a library that doesn't come with Python."""
    if filename.startswith("<"):
        return False
    return not filename.startswith(_STANDARD) or any(one in filename for one in _INSTALLED)
