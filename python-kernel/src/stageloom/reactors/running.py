"""A reactor, what it is while it runs, and what it has sent: the nouns of a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Protocol

from stageloom.model.classes import dataclass, field
from stageloom.model.references import DRef, RRef
from stageloom.model.values import Json
from stageloom.reactors.outlet import Outlet, Sent
from stageloom.reactors.past import PastRun
from stageloom.reactors.trace import Kind
from stageloom.reactors.walk import Want
from stageloom.store.locks import Lock


class NobodySendsError(RuntimeError):
    """An ingredient is waited for that no reactor sends."""


@dataclass(frozen=True, slots=True)
class Reactor:
    """A reactor as it is run.

    ``code`` is asked for when it counts, for it may follow from what ran before. ``start`` makes the generator, which
    yields :class:`Want` for what it receives; anything else it yields comes back to it. ``sends`` returns the
    ingredients that its source names.
    """

    name: str
    code: Callable[[], str]
    start: Callable[[Running], Generator[object, object, object]]
    sends: Callable[[], Sequence[str]] = tuple
    path: str = ""


class SessionListener(Protocol):
    """Hears what happens."""

    def started(self, reactor: str) -> None:
        """A reactor starts to run."""

    def stepped(self, reactor: str) -> None:
        """It got as far as its next yield."""

    def finished(self, running: Running) -> None:
        """It has ended well, and what it sent can be received."""

    def kept(self, run: PastRun) -> None:
        """A past run stands for a reactor."""

    def note(self, text: str) -> None:
        """Something to be logged."""


@dataclass(frozen=True, slots=True)
class OnHand:
    """An ingredient that can be received. ``folder`` is the run's that sent it; ``record`` its record, once placed."""

    reactor: str
    sent: Sent
    folder: Callable[[], Path]
    record: tuple[DRef, RRef] | None
    at: float


@dataclass(slots=True)
class Running:
    """A reactor that runs."""

    reactor: Reactor
    code: str
    outlet: Outlet
    lock: Lock | None = None
    generator: Generator[object, object, object] | None = None
    steps: dict[tuple[Kind, tuple[str, ...]], Json] = field(default_factory=dict)
    context: dict[DRef, tuple[RRef, ...]] = field(default_factory=dict)
    want: Want | None = None
    started: float = field(default_factory=time.time)
    took: float = 0.0
    received: dict[str, str] = field(default_factory=dict)
    temporary: Path | None = None
    closing: list[Callable[[], object]] = field(default_factory=list)

    def asked(self, kind: Kind, path: tuple[str, ...], answer: Json) -> None:
        """Note a question with its answer; the first answer to it stands."""
        self.steps.setdefault((kind, path), answer)
