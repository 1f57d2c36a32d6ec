"""What the engine knows of a stage, whatever it is written in, and what a language and an executor must give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from stageloom.engine.staged import StagedBlobs
from stageloom.engine.want import Want
from stageloom.model.classes import dataclass, field
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef, RRef
from stageloom.model.values import Json
from stageloom.rpc.messages import (
    Failure,
    JobOutcome,
    MatchJob,
    Parameter,
    PlanJob,
    Planned,
    Point,
    Problem,
    RealizeJob,
    Reason,
    Span,
)
from stageloom.store.found import Found
from stageloom.store.store import Store
from stageloom.tracking.blobs import Blobs
from stageloom.tracking.evidence import Evidence
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot

LanguageName = Literal["function", "derivation", "reactor"]


#: What a role receives that a stage of another language stands for: what it made, a list of that, all that a reactor
#: sent, or the ingredient of the role's name.
Kind = Literal["value", "values", "sent", "ingredient"]


class Late(Protocol):
    """Looks up a stage among its past runs.

    ``trees`` are those chosen for each role, ``across`` the roles among them that stages of another language stand for.
    """

    def find(
        self,
        store: Store,
        trees: Mapping[str, Sequence[str]],
        across: Mapping[str, Kind],
        holds: Callable[[Found], bool],
    ) -> Found | None:
        """Return the run that would be the same again, given the trees chosen for all it may depend on."""
        ...

    def reasons(
        self, store: Store, last: Found, trees: Mapping[str, Sequence[str]], across: Mapping[str, Kind]
    ) -> Sequence[Reason]:
        """Return why ``last``, its newest run, would not be the same again."""
        ...

    def content(self, store: Store, tree: str, ingredient: str) -> str:
        """Return the hash of an ingredient's content in the tree of a run; empty where that has none."""
        ...


class Target(NamedTuple):
    """A stage ready to be looked up and run.

    ``dependencies`` maps each role to the names of the targets it stands for. ``match`` says which realization a
    dependant takes: ``latest``, or ``only`` where a second, different one is an error, or those that a matcher of
    its own chooses (``custom``); it wants ``count`` of them, and a job makes ``outputs``. ``reach`` is the
    fingerprint of its code where that does not count. ``derivation`` is None for a stage that cannot be planned
    (*broken*), or not before the planner has spoken (*unknown*). A target with an ``alias`` only stands for the
    target of that name, its one dependency: it has the same derivation and realizations and is never run itself.
    What a target with ``late`` depends on is known only once it has run: it is looked up by that, and its
    ``derivation`` is what is known before. A named tuple, as an edit makes thousands of these at once.

    Its language knows nothing of the others: ``wants`` maps roles to what may be theirs, ``sends`` are the ingredients
    that others may receive from it (``*`` stands for anything). Linking finds what they name (``engine/linking.py``)
    and notes in ``across`` what such a role receives; ``senders`` look at ingredients.
    """

    name: str
    function: str
    language: LanguageName
    path: str
    span: Span
    derivation: Derivation | None
    dref: DRef | None
    dependencies: Mapping[str, Sequence[str]] = MappingProxyType({})
    parameters: Sequence[Parameter] = ()
    pool: str = ""
    doc: str = ""
    retries: int = 0
    timeout: float | None = None
    guessed: bool = False
    broken: bool = False
    match: str = "latest"
    alias: str = ""
    count: int = 1  # type: ignore[assignment]  # hides what a tuple has, which nobody asks of a target
    outputs: int = 1
    reach: str = ""
    late: Late | None = None
    wants: Mapping[str, Want] = MappingProxyType({})
    sends: Sequence[str] = ()
    across: Mapping[str, Kind] = MappingProxyType({})
    senders: Mapping[str, Sequence[Late]] = MappingProxyType({})

    @property
    def plural(self) -> bool:
        """Whether several realizations may stand for it, or its matcher may ask for another one."""
        return self.count > 1 or self.match == "custom"


#: Asks the matcher of a target about its realizations, in the order they were made: those chosen, or None for a new
#: one. Raises CannotPlanError.
AskMatcher = Callable[[Target, Sequence[RRef]], "Sequence[RRef] | None"]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages of one file in one snapshot; ``targets`` come dependencies first.

    ``evidence`` is what they were made from. ``ask`` asks their matchers.
    """

    path: str
    snapshot: Snapshot
    code: Code
    targets: Mapping[str, Target]
    problems: Sequence[Problem]
    blobs: StagedBlobs
    sets: Mapping[str, Json] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    ask: AskMatcher | None = None


class CannotPlanError(Exception):
    """The planner failed; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


#: Runs the pipeline file, given ``sets``, and says what it declares; raises CannotPlanError.
AskPlanner = Callable[[Snapshot, str, Mapping[str, Json]], Planned]


class Language(Protocol):
    """One way of writing stages."""

    def speaks(self, snapshot: Snapshot, path: str, wanted: Sequence[Want] = ()) -> bool:
        """Return whether the file holds stages of this language, or what its stages want may be one in another file."""
        ...

    def read(
        self,
        snapshot: Snapshot,
        path: str,
        code: Code,
        ask: AskPlanner | None,
        sets: Mapping[str, Json],
        blobs: Blobs,
        wanted: Sequence[Want] = (),
    ) -> tuple[Sequence[Target], Sequence[Problem]]:
        """Return the file's stages, in any order, and its problems.

        ``sets`` holds ``stage.parameter`` values, ``wanted`` what stages of the language read before this one want.
        """
        ...


#: Raises where whoever asked doesn't want the answer any more.
Check = Callable[[], None]


def never() -> None:
    """The check of an answer that is always wanted."""


class JobListener(Protocol):
    """Hears of a job while it runs, from any thread."""

    def changed(self, is_: Literal["waiting", "running"]) -> None:
        """The job began, or waits for a worker again."""
        ...

    def log(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """User code printed ``text``."""
        ...

    def progress(self, points: Sequence[Point], fraction: float | None, message: str) -> None:
        """User code reported ``points``."""
        ...


class Executor(Protocol):
    """Where one job runs. One that ``blocks`` runs it within :meth:`submit`."""

    @property
    def blocks(self) -> bool:
        """Whether submit returns only when the job has ended."""
        ...

    def submit(
        self, job: RealizeJob, pool: str, listener: JobListener, done: Callable[[JobOutcome], None]
    ) -> Callable[[], None]:
        """Start ``job`` and return at once or when it has ended; ``done`` is called once, from any thread.

        The job waits until ``listener`` hears that it is *running*; one that can't be run ends without.

        Returns a function that cancels the job; calling it again or after the end does nothing.
        """
        ...

    def plan(self, job: PlanJob | MatchJob, check: Check = never) -> JobOutcome:
        """Run a planner's job and wait for it; what ``check`` raises meanwhile cancels the job and is raised."""
        ...
