"""The end of what a killed process left: a small process that waits for it and kills the groups it was told of."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading

# It knows nothing but this text. Its input ends when the process that started it does, however that comes about.
_PROGRAM = """
import os, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, 9)
    except OSError:
        pass
"""


class Guard:
    """Kills process groups when this process is gone. On Windows it guards nothing: there a worker sees it itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        if sys.platform == "win32":
            return
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def add(self, group: int) -> None:
        """Guard a group."""
        self._say(f"+{group}")

    def remove(self, group: int) -> None:
        """Guard it no more: it has ended."""
        self._say(f"-{group}")

    def close(self) -> None:
        """Let the guard go, which kills what it still guards."""
        with self._lock, contextlib.suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
                self._process.wait()
                self._process = None

    def _say(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
