"""``report()``: how far a stage is, and numbers to draw while it runs."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, SupportsFloat, TypeAlias

if TYPE_CHECKING:
    from stageloom.rpc.messages import Point

Send: TypeAlias = "Callable[[Sequence[Point], float | None, str], None]"

#: At most so many messages a second, however often a stage reports.
_RATE = 20
_BATCH = 5_000

_current: Reporter | None = None


def report(
    step: float | None = None, total: float | None = None, message: str | None = None, **values: SupportsFloat
) -> None:
    """Tell how far the stage is, and values to draw: ``report(step=epoch, total=100, loss=loss)``.

    Without ``step`` calls are counted. Values are numbers, those of NumPy and 0-dimensional tensors among them; one
    that is not finite leaves a gap. May be called from any thread and as often as one likes; outside a stage that is
    being realized it does nothing.

    Raises:
        TypeError: for a value that is not a number.
    """
    reporter = _current
    if reporter is not None:
        reporter.add(step, total, message, values)


class Reporter:
    """Collects points and sends them in batches from a thread of its own."""

    def __init__(self, send: Send) -> None:
        from stageloom.rpc.messages import Point  # here, because files of stages import this module for report()

        self._point = Point
        self._send = send
        self._points: deque[Point] = deque()
        self._count = 0
        self._fraction: float | None = None
        self._message = ""
        self._told: tuple[float | None, str] = (None, "")
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(
        self, step: float | None, total: float | None, message: str | None, values: dict[str, SupportsFloat]
    ) -> None:
        """Take one report."""
        self._count += 1
        place = float(self._count if step is None else step)
        numbers = {name: value if type(value) is float else _number(name, value) for name, value in values.items()}
        if not all(map(math.isfinite, numbers.values())):
            numbers = {name: number for name, number in numbers.items() if math.isfinite(number)}
        if not math.isfinite(place):
            raise ValueError(f"step is {place}, which has no place on an axis")
        if total is not None and total > 0:
            self._fraction = min(1.0, max(0.0, place / float(total)))
        if message is not None:
            self._message = str(message)
        if values or step is not None:
            self._points.append(self._point(place, numbers, time.time()))
        if not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stageloom-report", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            self._flush()
            self._closing.wait(1 / _RATE)

    def _flush(self) -> None:
        with self._lock:
            state = (self._fraction, self._message)
            while self._points or state != self._told:
                batch = [self._points.popleft() for _ in range(min(len(self._points), _BATCH))]
                self._told = state
                self._send(batch, *state)

    def close(self) -> None:
        """Send what is left."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._flush()


def silence() -> None:
    """Have :func:`report` do nothing from now on, as in a forked child, where no thread sends."""
    global _current  # noqa: PLW0603  # see reporting()
    _current = None


def _number(name: str, value: SupportsFloat) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r} is not a number: report() draws numbers") from None


@contextmanager
def reporting(send: Send) -> Iterator[None]:
    """Have :func:`report` send to ``send`` until the end of the block."""
    global _current  # noqa: PLW0603  # user code calls a function, so there has to be one place it leads to
    before, reporter = _current, Reporter(send)
    _current = reporter
    try:
        yield
    finally:
        _current = before
        reporter.close()
