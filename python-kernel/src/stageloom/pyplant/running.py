"""A file of reactors that is read by the engine must not run its own plant: it ends where it would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

_READING: ContextVar[Read | None] = ContextVar("stageloom_reading_reactors", default=None)


@dataclass(slots=True)
class Read:
    """What a file declared while it was read: the plants it made, in order."""

    plants: list[Any] = field(default_factory=list)


class Declaring(BaseException):
    """Ends a file that is only read for its reactors where it would run one; no ``except Exception`` keeps it."""

    def __init__(self, plant: Any, reactor: str) -> None:
        self.plant = plant
        self.reactor = reactor
        super().__init__(reactor)


def declaring() -> Read | None:
    """Return who reads files for their reactors right now, None where they are to run."""
    return _READING.get()


@contextmanager
def reading() -> Iterator[Read]:
    """Read files for their reactors: plants made meanwhile run nothing."""
    token = _READING.set(Read())
    try:
        found = _READING.get()
        assert found is not None
        yield found
    finally:
        _READING.reset(token)
