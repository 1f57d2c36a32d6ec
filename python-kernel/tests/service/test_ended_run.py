"""What is said of a run once its end was told: nothing."""

from __future__ import annotations

from stageloom.rpc.messages import RunParams
from stageloom.service.runs import _Active


class Told:
    def __init__(self) -> None:
        self.states: list[str] = []

    def notify(self, method, params):
        self.states.append(params.is_)


def test_a_cancel_that_comes_too_late_is_not_told():
    told = Told()
    active = _Active("1", RunParams("p.py"), None, told, None)
    active._send("done")
    active.cancel()
    assert told.states == ["done"]
