"""Streams: what an operation yields, made as the host asks for it, and closed when nobody reads on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from stageloom.rpc.messages import (
    CallDone,
    CallFailed,
    CallOutcome,
    CallParams,
    Chunks,
    CloseParams,
    Failure,
    NextParams,
    StreamOutcome,
    StreamParams,
)
from stageloom.rpc.request import Call
from stageloom.worker.calls import Calls
from stageloom.worker.carrying import Carrier
from stageloom.worker.exchange import encode

_NOTHING = CallDone("null")
_OVER = object()
_SLOW = 0.001
#: Finds the operation or method that a call names, with its arguments, or says why it cannot be called.
Find = Callable[[CallParams], "Callable[[], object] | CallFailed"]


class Streams:
    """Serves the one stream that may be under way in a worker."""

    def __init__(self, calls: Calls, find: Find) -> None:
        self._calls = calls
        self._find = find
        self._call = 0
        self._source: Iterator[Any] | CallFailed | None = None

    def start(self, params: StreamParams, call: Call) -> CallOutcome:
        """Call the operation, up to where it would yield."""
        work = self._find(CallParams(params.call, params.operation, params.arguments, params.fence))
        if isinstance(work, CallFailed):
            return work
        begin = work

        def start() -> None:
            self._source, self._call = _iterator(begin()), params.call

        return self._calls.within(params.call, call, start)

    def next(self, params: NextParams, call: Call) -> StreamOutcome:
        """Make the next chunks."""
        source = self._source
        if source is None or params.call != self._call:
            return CallFailed(Failure("internal", f"There is no stream {params.call} to read from."))
        if isinstance(source, CallFailed):
            self._source = None
            return source
        made: list[str] = []
        over = [False]
        outcome = self._calls.within(params.call, call, lambda: _pull(source, params, made, over, self._calls.carrier))
        if isinstance(outcome, CallFailed):
            self._source = None
            if not made or outcome.failure.kind == "cancelled":
                return outcome
            self._source = outcome  # what came before it was raised is given first
        if over[0]:
            self._source = None
        return Chunks(made, over[0])

    def close(self, params: CloseParams, call: Call) -> CallOutcome:
        """Close what yields; its ``finally`` runs now."""
        source, self._source = self._source, None
        if source is None or params.call != self._call or not hasattr(source, "close"):
            return _NOTHING
        return self._calls.within(params.call, call, source.close)


def _pull(source: Iterator[Any], params: NextParams, made: list[str], over: list[bool], carrier: Carrier) -> None:
    begun = before = time.monotonic()
    size = 0
    while len(made) < params.most and size < params.size:
        try:
            chunk = next(source)
        except StopIteration:
            over[0] = True
            return
        before_it = carrier.carried
        made.append(encode(chunk, carrier))
        size += len(made[-1]) + carrier.carried - before_it
        now = time.monotonic()
        if now - before > _SLOW or now - begun > params.seconds:  # the next one may take as long: nobody waits for it
            return
        before = now


def _iterator(value: object) -> Iterator[Any]:
    if hasattr(value, "__aiter__"):
        return _in_turn(value.__aiter__())
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
        raise TypeError(f"only what yields can be streamed: this returned a {type(value).__name__}")
    return iter(value)


def _in_turn(source: AsyncIterator[Any]) -> Iterator[Any]:
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        while True:
            chunk = loop.run_until_complete(_one(source))
            if chunk is _OVER:
                return
            yield chunk
    finally:
        if hasattr(source, "aclose"):
            loop.run_until_complete(source.aclose())
        loop.close()


async def _one(source: AsyncIterator[Any]) -> Any:
    try:
        return await source.__anext__()
    except StopAsyncIteration:
        return _OVER
