"""What a stage may take: its time, and how often it is tried."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from stageloom.model.classes import replace
from stageloom.rpc.messages import Failure

#: What another try may mend; a missing package, a changed file or a full disk it doesn't.
_WORTH = frozenset({"exception", "missing-output", "unstorable", "killed", "crashed", "timeout"})
#: How long after the first alarm the next one follows, where code has caught that.
_AGAIN = 1.0


def worth_another(failure: Failure, tries: int, retries: int) -> bool:
    """Return whether a job that was tried so often and failed so is to be tried again."""
    return tries <= retries and failure.kind in _WORTH


def overdue(name: str, seconds: float) -> Failure:
    """Return the failure of a stage that took longer than it may."""
    advice = "Give it more time with timeout= of its @stage, or less to do."
    return Failure("timeout", f"{name} ran longer than the {seconds:g} s that it may", advice)


def after_tries(failure: Failure, tries: int) -> Failure:
    """Return the failure of the last of several tries, which says so."""
    if tries == 1:
        return failure
    told = f"It was tried {tries} times: the log has each."
    return replace(failure, advice=f"{failure.advice} {told}".strip())


class Clock:
    """Calls ``late`` when a job has run for ``seconds``; None is for ever."""

    def __init__(self, seconds: float | None, late: Callable[[], None]) -> None:
        self._seconds = seconds
        self._late = late
        self._timer: threading.Timer | None = None
        self._counts = False
        self.rang = False

    def start(self) -> None:
        """Count from now."""
        self.stop()
        if self._seconds is not None:
            self._counts = True
            self._timer = threading.Timer(self._seconds, self._ring)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """Count no more; from any thread."""
        self._counts = False
        timer = self._timer
        if timer is not None:
            timer.cancel()

    def _ring(self) -> None:
        if self._counts:
            self.rang = True
            self._late()

    def obstacle(self) -> str:
        """Return why :meth:`interrupting` could not hold here, empty where it can or there is no limit."""
        if self._seconds is None:
            return ""
        if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
            return "only the main thread can be interrupted, on a system with alarms"
        if signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, signal.SIG_IGN):
            return "the process uses its alarm for something else"
        return ""

    @contextmanager
    def interrupting(self, *, hold: bool) -> Iterator[None]:
        """Interrupt this thread, within the block, when the time is over and the clock wasn't stopped."""
        if self._seconds is None or not hold:
            yield
            return

        def ring(number: int, frame: FrameType | None) -> None:
            del number, frame
            if self._counts:
                self.rang = True
                raise KeyboardInterrupt

        self._counts = True
        earlier = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, self._seconds, _AGAIN)
        try:
            yield
        finally:
            self._counts = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, earlier)
