"""The engine in the caller's own process: what the command line and ``stageloom.load`` rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from stageloom.engine import standing
from stageloom.engine.language import AskPlanner, Executor, Language, Pipeline, Target
from stageloom.engine.profiles import with_profile
from stageloom.engine.project import blocking_problems, stages_named
from stageloom.engine.schedule import StageState
from stageloom.engine.telling import Entry
from stageloom.engine.want import Want
from stageloom.engine.within import is_within, tell
from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.functions.inputs import input_names
from stageloom.functions.language import Functions
from stageloom.model.values import Json, to_json
from stageloom.rpc.messages import Failure, Point, Problem
from stageloom.store.pins import workspace_name
from stageloom.store.store import Store
from stageloom.tracking.blobs import Blobs
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot


class _OnUse:
    """A language whose package is imported for a file that could be written in it: one that has one of ``words``."""

    def __init__(self, make: Callable[[], Language], *words: bytes) -> None:
        self._make = make
        self._words = words

    def speaks(self, snapshot: Snapshot, path: str, wanted: Sequence[Want] = ()) -> bool:
        """Return whether the file at ``path``, or one that it imports and wants stages of, has some of the language."""
        if path not in snapshot.files:
            return False
        looked_at = snapshot.files if wanted else (path,)
        mentioned = any(word in content for content in map(snapshot.read, looked_at) for word in self._words)
        return mentioned and self._make().speaks(snapshot, path, wanted)

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
        """Return the file's stages and its problems, as the language does."""
        return self._make().read(snapshot, path, code, ask, sets, blobs, wanted)


def _derivations() -> Language:
    from stageloom.derivations.language import Derivations

    return Derivations()


def _reactors() -> Language:
    from stageloom.reactors.language import Reactors

    return Reactors()


#: The ways a stage can be written.
LANGUAGES: Sequence[Language] = (
    Functions(),
    _OnUse(_derivations, b"derivations", b"pylightnix"),
    _OnUse(_reactors, b"pyplant"),
)


class NotRealizedError(LookupError):
    """What was asked for is not cached; the message says how to get it."""


class SourceError(ValueError):
    """What is wrong in the source keeps a stage from being planned; ``problems`` says what, and where."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(f"{first.span.path}:{first.span.line + 1}: {first.message}")


class StageFailedError(RuntimeError):
    """A stage failed; ``failure`` says how."""

    def __init__(self, stage: str, failure: Failure) -> None:
        self.stage = stage
        self.failure = failure
        super().__init__(f"{stage} failed: {failure.message}")


@contextmanager
def open_workspace(root: Path, store: Path, *, create: bool = True, pins: bool = True) -> Iterator[Workspace]:
    """Open the workspace at ``root`` with its store; jobs run in this process. Its pins count if ``pins`` is true."""
    with Store.open(store, create=create, workspace=workspace_name(root, store) if pins else "") as opened:
        yield Workspace(root, opened, LANGUAGES, InlineExecutor())


@contextmanager
def executor_for(jobs: int, root: Path) -> Iterator[Executor | None]:
    """Yield what runs so many stages side by side, None for this process; raises ValueError for none at all."""
    _check_jobs(jobs)
    if jobs == 1:
        yield None
        return
    from stageloom.executors.processes import ProcessExecutor

    with ProcessExecutor(jobs, root) as executor:
        yield executor


def _check_jobs(jobs: int) -> None:
    if jobs < 1:
        raise ValueError(f"jobs must be 1 or more, not {jobs}")


def load(
    target: str,
    *,
    sets: Mapping[str, object] | None = None,
    profile: str = "",
    root: str | None = None,
    store: str | None = None,
) -> object:
    """Return what a stage made, as it stands now: its return value, or the folder of its files if it has none.

    A list of them, where its ``match=`` takes several. On a CI (the variable ``CI`` is set) pins do not count.

    ``target`` is ``"pipeline.py:stage"``, without a stage the file's last; ``sets`` maps ``stage.parameter`` to another
    value than the default, ``profile`` names one in ``stageloom.json``.

    Raises:
        NotRealizedError: when it isn't cached; nothing is run.
        SourceError: when a problem in the source keeps it from being planned.
        ValueError: for a file, stage or parameter that there isn't, with the closest there is.
        TypeError: for a value in ``sets`` that cannot be configuration.
        stageloom.store.errors.StoreError: when the store cannot be opened, or what was made is damaged.
    """
    stood = _standing(target, root, store) if not sets and not profile and not is_within() else None
    if stood is not None:
        return stood[0]
    with _opened(target, sets, profile, root, store) as (workspace, pipeline, name):
        found = _stored(workspace, pipeline, name, target)
        _tell(workspace, pipeline)
        return found


def realize(
    target: str,
    *,
    sets: Mapping[str, object] | None = None,
    profile: str = "",
    root: str | None = None,
    store: str | None = None,
    jobs: int = 1,
) -> object:
    """Run what is missing of a stage and all it depends on, and return it as :func:`load` does.

    Stages run in this process, one after the other; with ``jobs`` above 1 so many at a time, in processes of their own.

    Raises:
        StageFailedError: naming the stage that failed first.
        SourceError, ValueError, TypeError, stageloom.store.errors.StoreError: as :func:`load` does.
    """
    _check_jobs(jobs)
    plain = not sets and not profile
    stood = _standing(target, root, store) if plain and not is_within() else None
    if stood is not None:
        return stood[0]
    with _opened(target, sets, profile, root, store) as (workspace, pipeline, name):
        with executor_for(jobs, workspace.root) as executor:
            run = workspace.run(pipeline, [name], _Quiet(), executor=executor)
            _refuse(pipeline, run.order)
            result = run.execute()
        if result.first_failure is not None:
            failure = result.entries[result.first_failure].failure
            assert failure is not None
            raise StageFailedError(result.first_failure, failure)
        found = result.entries[name].found
        if found is None:
            raise StageFailedError(name, Failure("cancelled", "cancelled"))
        _tell(workspace, pipeline)
        if plain:
            from stageloom.cli.place import no_pins

            made = {one: result.entries[one].found for one in run.order}
            chosen = {one: known.rref for one, known in made.items() if known is not None}
            standing.keep(workspace.store, pipeline, no_pins(), chosen, input_names)
        if pipeline.targets[name].plural:
            return _stored(workspace, pipeline, name, target)
        return _value(workspace.store.tree(found.tree), workspace.root)


def _tell(workspace: Workspace, pipeline: Pipeline) -> None:
    """Tell the stage that asks, where one does, what its asking rests on: sources, inputs, what was read."""
    if not is_within():
        return
    from stageloom.engine.status import standings

    reads = dict(pipeline.snapshot.files)
    standing = standings(workspace.store, pipeline)
    for name, target in pipeline.targets.items():
        looked = standing[name].looked
        if target.derivation is not None and looked is not None and looked.found is not None:
            reads.update({**target.derivation.inputs, **looked.found.reads})
    tell(str(workspace.root), reads)


def _standing(target: str, root: str | None, store: str | None) -> tuple[object] | None:
    """Return what a stage made, where all that this rests on is as it was when it was found before."""
    from stageloom.cli import place

    try:
        folder, path, stages, home = place.locate([target], root, store)
        stood = standing.recall(home, folder, path, place.no_pins(), input_names)
        if stood is None:
            return None
        last = stood.named(stages)[-1]
        if not stood.holds(stood.closure([stood.names[last]])):
            return None
    except (LookupError, place.UsageError):  # said below, in full
        return None
    return (_value(Path(stood.tree(last)), Path(folder)),)


def _stored(workspace: Workspace, pipeline: Pipeline, name: str, target: str) -> object:
    from stageloom.engine.status import standings

    looked = standings(workspace.store, pipeline)[name].looked
    if looked is None or looked.choice is None:
        raise NotRealizedError(f"{target} isn't cached; run: stageloom realize {target}")
    values = [_value(workspace.store.tree(tree), workspace.root) for tree in looked.choice.trees]
    return values if len(values) > 1 else values[0]


@contextmanager
def _opened(
    target: str, sets: Mapping[str, object] | None, profile: str, root: str | None, store: str | None
) -> Iterator[tuple[Workspace, Pipeline, str]]:
    from stageloom.cli.place import heeds_pins
    from stageloom.cli.target import find_place

    place = find_place([target], root, store)
    given = {key: to_json(value, key) for key, value in (sets or {}).items()}
    with open_workspace(place.root, place.store, pins=heeds_pins()) as workspace:
        pipeline = workspace.read(place.path, sets=with_profile(place.root, profile, place.path, given))
        names = stages_named(pipeline, place.stages)
        _refuse(pipeline, names)
        if not names:
            raise ValueError(f"{place.path} has no stages: mark functions at its top level with @stage")
        yield workspace, pipeline, names[-1]


def _refuse(pipeline: Pipeline, stages: Sequence[str]) -> None:
    problems = blocking_problems(pipeline, stages)
    if problems:
        raise SourceError(problems)


def _value(tree: Path, root: Path) -> object:
    import sys

    from stageloom.artifacts.values import given

    if str(root) not in sys.path:
        sys.path.append(str(root))
    return given(tree)


class _Quiet:
    """Hears and says nothing."""

    def changed(self, stage: str, state: StageState, entry: Entry) -> None:
        """Say nothing."""

    def log(self, stage: str, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Say nothing."""

    def progress(self, stage: str, points: Sequence[Point], fraction: float | None, message: str) -> None:
        """Say nothing."""
