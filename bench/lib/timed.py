"""Runs a command to its end: ``timed.py <limit in s> <command> …`` prints its times and its last words, as JSON.

A runner of its own, because Node cannot tell the processor time of a child that has ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

limit, command = float(sys.argv[1]), sys.argv[2:]
with tempfile.TemporaryFile() as printed:
    started = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT)
    late = threading.Event()

    def end() -> None:
        """End a child that takes too long."""
        late.set()
        child.kill()

    def follow(number: int, frame: object) -> None:
        """Take the child along."""
        del frame
        child.kill()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, follow)
    timer = threading.Timer(limit, end)
    timer.start()
    cpu: float | None = None
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(child.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        child.returncode = code
        cpu = (usage.ru_utime + usage.ru_stime) * 1000
    else:
        code = child.wait()
    wall = (time.perf_counter() - started) * 1000
    timer.cancel()
    size = printed.seek(0, os.SEEK_END)
    printed.seek(max(0, size - 2000))
    tail = printed.read().decode("utf-8", "replace")
sys.stdout.write(json.dumps({"code": code, "late": late.is_set(), "wall": wall, "cpu": cpu, "tail": tail}))
