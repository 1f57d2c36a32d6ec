"""This face in a pipeline file that the engine runs: its derivations among the engine's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path as SystemPath
from types import SimpleNamespace
from typing import Any, cast

from stageloom.derivations.build import Build as PlannedBuild
from stageloom.derivations.build import Realizer as PlannedRealizer
from stageloom.derivations.configuration import Config as PlannedConfig
from stageloom.derivations.manager import Manager as PlannedManager
from stageloom.derivations.matching import Choose, describe
from stageloom.derivations.matching import Matcher as PlannedMatcher
from stageloom.model.references import RRef as ModelRRef
from stageloom.pylightnix.configuration import cfgdict, mkconfig, plain, planned
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.gathering import gather
from stageloom.pylightnix.references import model_rref
from stageloom.pylightnix.settings import current_storage
from stageloom.pylightnix.storage import Storage, opened
from stageloom.pylightnix.types import (
    FUNCTION,
    KIND,
    Config,
    Context,
    DRef,
    Matcher,
    Path,
    Realizer,
    RRef,
    StorageSettings,
)


def add_planned(
    m: PlannedManager, config: Config, matcher: Matcher, realizer: Realizer, made_by: Callable[..., Any] | None
) -> DRef:
    """Make a derivation for the engine; ``made_by`` is the function that became a stage by a decorator."""
    caller: Any = sys._getframe(2)  # noqa: SLF001  # who calls mkdrv says which stage this is
    code = getattr(made_by, "__code__", None)
    if code is not None:
        caller = SimpleNamespace(f_code=code, f_back=caller)
    dref = m.add(_plain(config), _matcher(matcher), _realizer(realizer), caller, counts=False)
    return DRef(str(dref))


def redefine_planned(
    m: PlannedManager,
    stage: Callable[[], DRef],
    change: Callable[[dict[str, Any]], Any],
    matcher: Matcher | None,
    realizer: Realizer | None,
) -> DRef:
    """Make a derivation of the engine's anew; see :func:`stageloom.pylightnix.redefine`."""

    def changed(old: PlannedConfig) -> PlannedConfig:
        config = cfgdict(Config(dict(old.value)))
        other = change(config)
        new = other if isinstance(other, Config) else mkconfig(other if isinstance(other, dict) else config)
        return _plain(new)

    made = m.redefine(
        stage,
        changed,
        _matcher(matcher) if matcher is not None else None,
        _realizer(realizer) if realizer is not None else None,
    )
    return DRef(str(made))


def _plain(config: Config) -> PlannedConfig:
    value = plain(config.val, "config")
    assert isinstance(value, dict)
    return PlannedConfig(value)


def _matcher(matcher: Matcher) -> PlannedMatcher:
    kind, count = getattr(matcher, KIND, ("custom", 1))
    if kind == "only":
        return PlannedMatcher("only")
    if kind == "latest":
        return PlannedMatcher("latest", count)
    return PlannedMatcher("custom", count, _choose(matcher), f"{count} {describe(matcher)}")


def _choose(matcher: Matcher) -> Choose:
    def choose(store: SystemPath, rrefs: Sequence[ModelRRef]) -> Sequence[ModelRRef] | None:
        S = _settings(store)
        with current_storage(S):
            answer: Any = matcher(S, [RRef(str(one)) for one in rrefs])
        if answer is None:
            return None
        # what is wrong with another answer is told by who asks
        listed = isinstance(answer, Iterable) and not isinstance(answer, str)
        return [model_rref(one) for one in answer] if listed else cast("Sequence[ModelRRef]", answer)

    return choose


def _realizer(realizer: Realizer) -> PlannedRealizer:
    code = getattr(realizer, FUNCTION, realizer)
    return PlannedRealizer(lambda build: _run(realizer, build), own_folders=True, code=code)


def _run(realizer: Realizer, build: PlannedBuild) -> None:
    """Run a realizer as a job: what it writes goes below the job's own folder."""
    S = _settings(build.store)
    dref = DRef(str(build.dref))
    build.read_references = True  # it is found by derivation and context alone: this face has no early cutoff
    with current_storage(S):
        storage = opened(S)
        _tell(storage, build)
        folders = realizer(S, dref, _context(storage, build), {})
    check(isinstance(folders, list) and folders, f"the realizer of {dref} returned {folders!r:.80}, no list of folders")
    gather(build, [SystemPath(folder) for folder in dict.fromkeys(folders)])


def _settings(store: SystemPath) -> StorageSettings:
    return StorageSettings(Path(str(store.parent)), Path(str(store)), Path(str(store / "scratch")))


def _tell(storage: Storage, build: PlannedBuild) -> None:
    """Let the storage know what is built and all it depends on, which the engine may not have stored yet."""
    pending = [build.dref]
    while pending:
        derivation, _ = build.plans(pending.pop())
        told = planned(derivation)
        if told.dref not in storage.plans:
            storage.plans[told.dref] = told
            pending.extend(one for several in derivation.dependencies.values() for one in several)


def _context(storage: Storage, build: PlannedBuild) -> Context:
    whole: dict[str, set[str]] = {}
    for dref, several in build.chosen.items():
        for chosen in several:
            if chosen.rref is None:
                raise CheckError(f"which realization stands for {dref} was not told with the job")
            whole.setdefault(str(dref), set()).add(str(chosen.rref))
            for deeper, its in storage.folders.context(chosen.rref).items():
                whole.setdefault(str(deeper), set()).update(map(str, its))
    return {DRef(dref): [RRef(one) for one in sorted(rrefs)] for dref, rrefs in sorted(whole.items())}
