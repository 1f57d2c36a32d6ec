"""What a plant tells of its reactors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from stageloom.reactors.trace import Kind


class Reactor:
    """A reactor as a program sees it: its function, and what its last run in this form read and sent."""

    def __init__(self, name: str, func: Callable[..., Any]) -> None:
        self.name = name
        self.func = func
        self.wasRun = False
        self.signature: str | None = None
        self.inputs: set[str] = set()
        self.outputs: set[str] = set()
        self.params: set[str] = set()
        self.subreactors: set[str] = set()

    def get_signature(self) -> str | None:
        """Return the digest of its code."""
        return self.signature

    def get_inputs(self) -> set[str]:
        """Return the ingredients it received."""
        return self.inputs

    def get_outputs(self) -> set[str]:
        """Return the ingredients it sent."""
        return self.outputs

    def get_params(self) -> set[str]:
        """Return the parameters it read."""
        return self.params

    def func_exists(self) -> bool:
        """Return whether its function is there."""
        return self.func is not None

    def take(self, code: str, steps: Iterable[tuple[Kind, tuple[str, ...]]], outputs: Iterable[str]) -> None:
        """Take over what a run read and sent."""
        self.wasRun, self.signature = True, code
        self.inputs, self.params, self.subreactors = set(), set(), set()
        self.outputs = set(outputs)
        for kind, path in steps:
            if kind == "ingredient":
                self.inputs.add(path[0])
            elif kind == "subreactor":
                self.subreactors.add(path[0])
            else:
                self.params.add(path[0])


class ExecutionRecord:
    """When a reactor ran in this session, and for how many seconds, without what it waited."""

    def __init__(self, reactorName: str, startTime: float, totalRuntime: float = 0.0) -> None:
        self.reactorName = reactorName
        self.startTime = startTime
        self.totalRuntime = totalRuntime
        self.finishTime: float | None = None

    def __repr__(self) -> str:
        return str(self.__dict__)
