"""What is kept beside a realization and never in its tree: log, curve, code, times, machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal

from stageloom.engine.language import JobListener
from stageloom.model.values import Json
from stageloom.rpc.messages import Point

_LOG = "log.txt"
_CURVE = "curve.jsonl"
_STAGE = "stage.json"
_CHECK = "check"
#: A log longer than this is cut in the file: it keeps its beginning, and what comes after is counted.
LOG_LIMIT = 64 * 1024 * 1024


class Recorder:
    """Writes a stage's log and curve as they come and passes them on. Files appear with the first line."""

    def __init__(self, folder: Path, onwards: JobListener) -> None:
        self._folder = folder
        self._onwards = onwards
        self._lock = threading.Lock()
        self._log: IO[str] | None = None
        self._curve: IO[str] | None = None
        self._written = 0
        self._closed = False

    def changed(self, is_: Literal["waiting", "running"]) -> None:
        """Pass on where the job stands."""
        self._onwards.changed(is_)

    def log(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Keep and pass on what user code printed."""
        with self._lock, contextlib.suppress(OSError):
            if not self._closed and self._written < LOG_LIMIT:
                self._log = self._log or self._open(_LOG)
                self._log.write(text)
                self._written += len(text)
                if self._written >= LOG_LIMIT:
                    self._log.write("\n… the log went on; only its first 64 MB are kept\n")
        self._onwards.log(stream, text)

    def progress(self, points: Sequence[Point], fraction: float | None, message: str) -> None:
        """Keep and pass on what user code reported."""
        with self._lock, contextlib.suppress(OSError):
            if points and not self._closed:
                self._curve = self._curve or self._open(_CURVE)
                for point in points:
                    row = {"step": point.step, "at": round(point.at, 3), "values": dict(point.values)}
                    self._curve.write(json.dumps(row, separators=(",", ":")) + "\n")
        self._onwards.progress(points, fraction, message)

    def close(self) -> None:
        """Flush and close; what comes later is passed on and not kept."""
        with self._lock, contextlib.suppress(OSError):
            self._closed = True
            for file in (self._log, self._curve):
                if file is not None:
                    file.close()

    def _open(self, name: str) -> IO[str]:
        self._folder.mkdir(parents=True, exist_ok=True)
        return (self._folder / name).open("a", encoding="utf-8", errors="replace", newline="")


def keep_try(folder: Path, number: int) -> None:
    """Put the log and curve of a try aside that another one follows."""
    for name in (_LOG, _CURVE):
        with contextlib.suppress(OSError):
            (folder / name).replace(folder / f"{number}.{name}")


def write_stage(folder: Path, facts: Mapping[str, Json]) -> None:
    """Keep what is known of one stage of one run; a full disk loses it, never the run."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        checked = {**facts, _CHECK: _check(facts)}
        (folder / _STAGE).write_text(json.dumps(checked, indent=1), encoding="utf-8")


def _check(facts: Mapping[str, Json]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def machine_facts() -> dict[str, Json]:
    """Return what to keep of where a stage ran, and for whom."""
    import platform

    told = tuple(os.environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME"))
    return {"python": platform.python_version(), "host": platform.node(), "user": _user(told)}


@lru_cache(maxsize=8)
def _user(told: tuple[str | None, ...]) -> str:
    """Return who runs this process, whose environment says ``told``; else the system's list of users is read."""
    import getpass

    del told
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # a user without a name, as in some containers
        return ""


def read_stage(folder: Path) -> Mapping[str, Json]:
    """Return what :func:`write_stage` kept; empty where there is none, or where it is damaged."""
    try:
        facts = json.loads((folder / _STAGE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(facts, dict):
        return {}
    check = facts.pop(_CHECK, None)  # there is none in what was kept before there were any
    return facts if check is None or check == _check(facts) else {}


def read_log(folder: Path, limit: int = 400_000) -> str:
    """Return the end of the log, at most ``limit`` characters, from a line's start; earlier tries come before."""
    earlier = [path for number in range(1, 1000) if (path := folder / f"{number}.{_LOG}").exists()]
    if not earlier:
        return _read_end(folder / _LOG, limit)
    parts = [_read_end(path, limit // (len(earlier) + 1)) for path in [*earlier, folder / _LOG]]
    return "".join(parts)


def _read_end(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return text if size <= limit else "… (earlier lines are in the log file)\n" + text.partition("\n")[2]


def read_curve(folder: Path, limit: int = 100_000) -> list[Point]:
    """Return the points that were reported; where there are more than ``limit``, evenly fewer. A torn end is left."""
    points: list[Point] = []
    try:
        with (folder / _CURVE).open(encoding="utf-8") as file:
            for line in file:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    row = json.loads(line)
                    points.append(Point(float(row["step"]), dict(row["values"]), float(row["at"])))
    except OSError:
        return []
    return points if len(points) <= limit else points[:: len(points) // limit + 1]
