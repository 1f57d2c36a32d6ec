"""One reactor run by the engine, in a worker: what it may receive has been made before."""

from __future__ import annotations

import copy
import difflib
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from stageloom.artifacts.values import given
from stageloom.model.values import Json, from_json
from stageloom.pyplant.commands import IngredientAwaitedCommand, SubreactorStartedCommand
from stageloom.pyplant.config import ConfigBase
from stageloom.pyplant.declare import Declared
from stageloom.pyplant.pipework import Pipework
from stageloom.pyplant.warehouse import Types
from stageloom.reactors.code import Codes
from stageloom.reactors.configuration import answer
from stageloom.reactors.language import tree_hashes
from stageloom.reactors.outlet import Outlet, Sent, sent_in
from stageloom.reactors.reading import plant_of
from stageloom.reactors.running import NobodySendsError, Reactor, Running
from stageloom.reactors.trace import Kind, Step, content_of_trees, derivation_of
from stageloom.reactors.values import described_or_none
from stageloom.rpc.messages import PlannedStage, RealizeJob


class NoReactorError(LookupError):
    """The file does not mark the reactor that was planned, once it is loaded."""


def plan(module: ModuleType, content: bytes, root: str) -> list[PlannedStage]:
    """Return the reactors that loading ``module`` has marked, with the configuration of the plant that it makes."""
    reactors = _functions(module, content, root)
    config = _config(module, content, {})
    codes = Codes()
    described = {name: described_or_none(value, codes.of) for name, value in config._parameters().items()}
    configuration: dict[str, Json] = {name: one[0] for name, one in described.items() if one is not None}
    auxiliary = [name for name in described if config.is_auxiliary(name)]
    return [
        PlannedStage(name=name, function=name, language="reactor", configuration=configuration, auxiliary=auxiliary)
        for name in reactors
    ]


def execute(
    job: RealizeJob, module: ModuleType, content: bytes, code_of: Callable[[str, str], str]
) -> tuple[Json, tuple[str, ...]]:
    """Run the reactor that ``job`` names, which writes below the job's scratch folder.

    Returns its derivation as JSON, known only now, and sentences to show.

    Raises:
        NoReactorError: where ``module`` has no such reactor.
        stageloom.reactors.running.NobodySendsError: for an ingredient that nothing it was planned to need sends.
    """
    functions = _functions(module, content, job.root)
    if job.stage not in functions:
        raise NoReactorError(f"{job.path} marks no reactor {job.stage!r} once it is loaded.")
    function = functions[job.stage]
    plant = plant_of(module, content)
    sets = {key.removeprefix(f"{job.stage}."): from_json(value) for key, value in job.sets.items()}
    config = _config(module, content, {key: value for key, value in sets.items() if "." not in key})
    logger = logging.getLogger("pyplant")
    types: Types = plant._types if plant is not None else Types(logger)
    codes = Codes()

    def ask(kind: Kind, path: tuple[str, ...]) -> Json:
        return None if config.is_auxiliary(path[0]) else answer(config._parameters(), kind, path, codes.of)

    running = Running(Reactor(job.stage, lambda: job.code, _never), job.code, Outlet(Path(job.scratch), code_of))
    sent = _sent(trees for role, trees in job.trees.items() if role not in job.across)

    def receive(name: str) -> object:
        if running.outlet.has(name):
            return types.read(name, running.outlet.unhashed(name), running.outlet.folder)
        if name in sent:
            one, folder = sent[name]
            running.asked("ingredient", (name,), one.content)
            return types.read(name, one, folder)
        if name in job.across:
            made, several = [Path(tree) for tree in job.trees[name]], job.across[name] == "values"
            running.asked("ingredient", (name,), content_of_trees([one.name for one in made], several=several))
            return [given(one) for one in made] if several or len(made) > 1 else given(made[0])
        raise NobodySendsError(_nobody(job, name, [*sent, *job.across]))

    pipe = Pipework(running, types, config, logger, ask, lambda _running, _name: None, lambda: _temporary(job))
    _drive(function(pipe, pipe.config) if len(inspect.signature(function).parameters) == 2 else function(pipe), receive)
    for close in running.closing:
        close()
    if running.temporary is not None:
        import shutil

        shutil.rmtree(running.temporary, ignore_errors=True)
    running.outlet.finish()
    trace = [Step(kind, path, told) for (kind, path), told in running.steps.items() if told is not None]
    return derivation_of(job.stage, job.code, trace).as_json(), tuple(running.outlet.warnings)


def _nobody(job: RealizeJob, name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    told = f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(sorted(known))}." if known else ""
    return (
        f"{job.stage!r} waits for the ingredient {name!r}, and neither is a reactor seen in the source to send it nor "
        f"is a stage called so.{told} Name the ingredient in the reactor that sends it, or run the plant itself."
    )


def receive_in(module: ModuleType, content: bytes) -> Callable[[Sequence[Path], str | None], object]:
    """Return what reads an ingredient of a name for a stage of another language, or all that a reactor sent.

    It is given the folders of the runs that may have sent it, and raises NobodySendsError where none has.
    """
    plant = plant_of(module, content)
    types: Types = plant._types if plant is not None else Types(logging.getLogger("pyplant"))

    def receive(folders: Sequence[Path], name: str | None) -> object:
        sent = _sent([[str(folder) for folder in folders]])
        if name is None:
            return {key: types.read(key, one, folder) for key, (one, folder) in sent.items()}
        if name not in sent:
            told = f" There are: {', '.join(sorted(sent))}." if sent else ""
            raise NobodySendsError(
                f"No reactor sent the ingredient {name!r}, though one is seen in the source to.{told} Send it in any "
                "case, or take the parameter away."
            )
        one, folder = sent[name]
        return types.read(name, one, folder)

    return receive


def _drive(generator: object, receive: Callable[[str], object]) -> None:
    if not inspect.isgenerator(generator):
        return
    value: Any = None
    while True:
        try:
            value = generator.send(value)
        except StopIteration:
            return
        if type(value) is IngredientAwaitedCommand:
            value = receive(value.ingredientName)
        elif type(value) is SubreactorStartedCommand:
            value = None


def _temporary(job: RealizeJob) -> Path:
    folder = Path(job.scratch) / ".temporary"
    folder.mkdir(exist_ok=True)
    return folder


def _sent(trees: Iterable[Sequence[str]]) -> dict[str, tuple[Sent, Path]]:
    """Return the ingredients in the folders of runs that the job was given."""
    found: dict[str, tuple[Sent, Path]] = {}
    for folder in dict.fromkeys(Path(one) for folders in trees for one in folders):
        found.update((name, (sent, folder)) for name, sent in sent_in(folder, tree_hashes(folder)).items())
    return found


def _functions(module: ModuleType, content: bytes, root: str) -> dict[str, Callable[..., Any]]:
    """Return the reactors of the plant that a file makes, else all of the project that were marked, by name."""
    plant = plant_of(module, content)
    added = plant.get_reactors() if plant is not None else []
    below = os.path.join(os.path.abspath(root), "")
    own = [one for one in Declared.reactors if one.__code__.co_filename.startswith(below)]
    return {one.__name__: one for one in added or own}


def _config(module: ModuleType, content: bytes, sets: Mapping[str, object]) -> ConfigBase:
    plant = plant_of(module, content)
    config: ConfigBase = copy.copy(plant.config) if plant is not None else ConfigBase()
    for name, value in sets.items():
        object.__setattr__(config, name, value)
    return config


def _never(running: Running) -> Any:
    raise AssertionError(f"{running.reactor.name} is run here, not by a session")
