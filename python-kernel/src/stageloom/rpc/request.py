"""The two ends of one request: the caller's, which waits for the answer, and the handler's, which may be cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from stageloom.rpc.errors import RequestCancelledError


class Request:
    """A request that was sent."""

    def __init__(self, method: str, cancel: Callable[[], None]) -> None:
        self.method = method
        self._cancel = cancel
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Request], None]] = []
        self._value: Any = None
        self._error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether the answer is here."""
        return self._done.is_set()

    def result(self, timeout: float | None = None) -> Any:
        """Return the answer, waiting for it.

        Raises:
            RpcError: what the other end answered, RequestCancelledError and ConnectionClosedError among it.
            WireError: the answer does not agree with its type.
            TimeoutError: no answer within ``timeout`` seconds; the request goes on.
        """
        if not self._done.wait(timeout):
            raise TimeoutError(f"no answer to {self.method} within {timeout} s")
        if self._error is not None:
            raise self._error
        return self._value

    @property
    def error(self) -> BaseException | None:
        """What :meth:`result` raises, once done."""
        return self._error

    def cancel(self) -> None:
        """Ask the other end to stop, any number of times; it answers with an error, or with a result after all."""
        if not self.done:
            self._cancel()

    def when_done(self, callback: Callable[[Request], None]) -> None:
        """Call ``callback`` with this request once it is done (on the reader thread), or now."""
        with self._lock:
            if not self.done:
                self._callbacks.append(callback)
                return
        callback(self)

    def settle(self, value: Any, error: BaseException | None) -> None:
        """Take the answer; the first one counts."""
        with self._lock:
            if self.done:
                return
            self._value, self._error = value, error
            self._done.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)


class Call:
    """A request or notification that was received, as its handler sees it."""

    def __init__(self, method: str, identity: int | str | None) -> None:
        self.method = method
        self.id = identity
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether the caller asked to stop."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise RequestCancelledError if the caller asked to stop."""
        if self.cancelled:
            raise RequestCancelledError

    def wait_cancelled(self, timeout: float | None = None) -> bool:
        """Wait until the caller asks to stop; return whether it did."""
        return self._cancelled.wait(timeout)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` on the reader thread each time the caller asks to stop, and now if it already did."""
        with self._lock:
            self._callbacks.append(callback)
            late = self.cancelled
        if late:
            callback()

    def cancel(self) -> None:
        """Tell the handler that the caller asks to stop."""
        with self._lock:
            self._cancelled.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()
