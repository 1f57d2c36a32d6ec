"""What is told of a run while it goes on, and to whom."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from stageloom.engine.schedule import StageState
from stageloom.model.classes import dataclass, field
from stageloom.rpc.messages import Failure, Point, Realization
from stageloom.store.found import Found


@dataclass(slots=True)
class Entry:
    """What is known of a stage in a run.

    ``started`` is when a worker began, ``awaits`` what it waits for before; ``memory`` are bytes, 0 where unknown.
    ``tries`` are the failures after which it was tried again.
    """

    started: float | None = None
    took: float | None = None
    memory: int = 0
    found: Found | None = None
    failure: Failure | None = None
    warnings: Sequence[str] = ()
    awaits: Literal["stages", "worker", "process"] = "stages"
    tries: list[Failure] = field(default_factory=list)


class RunListener(Protocol):
    """Hears what happens in a run, from any thread."""

    def changed(self, stage: str, state: StageState, entry: Entry) -> None:
        """A stage changed its state."""
        ...

    def log(self, stage: str, stream: Literal["stdout", "stderr"], text: str) -> None:
        """A stage printed."""
        ...

    def progress(self, stage: str, points: Sequence[Point], fraction: float | None, message: str) -> None:
        """A stage reported."""
        ...


#: Hears from any thread that a stage's job began, or waits again.
HearJob = Callable[[str, Literal["waiting", "running"]], None]


class StageListener:
    """Passes a job's words on under its stage's name."""

    def __init__(self, stage: str, listener: RunListener, changed: HearJob) -> None:
        self._stage = stage
        self._listener = listener
        self._changed = changed

    def changed(self, is_: Literal["waiting", "running"]) -> None:
        """The stage's job began, or waits again."""
        self._changed(self._stage, is_)

    def log(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """The stage printed."""
        self._listener.log(self._stage, stream, text)

    def progress(self, points: Sequence[Point], fraction: float | None, message: str) -> None:
        """The stage reported."""
        self._listener.progress(self._stage, points, fraction, message)


class Teller:
    """Tells a listener, who only listens: a fault of its own ends nothing, and is printed once.

    ``gone`` is called where whoever read what is told has gone.
    """

    def __init__(self, listener: RunListener, gone: Callable[[], None]) -> None:
        self._listener = listener
        self._gone = gone
        self._complained = False

    def changed(self, stage: str, state: StageState, entry: Entry) -> None:
        """Tell of a stage's state."""
        self._tell(lambda: self._listener.changed(stage, state, entry))

    def message(self, stage: str, text: str) -> None:
        """Tell what a stage waits for."""
        self._tell(lambda: self._listener.progress(stage, (), None, text))

    def of_job(self, stage: str, changed: HearJob) -> StageListener:
        """Return who hears of the stage's job."""
        return StageListener(stage, self._listener, changed)

    def _tell(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except BrokenPipeError:
            self._gone()
        except Exception:  # noqa: BLE001  # whatever it is, the run's own work goes on
            if not self._complained:
                self._complained = True
                traceback.print_exc(file=sys.__stderr__)  # sys.stderr may be a stage's own just now


def realization_of(found: Found) -> Realization:
    """Return ``found`` as lists show it."""
    return Realization(
        rref=str(found.rref),
        dref=str(found.dref),
        tree=found.tree,
        sequence=found.sequence,
        at=found.at,
        took=found.took,
        size=found.size,
        run=found.run,
        visible=found.visible,
        pinned=found.pinned,
    )
