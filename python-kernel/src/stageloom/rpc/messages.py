"""Every message between host, engine and worker, defined once.

Fields are ``snake_case`` here and ``camelCase`` on the wire. The TypeScript types and the JSON Schema in
``extension/src/protocol/kernel`` are generated from this module. A union is told apart by its ``is_`` (on the wire
``is``) field. Times are seconds since the epoch, durations seconds, sizes bytes, lines and columns count from 0.

The host starts an *engine*, *planners* and *workers*. It speaks to the engine; the engine asks the host to run jobs on
planners and workers (``pool/run``), and the host passes on what they notify (``job/log``, ``job/progress``).
An *operator* is a worker of a pool that a program defined: it serves calls of what its entry module holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from stageloom.model.classes import dataclass, field
from stageloom.model.values import Json

Role: TypeAlias = Literal["engine", "planner", "worker", "operator"]


@dataclass(frozen=True, slots=True)
class InitializeParams:
    """The first message on every connection. ``workspace`` and ``store`` are absolute folders, for the engine alone.

    ``link`` is how equal files of the store share their space: empty for what the environment says.
    """

    protocol: int
    role: Role
    client: str
    workspace: str = ""
    store: str = ""
    link: Literal["", "reflink", "hardlink", "copy"] = ""


@dataclass(frozen=True, slots=True)
class InitializeResult:
    """The kernel's side of the handshake. ``warnings`` are sentences to show (a read-only store, say)."""

    protocol: int
    version: str
    python: str
    executable: str
    pid: int
    store: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing to say."""


# --- problems and failures -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source file, from line and column up to, not with, the end."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the source that keeps a stage from being planned."""

    code: Literal[
        "syntax", "cycle", "unknown-dependency", "duplicate-stage", "bad-parameter", "bad-declaration", "import-failed"
    ]
    message: str
    span: Span
    severity: Literal["error", "warning"] = "error"
    stages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a traceback. ``path`` is absolute; ``user`` says that the file belongs to the project."""

    path: str
    line: int
    function: str
    text: str
    user: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job did not end well, classified from evidence, with what to do about it.

    ``message`` is one line; ``advice`` says what the user can do; ``frames`` are innermost last; ``detail`` is the
    traceback or the end of stderr. ``package`` and ``command`` are set for a missing package: the command installs it.
    """

    kind: Literal[
        "exception",
        "missing-package",
        "missing-output",
        "unstorable",
        "unserialisable",
        "import-failed",
        "code-changed",
        "killed",
        "crashed",
        "timeout",
        "cancelled",
        "store",
        "disk-full",
        "damaged",
        "no-interpreter",
        "old-interpreter",
        "refused",
        "lost-session",
        "internal",
    ]
    message: str
    advice: str = ""
    exception: str = ""
    frames: Sequence[Frame] = ()
    detail: str = ""
    package: str = ""
    command: str = ""


# --- pipelines -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    """One configured parameter of a stage; ``value`` is JSON as in ``stageloom.model.values``, ``text`` how to show it.

    ``source`` says where the value came from.
    """

    name: str
    value: Json
    text: str
    source: Literal["default", "set", "bind", "input"] = "default"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that makes a stage stale. ``before`` and ``after`` are the two texts to compare, if any."""

    kind: Literal[
        "new", "code", "parameter", "dependency", "input", "package", "environment", "invalidated", "unresolved"
    ]
    summary: str
    subject: str = ""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Realization:
    """One realization as a list shows it. ``sequence`` orders them; a hidden one was invalidated."""

    rref: str
    dref: str
    tree: str
    sequence: int
    at: float
    took: float
    size: int
    run: str
    visible: bool = True
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run of a stage as it now is, where that made nothing. Its log and curve are in ``folder``.

    ``at`` is when it ended; ``failure`` of a cancelled one says what ended it.
    """

    is_: Literal["failed", "cancelled"]
    run: str
    stage: str
    at: float
    took: float
    failure: Failure
    folder: str


@dataclass(frozen=True, slots=True)
class StageStatus:
    """A stage as it stands, before anything runs.

    ``name`` is unique in its pipeline; ``function`` is the Python function it is written in. ``is_``: *cached* there is
    a realization; *stale* there was one of an earlier code, parameter or dependency; *absent* never made; *unknown* it
    cannot be said before a dependency has run or the planner has spoken; *broken* a problem keeps it from planning.
    ``note`` is what to say of it beside that. ``reads`` names what its last realization was seen to read undeclared, as
    ``tracking.reads`` does: files, folders with a slash at their end, variables. ``expects`` is how many seconds it
    took when it last ran, where it isn't cached.
    """

    name: str
    function: str
    language: Literal["function", "derivation", "reactor"]
    span: Span
    is_: Literal["cached", "stale", "absent", "unknown", "broken"]
    dependencies: Sequence[str] = ()
    parameters: Sequence[Parameter] = ()
    reasons: Sequence[Reason] = ()
    dref: str | None = None
    realization: Realization | None = None
    pool: str = ""
    guessed: bool = False
    doc: str = ""
    note: str = ""
    reads: Sequence[str] = ()
    expects: float | None = None
    last_run: LastRun | None = None


@dataclass(frozen=True, slots=True)
class PlanParams:
    """Ask how a pipeline stands. ``path`` is relative to the workspace, with ``/``.

    ``overlays`` holds the text of files that are open and not saved. ``sets`` holds ``stage.parameter`` and its value,
    over those of the ``profile`` in ``stageloom.json``, if one is named.
    """

    path: str
    overlays: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, Json] = field(default_factory=dict)
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A pipeline as it stands. ``files`` are the project's files, relative, that it was read from."""

    path: str
    snapshot: str
    stages: Sequence[StageStatus]
    problems: Sequence[Problem]
    files: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Profiles:
    """The parameter profiles of the workspace, by name, in the order of ``stageloom.json``."""

    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class WhyParams:
    """Ask why a stage is not cached, with the texts to compare."""

    path: str
    stage: str
    overlays: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, Json] = field(default_factory=dict)
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """The reasons, most telling first; empty when the stage is cached."""

    reasons: Sequence[Reason]


# --- runs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunParams:
    """Realize ``targets`` (stage names; all when empty) of the saved pipeline at ``path``."""

    path: str
    targets: Sequence[str] = ()
    sets: Mapping[str, Json] = field(default_factory=dict)
    profile: str = ""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run's identity; what happens next arrives as ``run/changed``."""

    run: str


@dataclass(frozen=True, slots=True)
class RunStage:
    """A stage within a run. *kept* it was cached, or its new inputs equal old ones; *skipped* what it needs failed.

    ``awaits`` says what a waiting one waits for: stages that it needs, a worker, or another process that is at the same
    work. ``started`` counts from when a worker began.
    """

    name: str
    is_: Literal["waiting", "running", "done", "kept", "failed", "cancelled", "skipped"]
    started: float | None = None
    took: float | None = None
    realization: Realization | None = None
    failure: Failure | None = None
    awaits: Literal["stages", "worker", "process"] = "stages"


@dataclass(frozen=True, slots=True)
class RunChanged:
    """A run's state. ``stages`` holds only the stages that changed since the last message of this run."""

    run: str
    path: str
    is_: Literal["planning", "running", "done", "failed", "cancelling", "cancelled"]
    targets: Sequence[str]
    stages: Sequence[RunStage] = ()
    failure: Failure | None = None
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class RunRef:
    """Names a run."""

    run: str


@dataclass(frozen=True, slots=True)
class RunLog:
    """What a stage printed, in order, as it came: carriage returns included."""

    run: str
    path: str
    stage: str
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """One ``report()``: ``values`` are finite numbers by name."""

    step: float
    values: Mapping[str, float]
    at: float


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Points reported since the last message. ``fraction`` in [0, 1] where the stage told its ``total``."""

    run: str
    path: str
    stage: str
    points: Sequence[Point]
    fraction: float | None = None
    message: str = ""


# --- the store -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InvalidateParams:
    """Hide the visible realizations of stages, with all that depends on them where ``dependents`` is true.

    Either ``stages`` of the pipeline at ``path``, or single ``rrefs``.
    """

    path: str = ""
    stages: Sequence[str] = ()
    dependents: bool = False
    rrefs: Sequence[str] = ()
    sets: Mapping[str, Json] = field(default_factory=dict)
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Invalidated:
    """``sequence`` of the journal event (0 when there was nothing to hide) and what it hid."""

    sequence: int
    rrefs: Sequence[str]
    stages: Sequence[str]


@dataclass(frozen=True, slots=True)
class UndoParams:
    """Undo the invalidation with this journal sequence, or the last one when it is 0."""

    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Undone:
    """What is visible again; empty when there was nothing to undo."""

    sequence: int
    rrefs: Sequence[str]


@dataclass(frozen=True, slots=True)
class ArtifactsParams:
    """List what is cached for a pipeline (relative path), or for all of the workspace when empty."""

    path: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file of a tree; ``path`` within it, with ``/``. ``label`` is how it is shown (a return value's key, say)."""

    path: str
    size: int
    label: str
    media: str


@dataclass(frozen=True, slots=True)
class RealizationFiles:
    """A realization and its files."""

    realization: Realization
    files: Sequence[ArtifactFile]


@dataclass(frozen=True, slots=True)
class StageArtifacts:
    """A stage and its realizations, newest first."""

    path: str
    stage: str
    realizations: Sequence[RealizationFiles]


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What is cached, by stage."""

    stages: Sequence[StageArtifacts]
    total: int


@dataclass(frozen=True, slots=True)
class FileParams:
    """Names a file of a realization; the whole tree where ``file`` is empty."""

    rref: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """An absolute path."""

    path: str


@dataclass(frozen=True, slots=True)
class Described:
    """What a realization was made from, stage by stage, as text; ``at`` is when, in seconds since the epoch."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class ExportParams:
    """Copy a file, or the whole tree, to an absolute ``target``: a file's new path, or a folder that does not exist."""

    rref: str
    target: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class ImagePreview:
    """A picture; ``data`` is base64."""

    media: str
    data: str
    is_: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class ArrayPreview:
    """An array: ``shape``, ``dtype``, range over finite values, and the first values as text, row by row.

    ``line`` holds at most 2,000 points of a one-dimensional numeric array, evenly taken, to draw.
    """

    shape: Sequence[int]
    dtype: str
    low: float | None
    high: float | None
    mean: float | None
    rows: Sequence[Sequence[str]]
    truncated: bool
    line: Sequence[float | None] = ()
    is_: Literal["array"] = "array"


@dataclass(frozen=True, slots=True)
class TablePreview:
    """The first rows of a table as text; ``total`` is None where counting would cost a whole read."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: int | None
    is_: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class TextPreview:
    """Text, or JSON laid out; ``language`` is VS Code's language id."""

    text: str
    language: str
    truncated: bool
    is_: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class BinaryPreview:
    """What has no better preview. ``note`` says why (a pickle is never opened, say); ``head`` is a hex dump."""

    note: str
    head: str
    is_: Literal["binary"] = "binary"


Preview: TypeAlias = ImagePreview | ArrayPreview | TablePreview | TextPreview | BinaryPreview


@dataclass(frozen=True, slots=True)
class FilePreview:
    """A file of a tree and what it looks like, or why it cannot be shown."""

    file: ArtifactFile
    preview: Preview | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class OutputsParams:
    """Ask for all that a realization made: previews of its first files, its log and its curve."""

    rref: str


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a cell shows under its source. ``log`` is the end of it where it is long."""

    realization: Realization
    previews: Sequence[FilePreview]
    log: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class RecordParams:
    """Ask what is kept of a stage in a run, whether it made something or not."""

    run: str
    stage: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a stage printed and reported in a run. ``log`` is the end of it where it is long."""

    log: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class PinParams:
    """Pin a realization for this workspace, or take its pin away."""

    rref: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class CollectParams:
    """Collect what no pipeline reaches, nobody has pinned and nothing uses; without ``delete``, only tell.

    What other workspaces have reached in the last ``others`` seconds stays, too.
    """

    delete: bool = False
    others: float = 90 * 86400.0


@dataclass(frozen=True, slots=True)
class Garbage:
    """A realization that goes."""

    path: str
    stage: str
    at: float
    size: int


@dataclass(frozen=True, slots=True)
class SparedRealizations:
    """How many realizations stay because another workspace, a folder, has reached them, last at ``at``."""

    workspace: str
    at: float
    count: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected, or would be: the first of ``garbage``, which are ``count``.

    ``freed`` bytes with the ``leftovers`` that belong to nothing; ``kept`` realizations stay, with ``size`` bytes,
    ``in_use`` of them because a process uses them, the ``spared`` because other workspaces reach them.
    """

    garbage: Sequence[Garbage]
    count: int
    leftovers: int
    freed: int
    kept: int
    size: int
    in_use: int
    spared: Sequence[SparedRealizations] = ()


@dataclass(frozen=True, slots=True)
class VerifyParams:
    """Read all of the store; mend what is damaged if ``repair``."""

    repair: bool = False


@dataclass(frozen=True, slots=True)
class Damaged:
    """Something in the store that is not as it was stored; ``path`` is absolute."""

    kind: str
    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found, and what a repair did: objects moved to ``folder``, made anew, realizations forgotten."""

    damages: Sequence[Damaged]
    realizations: int
    size: int
    moved: int = 0
    mended: int = 0
    forgotten: int = 0
    folder: str = ""


@dataclass(frozen=True, slots=True)
class StoreProgress:
    """How far a long work on the store is: ``done`` of ``total`` things, 0 where that is not known."""

    work: Literal["collect", "verify"]
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A realization that could not be sent, because it, or something that it was made from, is not here any more."""

    rref: str
    why: str


@dataclass(frozen=True, slots=True)
class PackParams:
    """Write an archive of realizations, with all they were made from, to an absolute path."""

    rrefs: Sequence[str]
    target: str


@dataclass(frozen=True, slots=True)
class Packed:
    """How many realizations an archive holds, and its bytes; what could not be packed was left out."""

    path: str
    realizations: int
    size: int
    left_out: Sequence[LeftOut] = ()


@dataclass(frozen=True, slots=True)
class UnpackParams:
    """Take in the archive at an absolute path."""

    path: str


@dataclass(frozen=True, slots=True)
class Received:
    """How many realizations came in, with how many bytes, and how many were here already."""

    added: int
    known: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RemoteParams:
    """Push to, or pull from, the remote at a URL: a pipeline's stages as they now are, or everything without a path.

    A push with ``check`` reads what is there of them, and mends what is damaged.
    """

    remote: str
    path: str = ""
    profile: str = ""
    check: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """How many realizations were sent, with how many bytes, and how many were there already.

    ``mended`` are objects there that were damaged; what could not be sent was left out.
    """

    sent: int
    known: int
    bytes: int
    mended: int = 0
    left_out: Sequence[LeftOut] = ()


@dataclass(frozen=True, slots=True)
class StoreChanged:
    """Realizations came, went or were hidden, by this process or another: ask again for what is shown."""

    sequence: int


# --- jobs: engine -> host -> planner or worker -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolRunParams:
    """Run one job on ``pool`` (empty for the default): the host passes ``method`` and ``params`` to a worker.

    The job waits until a worker is free; ``job/changed`` tells when it begins. A worker that has imported another
    version of a project file answers ``stale``; the host then takes another. Cancelling this request cancels the job:
    an interrupt, then terminate, then kill.
    """

    job: str
    role: Literal["planner", "worker"]
    pool: str
    snapshot: str
    method: Literal["worker/plan", "worker/realize", "worker/match"]
    params: Json
    warm: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class JobDone:
    """The worker's answer."""

    result: Json
    is_: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The job failed, or its worker died; ``failure`` says which."""

    failure: Failure
    is_: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class JobStale:
    """The worker has imported another version of a project file: it must not be used for this snapshot."""

    is_: Literal["stale"] = "stale"


JobOutcome: TypeAlias = JobDone | JobFailed | JobStale


@dataclass(frozen=True, slots=True)
class JobChanged:
    """A job began on a worker, or waits for one again, since that worker had other sources."""

    job: str
    is_: Literal["waiting", "running"]


@dataclass(frozen=True, slots=True)
class JobLog:
    """What user code printed during a job."""

    job: str
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Points that user code reported during a job."""

    job: str
    points: Sequence[Point]
    fraction: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class PlanJob:
    """Import the pipeline file of a snapshot and say what it declares. ``root`` is the project, ``store`` the store.

    ``snapshot`` is an identity: the snapshot's JSON is at ``<store>/snapshots/ab/<id>.json`` (ab: two digits of it),
    the contents of its files at ``<store>/sources/ab/<sha256>``. Code may cache what it derives from contents in
    ``<store>/cache/``. A worker reads these files itself; it never opens the store's index.
    """

    job: str
    store: str
    root: str
    snapshot: str
    path: str
    sets: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage as running the pipeline file declared it.

    ``configuration`` holds the values of all configuration parameters, before any ``sets``. A derivation comes whole,
    as ``Derivation.as_json`` gives it, with ``dependencies`` naming the stages behind its roles. ``alias`` names the
    stage that this one only stands for: it has that stage's derivation and realizations, and no job of its own.

    ``match`` says which of its realizations stand for it: *latest*, *only*, or *custom*, where ``worker/match`` is
    asked; ``count`` is how many it wants, ``outputs`` how many one job makes. ``reach`` is the fingerprint of its
    code where that does not count. ``auxiliary`` are parameters of a reactor that do not count.
    """

    name: str
    function: str
    language: Literal["function", "derivation", "reactor"]
    configuration: Mapping[str, Json] = field(default_factory=dict)
    dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    derivation: Json = None
    span: Span | None = None
    doc: str = ""
    pool: str = ""
    match: str = "latest"
    alias: str = ""
    count: int = 1
    outputs: int = 1
    reach: str = ""
    auxiliary: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """What ``worker/plan`` answers, inside ``JobDone.result``: the stages, dependencies before dependants."""

    stages: Sequence[PlannedStage]
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class MatchJob:
    """Ask the matcher of ``stage`` about ``rrefs``, its realizations in the order they were made; as ``PlanJob``.

    ``stages`` is what it is in ``RealizeJob``.
    """

    job: str
    store: str
    root: str
    snapshot: str
    path: str
    stage: str
    dref: str
    rrefs: Sequence[str]
    sets: Mapping[str, Json] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matched:
    """What ``worker/match`` answers, inside ``JobDone.result``: those chosen, or None to ask for a new one."""

    rrefs: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class RealizeJob:
    """Run one stage. ``target`` is ``path:stage``; ``trees`` holds for each role the absolute folders it was given.

    ``realizations`` holds for each role the RRefs of those folders, ``sets`` the run's ``stage.parameter`` values,
    ``inputs`` the SHA-256 of each input file by its path, as in the derivation: the worker refuses other contents.

    ``across`` names the roles that stages of another language stand for, with what is received for each: a *value*,
    a list of *values*, all that a reactor *sent*, or the *ingredient* of the role's name. ``stages`` holds the DRefs of
    the stages that derivations of the file may name.

    The worker writes into ``scratch`` (which exists and is empty) and reports what it wrote.
    """

    job: str
    store: str
    root: str
    snapshot: str
    language: Literal["function", "derivation", "reactor"]
    path: str
    stage: str
    dref: str
    code: str
    configuration: Mapping[str, Json]
    trees: Mapping[str, Sequence[str]]
    scratch: str
    seed: int = 0
    sets: Mapping[str, Json] = field(default_factory=dict)
    realizations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    across: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WarmParams:
    """Import these third-party modules ahead of the first job, without a word where one is missing or fails."""

    modules: Sequence[str]


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file below ``scratch``: its path with ``/``, size, and the SHA-256 of its content."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Realized:
    """What a job wrote. ``warnings`` are sentences to show (a value had to be pickled, say).

    ``references``: the work read a reference as text, or a tree that is not a direct dependency's. It then depends on
    more than its action key tells, and must be found by derivation and context alone. ``instances``: it made several
    realizations at once, each in one of these folders below ``scratch``; every file is in one of them.

    ``reads`` is what it read of the project without declaring it: by name, as ``tracking.reads`` has them, SHA-256.
    ``derivation`` is what a reactor turned out to be once it had run, as ``Derivation.as_json`` gives it.
    """

    files: Sequence[WrittenFile]
    took: float
    peak_memory: int = 0
    warnings: Sequence[str] = ()
    references: bool = False
    instances: Sequence[str] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    derivation: Json = None


@dataclass(frozen=True, slots=True)
class LogMessage:
    """A line of the kernel's own log, for its output channel."""

    level: Literal["debug", "info", "warning", "error"]
    text: str


# --- calls of operations ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenParams:
    """Make an operator ready for calls: its first request after ``initialize``.

    ``entry`` is a module, looked for in ``paths`` first, or the absolute path of a script (it ends in ``.py``).
    ``modules`` are imported and ``script`` is run before it. ``journal`` is the file in which calls are noted;
    ``memory`` limits what the process may take, in bytes, where that is above 0. From ``inline`` on, a value's bytes
    travel in a file beside the journal (its path with a number behind), below that in the text.
    """

    entry: str
    journal: str
    paths: Sequence[str] = ()
    modules: Sequence[str] = ()
    script: str = ""
    memory: int = 0
    inline: int = 131072


@dataclass(frozen=True, slots=True)
class Opened:
    """The operations that the entry module holds, or why it could not be opened."""

    operations: Sequence[str]
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class CallParams:
    """Run one operation. ``call`` numbers the pool's calls, from 1.

    ``arguments`` is a value as ``worker.exchange`` writes it: a list of positional or an object of named arguments.
    With a ``fence`` above 0 the operation is a method of the session's object: the one that ``worker/session`` made
    with this fence, or the call is refused.
    """

    call: int
    operation: str
    arguments: str
    fence: int = 0


@dataclass(frozen=True, slots=True)
class SessionParams:
    """Make the object of a session: an instance of the class ``kind`` of the entry module.

    It is made with ``arguments``, or from the file ``checkpoint`` where that is not empty. Higher fences come later.
    """

    call: int
    fence: int
    kind: str
    arguments: str
    checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointParams:
    """Write the session's object into the file ``path``, which then holds the old or the new one whole."""

    call: int
    fence: int
    path: str


@dataclass(frozen=True, slots=True)
class CallDone:
    """What the operation returned, as ``worker.exchange`` writes it."""

    value: str
    is_: Literal["ok"] = "ok"


@dataclass(frozen=True, slots=True)
class CallFailed:
    """The operation raised, was interrupted, or could not be called."""

    failure: Failure
    is_: Literal["error"] = "error"


CallOutcome: TypeAlias = CallDone | CallFailed


@dataclass(frozen=True, slots=True)
class StreamParams:
    """Begin to stream what an operation yields; as ``CallParams``. The worker serves nothing else until it is over."""

    call: int
    operation: str
    arguments: str
    fence: int = 0


@dataclass(frozen=True, slots=True)
class NextParams:
    """Give the next chunks: at most ``most``, of some ``size`` bytes together, and what there is after ``seconds``.

    One is always waited for, unless the stream is over.
    """

    call: int
    most: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Chunks:
    """What came next, as ``worker.exchange`` writes it; ``over`` says that nothing comes after it."""

    values: Sequence[str]
    over: bool
    is_: Literal["chunks"] = "chunks"


StreamOutcome: TypeAlias = Chunks | CallFailed


@dataclass(frozen=True, slots=True)
class CloseParams:
    """Nobody reads the stream any more: what yields it is closed."""

    call: int


@dataclass(frozen=True, slots=True)
class CallLog:
    """What user code printed during a call; 0 for what came between calls."""

    call: int
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class ToolParams:
    """During ``call``, ask for a function of the host; ``arguments`` as in ``CallParams``."""

    call: int
    tool: str
    arguments: str


# --- methods ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Method:
    """A method: who asks whom, with what, and what is answered; ``result`` is None for a notification."""

    name: str
    towards: Literal["engine", "host", "worker"]
    params: type
    result: object | None


METHODS: tuple[Method, ...] = (
    Method("initialize", "engine", InitializeParams, InitializeResult),
    Method("shutdown", "engine", Empty, Empty),
    Method("pipeline/plan", "engine", PlanParams, Plan),
    Method("pipeline/why", "engine", WhyParams, Why),
    Method("pipeline/profiles", "engine", Empty, Profiles),
    Method("run/start", "engine", RunParams, RunStarted),
    Method("run/cancel", "engine", RunRef, Empty),
    Method("stage/invalidate", "engine", InvalidateParams, Invalidated),
    Method("stage/undo", "engine", UndoParams, Undone),
    Method("store/artifacts", "engine", ArtifactsParams, Artifacts),
    Method("store/preview", "engine", FileParams, FilePreview),
    Method("store/outputs", "engine", OutputsParams, Outputs),
    Method("store/record", "engine", RecordParams, RunRecord),
    Method("store/locate", "engine", FileParams, Located),
    Method("store/export", "engine", ExportParams, Located),
    Method("store/describe", "engine", FileParams, Described),
    Method("store/pin", "engine", PinParams, Empty),
    Method("store/collect", "engine", CollectParams, Collected),
    Method("store/verify", "engine", VerifyParams, Verified),
    Method("store/pack", "engine", PackParams, Packed),
    Method("store/unpack", "engine", UnpackParams, Received),
    Method("store/push", "engine", RemoteParams, Pushed),
    Method("store/pull", "engine", RemoteParams, Received),
    Method("run/changed", "host", RunChanged, None),
    Method("run/log", "host", RunLog, None),
    Method("run/progress", "host", RunProgress, None),
    Method("store/changed", "host", StoreChanged, None),
    Method("store/progress", "host", StoreProgress, None),
    Method("log/message", "host", LogMessage, None),
    Method("pool/run", "host", PoolRunParams, JobOutcome),
    Method("job/changed", "engine", JobChanged, None),
    Method("job/log", "engine", JobLog, None),
    Method("job/progress", "engine", JobProgress, None),
    Method("worker/plan", "worker", PlanJob, JobOutcome),
    Method("worker/realize", "worker", RealizeJob, JobOutcome),
    Method("worker/match", "worker", MatchJob, JobOutcome),
    Method("worker/warm", "worker", WarmParams, Empty),
    Method("worker/open", "worker", OpenParams, Opened),
    Method("worker/call", "worker", CallParams, CallOutcome),
    Method("worker/session", "worker", SessionParams, CallOutcome),
    Method("worker/checkpoint", "worker", CheckpointParams, CallOutcome),
    Method("worker/stream", "worker", StreamParams, CallOutcome),
    Method("worker/next", "worker", NextParams, StreamOutcome),
    Method("worker/close", "worker", CloseParams, CallOutcome),
    Method("call/log", "host", CallLog, None),
    Method("call/tool", "host", ToolParams, CallOutcome),
)
