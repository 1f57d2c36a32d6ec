"""One end of a JSON-RPC 2.0 connection: requests and notifications both ways, with threads alone.

A reader thread takes messages as they come. A handler runs on it (``inline``, for what is quick), in a thread of its
own (``in_thread``), or wherever a function that takes the task puts it: a worker puts it on its main thread's queue.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO, get_args

from stageloom.model.classes import dataclass
from stageloom.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NOT_INITIALIZED,
    PARSE_ERROR,
    ConnectionClosedError,
    RpcError,
    error_json,
    read_error,
)
from stageloom.rpc.framing import frame, read_frame
from stageloom.rpc.handshake import check_protocol
from stageloom.rpc.messages import METHODS, Method
from stageloom.rpc.mismatch import WireError
from stageloom.rpc.request import Call, Request
from stageloom.rpc.text import dump, parse
from stageloom.rpc.wire import decode, encode

Task = Callable[[], None]
Runner = Callable[[Task], object]
Handler = Callable[[Any, Call], Any]
Log = Callable[[str, str], None]


def inline(task: Task) -> None:
    """Run a handler on the reader thread: nothing else is read meanwhile, so it must be quick and must not ask back."""
    task()


def in_thread(task: Task) -> None:
    """Run a handler in a thread of its own."""
    threading.Thread(target=task, name="stageloom-handler", daemon=True).start()


def no_log(level: str, text: str) -> None:
    """Drop what a connection has to say about itself."""


@dataclass(frozen=True, slots=True)
class _Registered:
    method: Method
    handle: Handler
    run: Runner


class Endpoint:
    """One end of a connection over two binary streams.

    ``log`` gets a level (``debug``, ``info``, ``warning``, ``error``) and a text about messages that are wrong.
    """

    def __init__(
        self,
        reader: BinaryIO,
        writer: BinaryIO,
        *,
        log: Log = no_log,
        methods: tuple[Method, ...] = METHODS,
        name: str = "peer",
    ) -> None:
        self.name = name
        self.ready = True
        self._reader, self._writer, self._log = reader, writer, log
        self._methods = {method.name: method for method in methods}
        self._handlers: dict[str, _Registered] = {}
        self._ids = itertools.count(1)
        self._sent: dict[int, Request] = {}
        self._received: dict[int | str, Call] = {}
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = threading.Event()
        self._on_close: list[Task] = []
        self._thread = threading.Thread(target=self._read, name=f"stageloom-{name}", daemon=True)

    # --- set-up and end ----------------------------------------------------------------------------------------------

    def on(self, method: str, handle: Handler, run: Runner = in_thread) -> None:
        """Answer ``method`` by ``handle(params, call)``; ``run`` says where."""
        self._handlers[method] = _Registered(self._methods[method], handle, run)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def on_close(self, callback: Task) -> None:
        """Call ``callback`` once when the connection has ended, or now if it has."""
        with self._lock:
            if not self._closed.is_set():
                self._on_close.append(callback)
                return
        callback()

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self._closed.is_set()

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait for the end of the connection; return whether it came."""
        return self._closed.wait(timeout)

    def close(self) -> None:
        """End the connection: what waits for an answer gets ConnectionClosedError, handlers are told to stop."""
        self._end(None)
        with self._write_lock, contextlib.suppress(OSError):  # the other end is gone already
            self._writer.close()

    def _end(self, why: str | None) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            sent, self._sent = list(self._sent.values()), {}
            calls = list(self._received.values())
            callbacks, self._on_close = self._on_close, []
        error = ConnectionClosedError(f"the connection to the {self.name} was closed{f': {why}' if why else ''}")
        for request in sent:
            request.settle(None, error)
        for call in calls:
            call.cancel()
        for callback in callbacks:
            callback()

    # --- sending -----------------------------------------------------------------------------------------------------

    def request(self, method: str, params: object, timeout: float | None = None) -> Any:
        """Ask and wait for the answer, as :meth:`Request.result` does; on a time-out the request is cancelled."""
        sent = self.submit(method, params)
        try:
            return sent.result(timeout)
        except (TimeoutError, KeyboardInterrupt):
            sent.cancel()
            raise

    def submit(self, method: str, params: object) -> Request:
        """Ask without waiting."""
        body = self._params(method, params)
        identity = next(self._ids)
        request = Request(method, lambda: self._cancel(identity))
        with self._lock:
            if not self._closed.is_set():
                self._sent[identity] = request
        if self._closed.is_set() or not self._send({"id": identity, "method": method, "params": body}):
            request.settle(None, ConnectionClosedError(f"the connection to the {self.name} was closed"))
        return request

    def _cancel(self, identity: int) -> None:
        self._send({"method": "$/cancelRequest", "params": {"id": identity}})

    def notify(self, method: str, params: object) -> None:
        """Tell; nothing happens where the connection has ended."""
        self._send({"method": method, "params": self._params(method, params)})

    def _params(self, method: str, params: object) -> object:
        expected = self._methods[method].params
        if type(params) is not expected:
            raise TypeError(f"{method} takes {expected.__name__}, not {type(params).__name__}")
        return encode(params)

    def _send(self, message: dict[str, object]) -> bool:
        data = memoryview(frame(dump({"jsonrpc": "2.0", **message})))
        try:
            with self._write_lock:
                while data:  # an unbuffered stream may take a part
                    data = data[self._writer.write(data) or 0 :]
                self._writer.flush()
        except (OSError, ValueError) as error:
            self._end(str(error))
            return False
        return True

    # --- receiving ---------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        why: str | None = None
        try:
            while not self._closed.is_set():
                body = read_frame(self._reader, self._junk)
                if body is None:
                    break
                self._take(body)
        except Exception as error:  # noqa: BLE001  # nobody reads on, so whoever waits must hear of the end
            if not self._closed.is_set():
                why = str(error) or type(error).__name__
                self._log("error", f"{self.name}: {why}")
        self._end(why)

    def _junk(self, junk: bytes) -> None:
        self._log("warning", f"{self.name}: not a message: {junk[:200]!r}")

    def _take(self, body: bytes) -> None:
        try:
            message = parse(body)
        except ValueError as error:
            self._log("error", f"{self.name}: a message that is not JSON: {error}: {body[:200]!r}")
            self._send({"id": None, "error": {"code": PARSE_ERROR, "message": f"not JSON: {error}"}})
            return
        if not isinstance(message, dict):
            self._refuse(None, "?", INVALID_REQUEST, f"expected an object, got {type(message).__name__}")
            return
        identity, method = message.get("id"), message.get("method")
        if method is None and ("result" in message or "error" in message):
            self._take_answer(identity, message)
        elif not isinstance(method, str) or not isinstance(identity, (int, str, type(None))):
            self._refuse(
                None, str(method), INVALID_REQUEST, "a message needs a method, and an id that is a number or text"
            )
        elif method == "$/cancelRequest":
            self._take_cancel(message.get("params"))
        else:
            self._take_call(method, identity, message.get("params"))

    def _take_cancel(self, params: object) -> None:
        identity = params.get("id") if isinstance(params, dict) else None
        with self._lock:
            call = self._received.get(identity) if isinstance(identity, (int, str)) else None
        if call is not None:
            call.cancel()

    def _take_call(self, method: str, identity: int | str | None, params: object) -> None:
        registered = self._handlers.get(method)
        if registered is None:
            if identity is not None or not method.startswith("$/"):
                self._refuse(identity, method, METHOD_NOT_FOUND, f"there is no method {method}")
            return
        try:
            if method == "initialize":
                check_protocol(params, "caller")
            elif not self.ready:
                raise RpcError(NOT_INITIALIZED, f"{method} came before initialize")  # answered below
            decoded: object = decode(registered.method.params, {} if params is None else params)
        except WireError as error:
            self._refuse(identity, method, INVALID_PARAMS, f"{method}: {error}")
            return
        except RpcError as error:
            self._refuse(identity, method, error.code, error.message)
            return
        call = Call(method, identity)
        if identity is not None:
            with self._lock:
                self._received[identity] = call
        registered.run(lambda: self._handle(registered, decoded, call))

    def _handle(self, registered: _Registered, params: object, call: Call) -> None:
        answer: dict[str, object]
        try:
            call.check()
            result = registered.handle(params, call)
            answer = {"result": None if registered.method.result is None else _answer(registered.method, result)}
        except RpcError as error:
            answer = {"error": error_json(error.code, error.message, error.data)}
        except Exception as error:  # noqa: BLE001  # whatever a handler raises is an answer
            text = f"{type(error).__name__}: {error}"
            self._log("error", f"{call.method} failed: {''.join(traceback.format_exception(error)).rstrip()}")
            answer = {"error": error_json(INTERNAL_ERROR, f"{call.method} failed: {text}", None)}
        if call.id is not None:
            with self._lock:
                self._received.pop(call.id, None)
            self._send({"id": call.id, **answer})

    def _take_answer(self, identity: object, message: dict[str, Any]) -> None:
        with self._lock:
            request = self._sent.pop(identity, None) if isinstance(identity, int) else None
        if request is None:
            self._log("warning", f"{self.name}: an answer to {identity!r}, which was not asked: {str(message)[:300]}")
            return
        try:
            if "error" in message:
                request.settle(None, read_error(message["error"]))
                return
            if request.method == "initialize":
                check_protocol(message["result"], self.name)
            expected = self._methods[request.method].result
            request.settle(None if expected is None else decode(expected, message["result"]), None)
        except WireError as error:
            self._log("error", f"{self.name}: a bad answer to {request.method}: {error}")
            request.settle(None, WireError(f"a bad answer to {request.method}: {error}"))
        except RpcError as error:
            request.settle(None, error)

    def _refuse(self, identity: int | str | None, method: str, code: int, text: str) -> None:
        self._log("error", f"{self.name}: {method} was dropped: {text}")
        if identity is not None:
            self._send({"id": identity, "error": error_json(code, text, None)})


def _answer(method: Method, result: object) -> object:
    expected = method.result
    if type(result) is not expected and type(result) not in get_args(expected):
        raise TypeError(f"{method.name} is answered with {expected}, not {type(result).__name__}")
    return encode(result)
