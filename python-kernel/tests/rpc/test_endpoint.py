"""Two ends of a connection over real pipes."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from stageloom._version import PROTOCOL, VERSION
from stageloom.rpc import handshake
from stageloom.rpc.endpoint import Endpoint, inline
from stageloom.rpc.errors import ConnectionClosedError, RequestCancelledError, RpcError
from stageloom.rpc.framing import frame, read_frame
from stageloom.rpc.messages import (
    Empty,
    JobLog,
    LogMessage,
    RunParams,
    RunRef,
    RunStarted,
    StoreChanged,
    Undone,
    UndoParams,
)
from stageloom.rpc.mismatch import WireError
from stageloom.rpc.request import Call


class Pair:
    """A host and a kernel, connected."""

    def __init__(self) -> None:
        to_kernel, to_host = os.pipe(), os.pipe()
        self.log: list[str] = []
        self.kernel = Endpoint(os.fdopen(to_kernel[0], "rb"), os.fdopen(to_host[1], "wb", 0), log=self.say, name="host")
        self.host = Endpoint(os.fdopen(to_host[0], "rb"), os.fdopen(to_kernel[1], "wb", 0), log=self.say, name="kernel")

    def say(self, level: str, text: str) -> None:
        self.log.append(f"{level}: {text}")

    def start(self) -> None:
        self.kernel.start()
        self.host.start()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.host.close()
    made.kernel.close()


class Raw:
    """A kernel's endpoint driven byte by byte."""

    def __init__(self) -> None:
        self.log: list[str] = []
        inward, outward = os.pipe(), os.pipe()
        self.write = os.fdopen(inward[1], "wb", 0)
        self.read = os.fdopen(outward[0], "rb")
        self.endpoint = Endpoint(
            os.fdopen(inward[0], "rb"), os.fdopen(outward[1], "wb", 0), log=lambda level, text: self.log.append(text)
        )

    def send(self, message: object) -> None:
        self.write.write(frame(json.dumps(message).encode()))

    def answer(self) -> dict[str, object]:
        body = read_frame(self.read)
        assert body is not None
        return json.loads(body)


@pytest.fixture
def raw() -> Iterator[Raw]:
    made = Raw()
    yield made
    made.write.close()
    made.endpoint.wait_closed(60)
    made.endpoint.close()


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_requests_and_notifications_both_ways(pair: Pair) -> None:
    told: queue.Queue[object] = queue.Queue()
    pair.kernel.on("run/start", lambda params, _: RunStarted(params.path + "!"))
    pair.host.on("store/changed", lambda params, _: told.put(params), inline)
    pair.start()
    assert pair.host.request("run/start", RunParams("a.py")) == RunStarted("a.py!")
    pair.kernel.notify("store/changed", StoreChanged(4))
    assert told.get(timeout=60) == StoreChanged(4)


def test_a_handler_may_ask_back_while_it_is_asked(pair: Pair) -> None:
    pair.kernel.on(
        "run/start", lambda params, _: RunStarted(str(pair.kernel.request("stage/undo", UndoParams(3)).sequence))
    )
    pair.host.on("stage/undo", lambda params, _: Undone(params.sequence + 1, ()))
    pair.start()
    assert pair.host.request("run/start", RunParams("a.py"), 5) == RunStarted("4")


def test_many_at_once_and_out_of_order(pair: Pair) -> None:
    def slow_when_even(params: UndoParams, _: Call) -> Undone:
        time.sleep(0.02 if params.sequence % 2 == 0 else 0)
        return Undone(params.sequence, ())

    pair.kernel.on("stage/undo", slow_when_even)
    pair.start()
    sent = [pair.host.submit("stage/undo", UndoParams(number)) for number in range(60)]
    assert [request.result(60).sequence for request in sent] == list(range(60))


def test_notifications_keep_their_order(pair: Pair) -> None:
    got: list[str] = []
    pair.host.on("job/log", lambda params, _: got.append(params.text), inline)
    pair.start()
    for number in range(2000):
        pair.kernel.notify("job/log", JobLog("j", "stdout", str(number)))
    wait_for(lambda: len(got) == 2000)
    assert got == [str(number) for number in range(2000)]


def test_large_messages(pair: Pair) -> None:
    pair.kernel.on("run/start", lambda params, _: RunStarted(params.path))
    pair.start()
    text = "é" * 3_000_000
    assert pair.host.request("run/start", RunParams(text), 30) == RunStarted(text)


def test_cancelling(pair: Pair) -> None:
    started = threading.Event()

    def wait(params: RunParams, call: Call) -> RunStarted:
        started.set()
        assert call.wait_cancelled(60)
        call.check()
        raise AssertionError

    pair.kernel.on("run/start", wait)
    pair.start()
    request = pair.host.submit("run/start", RunParams("a"))
    assert started.wait(60)
    request.cancel()
    with pytest.raises(RequestCancelledError) as caught:
        request.result(60)
    assert caught.value.code == -32800


def test_cancelling_what_has_not_begun_runs_nothing(pair: Pair) -> None:
    tasks: queue.Queue[Callable[[], None]] = queue.Queue()
    ran: list[object] = []
    pair.kernel.on("run/start", lambda params, call: ran.append(params), tasks.put)
    pair.kernel.on("stage/undo", lambda params, call: Undone(0, ()), inline)
    pair.start()
    request = pair.host.submit("run/start", RunParams("a"))
    request.cancel()
    pair.host.request("stage/undo", UndoParams(), 5)
    tasks.get(timeout=60)()
    with pytest.raises(RequestCancelledError):
        request.result(60)
    assert not ran


def test_each_cancel_reaches_the_handler(pair: Pair) -> None:
    times = queue.SimpleQueue[int]()
    ready = threading.Event()

    def stubborn(params: RunParams, call: Call) -> RunStarted:
        call.on_cancel(lambda: times.put(1))
        ready.set()
        for _ in range(3):
            times.get(timeout=60)
        return RunStarted("finished after all")

    pair.kernel.on("run/start", stubborn)
    pair.start()
    request = pair.host.submit("run/start", RunParams("a"))
    assert ready.wait(60)
    for _ in range(3):
        request.cancel()
    assert request.result(60) == RunStarted("finished after all")


def test_errors_of_handlers(pair: Pair) -> None:
    def fail(params: RunParams, _: Call) -> RunStarted:
        if params.path == "rpc":
            raise RpcError(-32803, "no", {"why": 1})
        return {}["k"]

    pair.kernel.on("run/start", fail)
    pair.kernel.on("stage/undo", lambda params, _: "not an Undone")
    pair.start()
    with pytest.raises(RpcError) as caught:
        pair.host.request("run/start", RunParams("rpc"), 5)
    assert (caught.value.code, caught.value.message, caught.value.data) == (-32803, "no", {"why": 1})
    with pytest.raises(RpcError, match="run/start failed: KeyError: 'k'") as caught:
        pair.host.request("run/start", RunParams("x"), 5)
    assert caught.value.code == -32603
    with pytest.raises(RpcError, match="not str") as caught:
        pair.host.request("stage/undo", UndoParams(), 5)
    assert any("Traceback" in line for line in pair.log)


def test_the_wrong_params_are_not_sent(pair: Pair) -> None:
    pair.start()
    with pytest.raises(TypeError, match="run/start takes RunParams, not UndoParams"):
        pair.host.submit("run/start", UndoParams())


def test_closing_ends_what_waits(pair: Pair) -> None:
    ended = threading.Event()
    pair.kernel.on("run/start", lambda params, call: ended.set() if call.wait_cancelled(60) else None)
    pair.start()
    request = pair.host.submit("run/start", RunParams("a"))
    closed: list[str] = []
    pair.host.on_close(lambda: closed.append("host"))
    time.sleep(0.05)
    pair.host.close()
    with pytest.raises(ConnectionClosedError):
        request.result(60)
    assert ended.wait(60)
    assert pair.kernel.wait_closed(60)
    pair.host.on_close(lambda: closed.append("late"))
    assert closed == ["host", "late"]
    with pytest.raises(ConnectionClosedError):
        pair.host.request("run/start", RunParams("a"), 5)
    pair.host.notify("log/message", LogMessage("info", "nobody hears"))


def test_the_other_end_dies(pair: Pair) -> None:
    pair.start()
    request = pair.host.submit("run/start", RunParams("a"))
    pair.kernel.close()
    with pytest.raises((ConnectionClosedError, RpcError)):
        request.result(60)


def test_time_out_cancels(pair: Pair) -> None:
    cancelled = threading.Event()
    pair.kernel.on("run/start", lambda params, call: cancelled.set() if call.wait_cancelled(60) else None)
    pair.start()
    with pytest.raises(TimeoutError):
        pair.host.request("run/start", RunParams("a"), 0.05)
    assert cancelled.wait(60)


def test_bad_messages_are_answered_and_logged_by_name(raw: Raw) -> None:
    raw.endpoint.on("run/start", lambda params, _: RunStarted("ok"), inline)
    raw.endpoint.on("job/log", lambda params, _: None, inline)
    raw.endpoint.start()
    raw.send({"jsonrpc": "2.0", "id": 1, "method": "run/start", "params": {"path": 7}})
    assert raw.answer()["error"] == {"code": -32602, "message": "run/start: path: expected str, got int"}
    raw.send({"jsonrpc": "2.0", "id": "two", "method": "run/stop", "params": {}})
    assert raw.answer() == {
        "jsonrpc": "2.0",
        "id": "two",
        "error": {"code": -32601, "message": "there is no method run/stop"},
    }
    raw.write.write(frame(b"{nonsense"))
    answer = raw.answer()
    assert answer["id"] is None
    assert answer["error"]["code"] == -32700
    raw.send([1])
    raw.send({"jsonrpc": "2.0", "method": "job/log", "params": {"job": "j"}})
    raw.send({"jsonrpc": "2.0", "method": "$/setTrace", "params": {}})
    raw.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": [3]})
    raw.send({"jsonrpc": "2.0", "id": 99, "result": {}})
    raw.write.write(b"printed by mistake\n")
    raw.send({"jsonrpc": "2.0", "id": 3, "method": "run/start", "params": {"path": "a.py"}})
    assert raw.answer() == {"jsonrpc": "2.0", "id": 3, "result": {"run": "ok"}}
    log = "\n".join(raw.log)
    for expected in (
        "run/start was dropped: run/start: path",
        "run/stop was dropped",
        "not JSON",
        "got list",
        "job/log was dropped: job/log: stream: is missing",
        "answer to 99",
        "printed by mistake",
    ):
        assert expected in log
    assert "setTrace" not in log


def test_a_bad_answer_is_an_error_of_the_caller(raw: Raw) -> None:
    raw.endpoint.start()
    request = raw.endpoint.submit("run/start", RunParams("a"))
    raw.send({"jsonrpc": "2.0", "id": raw.answer()["id"], "result": {"run": 5}})
    with pytest.raises(WireError, match="a bad answer to run/start: run: expected str, got int"):
        request.result(60)
    request = raw.endpoint.submit("run/start", RunParams("a"))
    raw.send({"jsonrpc": "2.0", "id": raw.answer()["id"], "error": "no"})
    with pytest.raises(RpcError, match="malformed"):
        request.result(60)


def test_a_broken_stream_ends_the_connection(raw: Raw) -> None:
    raw.endpoint.start()
    request = raw.endpoint.submit("run/start", RunParams("a"))
    raw.write.write(b"Content-Length: soon\r\n\r\n")
    with pytest.raises(ConnectionClosedError, match="not a Content-Length"):
        request.result(60)


def test_a_message_nested_too_deeply_is_refused_and_the_next_one_read(raw: Raw) -> None:
    raw.endpoint.on("run/start", lambda params, _: RunStarted("ok"), inline)
    raw.endpoint.start()
    raw.write.write(frame(b"[" * 200_000 + b"]" * 200_000))
    assert raw.answer()["error"]["code"] == -32700
    raw.send({"jsonrpc": "2.0", "id": 3, "method": "run/start", "params": {"path": "a.py"}})
    assert raw.answer() == {"jsonrpc": "2.0", "id": 3, "result": {"run": "ok"}}


def test_a_reader_that_fails_ends_the_connection(raw: Raw) -> None:
    def no_thread(task: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    raw.endpoint.on("run/start", lambda params, _: RunStarted("ok"), no_thread)
    raw.endpoint.start()
    request = raw.endpoint.submit("run/start", RunParams("a"))
    raw.send({"jsonrpc": "2.0", "id": 3, "method": "run/start", "params": {"path": "a.py"}})
    with pytest.raises(ConnectionClosedError, match="new thread"):
        request.result(60)


# --- handshake -------------------------------------------------------------------------------------------------------


def test_handshake(pair: Pair) -> None:
    handshake.answer(pair.kernel, ("worker", "planner"))
    pair.kernel.on("run/cancel", lambda params, _: Empty())
    pair.start()
    with pytest.raises(RpcError, match="run/cancel came before initialize") as caught:
        pair.host.request("run/cancel", RunRef("r"), 5)
    assert caught.value.code == -32002
    with pytest.raises(RpcError, match="worker or planner, not a engine"):
        handshake.connect(pair.host, "engine")
    result = handshake.connect(pair.host, "worker")
    assert (result.protocol, result.version, result.pid) == (PROTOCOL, VERSION, os.getpid())
    assert pair.host.request("run/cancel", RunRef("r"), 5) == Empty()


def test_another_protocol_is_a_clear_error_at_both_ends(raw: Raw) -> None:
    handshake.answer(raw.endpoint, ("worker",))
    raw.endpoint.start()
    raw.send({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocol": 99, "novel": True}})
    error = raw.answer()["error"]
    assert error["code"] == -32001
    assert "the caller speaks protocol 99" in error["message"]
    outcome: list[BaseException] = []

    def ask() -> None:
        try:
            handshake.connect(raw.endpoint, "worker", timeout=60)
        except RpcError as failed:
            outcome.append(failed)

    asking = threading.Thread(target=ask)
    asking.start()
    raw.send({"jsonrpc": "2.0", "id": raw.answer()["id"], "result": {"protocol": 2, "novel": 1}})
    asking.join(60)
    assert "speaks protocol 2" in str(outcome[0])
