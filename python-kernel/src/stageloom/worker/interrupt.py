"""Interrupting user code in the main thread, and nothing but user code."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from stageloom.rpc.request import Call

_AGAIN = 0.05


class Interrupter:
    """Raises KeyboardInterrupt in the main thread while user code runs there. Made in the main thread.

    A signal that comes just before the thread blocks in C is noted and not acted on until it wakes: so each is sent
    again until Python code has seen it.
    """

    def __init__(self) -> None:
        self._main = threading.get_ident()
        self._lock = threading.Lock()
        self._running: Call | None = None
        self._armed = False
        self._asked = self._heard = 0
        self._repeating = False
        self._arm()

    def _arm(self) -> None:
        signal.signal(signal.SIGINT, self._raise)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        # one that was sent again although the first was heard must not disturb what user code does about that;
        # where nothing was asked, user code sends itself a signal
        if self._armed and (self._heard != self._asked or not self._asked):
            self._heard = self._asked
            raise KeyboardInterrupt

    def interrupt(self, call: Call) -> None:
        """Interrupt the job of ``call``, if it is that which runs now; from any thread, any number of times."""
        with self._lock:
            if self._running is not call:
                return
            self._asked += 1
            self._send()
            if self._repeating:
                return
            self._repeating = True
        threading.Thread(target=self._repeat, name="stageloom-interrupt", daemon=True).start()

    def _send(self) -> None:
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self._main, signal.SIGINT)  # wakes a call that waits, too
        else:
            _thread.interrupt_main()

    def _repeat(self) -> None:
        while True:
            time.sleep(_AGAIN)
            with self._lock:
                if self._running is None or self._heard == self._asked:
                    self._repeating = False
                    return
                self._send()

    @contextmanager
    def running(self, call: Call) -> Iterator[None]:
        """Let ``call`` interrupt what runs inside the block. :meth:`rest` is to be called after it."""
        self._arm()  # user code may have put its own handler there
        with self._lock:
            self._running = call
            self._asked = self._heard = 0
        call.on_cancel(self._cancel(call))
        self._armed = True
        try:
            call.check()
            yield
        finally:
            self.rest()

    def rest(self) -> None:
        """Interrupt nothing from now on; called again outside the block, because an interrupt may have cut it short."""
        self._armed = False
        with self._lock:
            self._running = None

    def _cancel(self, call: Call) -> Callable[[], None]:
        return lambda: self.interrupt(call)
