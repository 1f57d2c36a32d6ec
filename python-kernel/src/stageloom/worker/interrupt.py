"""Interrupting user code in the main thread, and nothing but user code."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from stageloom.rpc.request import Call


class Interrupter:
    """Raises KeyboardInterrupt in the main thread while user code runs there. Made in the main thread."""

    def __init__(self) -> None:
        self._main = threading.get_ident()
        self._lock = threading.Lock()
        self._running: Call | None = None
        self._armed = False
        self._arm()

    def _arm(self) -> None:
        signal.signal(signal.SIGINT, self._raise)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._armed:
            raise KeyboardInterrupt

    def interrupt(self, call: Call) -> None:
        """Interrupt the job of ``call``, if it is that which runs now; from any thread, any number of times."""
        with self._lock:
            if self._running is not call:
                return
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(self._main, signal.SIGINT)  # wakes a call that waits, too
            else:
                _thread.interrupt_main()

    @contextmanager
    def running(self, call: Call) -> Iterator[None]:
        """Let ``call`` interrupt what runs inside the block."""
        self._arm()  # user code may have put its own handler there
        with self._lock:
            self._running = call
        call.on_cancel(self._cancel(call))
        self._armed = True
        try:
            call.check()
            yield
        finally:
            self._armed = False
            with self._lock:
                self._running = None

    def _cancel(self, call: Call) -> Callable[[], None]:
        return lambda: self.interrupt(call)
