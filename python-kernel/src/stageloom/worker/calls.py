"""Calls of an entry module's operations: one after another, each noted in the journal before and after."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from stageloom.rpc.endpoint import Endpoint
from stageloom.rpc.errors import RpcError
from stageloom.rpc.messages import (
    CallDone,
    CallFailed,
    CallLog,
    CallOutcome,
    CallParams,
    Failure,
    Opened,
    OpenParams,
    ToolParams,
)
from stageloom.rpc.request import Call
from stageloom.rpc.text import dump
from stageloom.rpc.wire import encode as to_wire
from stageloom.worker.capture import Capture, Name
from stageloom.worker.carrying import Carrier
from stageloom.worker.exchange import ExchangeError, decode, encode
from stageloom.worker.interrupt import Interrupter
from stageloom.worker.journal import Journal
from stageloom.worker.native import flush_c
from stageloom.worker.operations import Operation, load, operations_of
from stageloom.worker.tools import ToolError, answer_by

_CANCELLED = Failure("cancelled", "cancelled")


class Calls:
    """Serves the calls of one worker. Made in the main thread, where user code runs."""

    def __init__(self, endpoint: Endpoint, interrupter: Interrupter, capture: Capture) -> None:
        self._endpoint = endpoint
        self._interrupter = interrupter
        self._capture = capture
        self.entry: ModuleType | None = None
        self.entry_name = ""
        self._operations: Mapping[str, Operation] = {}
        self._journal: Journal | None = None
        self.carrier = Carrier()
        self._running = 0

    # --- the entry module --------------------------------------------------------------------------------------------

    def open(self, params: OpenParams, call: Call) -> Opened:
        """Import what the pool was defined with."""
        del call
        self._capture.begin(self._log)
        answer_by(self._ask)
        try:
            _limit(params.memory)
            for module in params.modules:
                importlib.import_module(module)
            if params.script:
                import runpy

                runpy.run_path(params.script)
            self.entry_name, self.entry = params.entry, load(params.entry, params.paths)
            self._operations = operations_of(self.entry)
            self._journal = Journal(params.journal)
            self.carrier = Carrier(params.journal, params.inline)
        except BaseException as error:  # noqa: BLE001  # whatever user code raises is why there is no worker
            return Opened((), _failure(error, importing=True))
        return Opened(tuple(self._operations))

    # --- calls -------------------------------------------------------------------------------------------------------

    def run(self, params: CallParams, call: Call) -> CallOutcome:
        """Run one operation and say what it came to."""
        work = self.find(params)
        return work if isinstance(work, CallFailed) else self.within(params.call, call, work)

    def find(self, params: CallParams) -> Callable[[], object] | CallFailed:
        """Return the operation with its arguments, or why it cannot be called."""
        operation = self._operations.get(params.operation)
        if operation is None:
            message = f"{self.entry_name} has no operation {params.operation}."
            return CallFailed(named(message, self._operations, "operations"))
        arguments = self.arguments_of(params.operation, params.arguments)
        if isinstance(arguments, CallFailed):
            return arguments
        positional, keywords = arguments
        return lambda: operation(*positional, **keywords)

    def arguments_of(self, name: str, text: str) -> tuple[list[Any], dict[str, Any]] | CallFailed:
        """Return the positional and the named arguments that ``text`` holds, or why the call fails."""
        try:
            value = decode(text, self.carrier)
        except ExchangeError as error:
            return CallFailed(Failure("unserialisable", f"The arguments of {name}: {error}"))
        if isinstance(value, list):
            return value, {}
        if isinstance(value, dict):
            return [], value
        return CallFailed(Failure("unserialisable", f"The arguments of {name} are neither a list nor an object."))

    def within(self, number: int, call: Call, work: Callable[[], object]) -> CallOutcome:
        """Run ``work`` as call ``number``: interruptible, its output told as the call's, noted in the journal."""
        self._running = number
        begun = False
        outcome: CallOutcome
        try:
            with self._interrupter.running(call):
                begun = True
                self._begin(number)
                value = _run(work)
            outcome = CallDone(encode(value, self.carrier))
        except ExchangeError as error:
            outcome = CallFailed(_untravelling(error))
        except BaseException as error:  # noqa: BLE001  # whatever user code raises is an answer
            cancelled = not begun if isinstance(error, RpcError) else _interrupted(error, call)
            outcome = CallFailed(_CANCELLED if cancelled else _failure(error))
        finally:
            self._interrupter.rest()
        self._tell_output()
        if begun:
            self._end(number, outcome)
        self._running = 0
        return outcome

    def _begin(self, number: int) -> None:
        if self._journal is not None:
            self._journal.begin(number)

    def _end(self, number: int, outcome: CallOutcome) -> None:
        # a disk that is full leaves the answer where it is wanted, on its way to the host
        if self._journal is not None:
            with contextlib.suppress(OSError):
                self._journal.end(number, _noted(outcome))

    # --- the host ----------------------------------------------------------------------------------------------------

    def _ask(self, tool: str, arguments: object) -> Any:
        if not self._running:
            raise ToolError(f"{tool} was asked for outside a call")
        try:
            asked = ToolParams(self._running, tool, encode(arguments, self.carrier))
        except ExchangeError as error:
            raise ToolError(f"the arguments of {tool}: {error}") from None
        try:
            answer = self._endpoint.request("call/tool", asked)
        except RpcError as error:
            raise ToolError(f"{tool}: {error.message}") from None
        if isinstance(answer, CallDone):
            return decode(answer.value, self.carrier)
        raise ToolError(answer.failure.message)

    def _tell_output(self) -> None:
        """Hand on what the call has printed before it is answered."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):  # user code may have closed it
                stream.flush()
        flush_c()
        if _written() > 0:  # asking the capture itself costs more than most calls
            self._capture.end()
            self._capture.begin(self._log)

    def _log(self, stream: Name, text: str) -> None:
        self._endpoint.notify("call/log", CallLog(self._running, stream, text))


def _written() -> int:
    # the capture has put files there, and emptied them when it began
    try:
        return os.fstat(1).st_size + os.fstat(2).st_size
    except OSError:
        return 1


def named(message: str, known: Mapping[str, object], what: str) -> Failure:
    """Return why what a host named cannot be had, with the names it may use."""
    there = ", ".join(sorted(known)) or "none"
    return Failure("refused", message, f"There are these {what}: {there}. A name with _ in front is not among them.")


def _run(work: Callable[[], object]) -> object:
    value = work()
    if hasattr(value, "__next__") or hasattr(value, "__anext__"):
        raise TypeError("what yields is read as a stream, not called")
    if hasattr(value, "__await__"):
        import asyncio

        return asyncio.run(_awaited(value))
    return value


async def _awaited(value: Any) -> Any:
    return await value


def _interrupted(error: BaseException, call: Call) -> bool:
    return isinstance(error, KeyboardInterrupt) and call.cancelled


def _failure(error: BaseException, *, importing: bool = False) -> Failure:
    from stageloom.worker.failures import failure_of  # on use: it knows every language of stages

    return failure_of(error, os.getcwd(), importing=importing)


def _untravelling(error: ExchangeError) -> Failure:
    advice = "Return numbers, text, None, or lists and dicts of them."
    return Failure("unserialisable", f"What it returned cannot travel to the host: {error}", advice)


def _noted(outcome: CallOutcome) -> bytes:
    if isinstance(outcome, CallDone):
        return b"v" + outcome.value.encode("utf-8", "surrogatepass")
    return b"f" + dump(to_wire(outcome.failure))


def _limit(memory: int) -> None:
    """Let this process take so much memory, where the system can hold it to that; then MemoryError is raised."""
    if memory <= 0:
        return
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))
