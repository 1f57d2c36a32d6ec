"""Which stage is looked up or run next: a state machine without IO. Events in, instructions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from stageloom.model.classes import dataclass

StageState = Literal[
    "waiting", "looking", "queued", "running", "placed", "done", "kept", "failed", "cancelled", "skipped"
]
Outcome = Literal["done", "failed", "cancelled"]

_ENDED: frozenset[StageState] = frozenset({"done", "kept", "failed", "cancelled", "skipped"})
_MADE: frozenset[StageState] = frozenset({"done", "kept"})
_STARTED: frozenset[StageState] = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True)
class Hit:
    """The stage is in the store."""

    name: str


@dataclass(frozen=True, slots=True)
class Miss:
    """The stage is not in the store."""

    name: str


@dataclass(frozen=True, slots=True)
class Began:
    """A worker began with the stage. It may do so more than once: see Requeued."""

    name: str


@dataclass(frozen=True, slots=True)
class Requeued:
    """The worker that had begun could not take the stage: it waits for another one."""

    name: str


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands for the stage can be read, so what depends on it may start; it isn't durable yet.

    A Done, Hit, Failed or Lost must follow.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Done:
    """The stage ran and what it made is durable."""

    name: str


@dataclass(frozen=True, slots=True)
class Lost:
    """What the stage was made from, or was being made from, could not be stored, so neither can it be."""

    name: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The stage ran and failed, or could not be run."""

    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stage was cancelled while it ran."""

    name: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Whoever asked for the run wants it no more."""


Event = Hit | Miss | Began | Requeued | Placed | Done | Lost | Failed | Stopped | Cancel


@dataclass(frozen=True, slots=True)
class Look:
    """Look the stage up: all it depends on is made."""

    name: str


@dataclass(frozen=True, slots=True)
class Start:
    """Have the stage run; it is queued until it Began."""

    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Cancel the stage's job; a Stopped, Lost, Done or Failed must follow."""

    name: str


@dataclass(frozen=True, slots=True)
class Skip:
    """The stage will not run, because something it depends on failed or the run was cancelled."""

    name: str
    state: Literal["skipped", "cancelled"]


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""

    outcome: Outcome


Instruction = Look | Start | Stop | Skip | Finish


_ENDS: Mapping[type, StageState] = {Failed: "failed", Stopped: "cancelled", Lost: "skipped"}


class Schedule:
    """A run over ``needs``: for each stage the stages it depends on, all of which are keys too."""

    def __init__(self, needs: Mapping[str, Iterable[str]]) -> None:
        self._needs: dict[str, tuple[str, ...]] = {name: tuple(dict.fromkeys(found)) for name, found in needs.items()}
        self._missing = {name: len(found) for name, found in self._needs.items()}
        self._dependants: dict[str, list[str]] = {name: [] for name in self._needs}
        for name, found in self._needs.items():
            for dependency in found:
                self._dependants[dependency].append(name)
        self.state: dict[str, StageState] = dict.fromkeys(self._needs, "waiting")
        self._open = len(self._needs)
        self.cancelling = False
        self._finished = False

    def begin(self) -> list[Instruction]:
        """Return the first instructions."""
        return [*(self._look(name) for name, count in self._missing.items() if count == 0), *self._finish()]

    def step(self, event: Event) -> list[Instruction]:
        """Take ``event`` and return what follows from it; an event about a stage that has ended changes nothing."""
        if isinstance(event, Cancel):
            return self._cancel()
        if self.state[event.name] in _ENDED:
            return []
        if isinstance(event, Miss):
            if self.cancelling:
                return [*self._end(event.name, "cancelled"), *self._finish()]
            self.state[event.name] = "queued"
            return [Start(event.name)]
        if isinstance(event, (Began, Requeued)):
            if self.state[event.name] in _STARTED:
                self.state[event.name] = "running" if isinstance(event, Began) else "queued"
            return []
        if isinstance(event, Placed):
            self.state[event.name] = "placed"
            return self._release(event.name)
        if isinstance(event, Hit):
            return [*self._end(event.name, "kept"), *self._finish()]
        if isinstance(event, Done):
            return [*self._end(event.name, "done"), *self._finish()]
        state = _ENDS[type(event)]
        return [*self._end(event.name, state), *self._finish()]

    def _look(self, name: str) -> Instruction:
        self.state[name] = "looking"
        return Look(name)

    def _end(self, name: str, state: StageState) -> list[Instruction]:
        released = self.state[name] == "placed"
        self.state[name] = state
        self._open -= 1
        if state not in _MADE:
            return self._skip_below(name, "cancelled" if state == "cancelled" else "skipped")
        return [] if released else self._release(name)

    def _release(self, name: str) -> list[Instruction]:
        ready: list[Instruction] = []
        for dependant in self._dependants[name]:
            self._missing[dependant] -= 1
            if self._missing[dependant] == 0 and self.state[dependant] == "waiting":
                ready.append(self._look(dependant))
        return ready

    def _skip_below(self, name: str, state: Literal["skipped", "cancelled"]) -> list[Instruction]:
        """Skip what waits for ``name``, and stop what began when it was only placed."""
        skipped: list[Instruction] = []
        below = list(self._dependants[name])
        while below:
            current = below.pop()
            if self.state[current] == "waiting":
                self.state[current] = state
                self._open -= 1
                skipped.append(Skip(current, state))
                below.extend(self._dependants[current])
            elif self.state[current] in _STARTED:
                skipped.append(Stop(current))
        return skipped

    def _cancel(self) -> list[Instruction]:
        if self.cancelling:
            return []
        self.cancelling = True
        instructions: list[Instruction] = []
        for name, state in self.state.items():
            if state == "waiting":
                self.state[name] = "cancelled"
                self._open -= 1
                instructions.append(Skip(name, "cancelled"))
            elif state in _STARTED:
                instructions.append(Stop(name))
        return [*instructions, *self._finish()]

    def _finish(self) -> list[Instruction]:
        if self._open > 0 or self._finished:
            return []
        self._finished = True
        states = set(self.state.values())
        if "failed" in states or "skipped" in states:
            return [Finish("failed")]
        return [Finish("cancelled" if "cancelled" in states else "done")]


def closure(needs: Mapping[str, Sequence[str]], targets: Iterable[str]) -> list[str]:
    """Return ``targets`` and all they need, in the order of ``needs``."""
    wanted: set[str] = set()
    pending = list(targets)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending.extend(needs[name])
    return [name for name in needs if name in wanted]
