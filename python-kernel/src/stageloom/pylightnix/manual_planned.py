"""This face in a pipeline file that the engine runs: its derivations among the engine's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path as SystemPath
from typing import Any, cast

from stageloom.derivations.build import Build as PlannedBuild
from stageloom.derivations.build import Realizer as PlannedRealizer
from stageloom.derivations.configuration import Config as PlannedConfig
from stageloom.derivations.manager import Manager as PlannedManager
from stageloom.derivations.matching import Choose, describe
from stageloom.derivations.matching import Matcher as PlannedMatcher
from stageloom.model.references import DRef as ModelDRef
from stageloom.model.references import RRef as ModelRRef
from stageloom.pylightnix.gathering import gather
from stageloom.pylightnix.manual_build import FOLDERS
from stageloom.pylightnix.manual_matching import Counted, Only
from stageloom.pylightnix.manual_references import as_context
from stageloom.pylightnix.manual_storage import meaning, opened
from stageloom.pylightnix.manual_types import (
    Config,
    Context,
    DRef,
    Matcher,
    Realizer,
    RRef,
    StorageSettings,
    UsageError,
    model_rref,
)
from stageloom.pylightnix.view import View


def add_planned(m: PlannedManager, config: Config, matcher: Matcher, realizer: Realizer) -> DRef:
    """Make a derivation for the engine; see :func:`stageloom.pylightnix.manual.mkdrv`."""
    caller = sys._getframe(2)  # noqa: SLF001  # who calls mkdrv says which stage this is
    dref = m.add(PlannedConfig(config.val), _matcher(matcher), _realizer(realizer), caller, counts=False)
    return DRef(dref)


def redefine_planned(
    m: PlannedManager,
    stage: Callable[[], DRef],
    change: Callable[[dict[str, Any]], Config],
    matcher: Matcher | None,
    realizer: Realizer | None,
) -> DRef:
    """Make a derivation of the engine's anew; see :func:`stageloom.pylightnix.manual.redefine`."""
    return DRef(
        m.redefine(
            stage,
            lambda old: PlannedConfig(change(_copy(old)).val),
            _matcher(matcher) if matcher is not None else None,
            _realizer(realizer) if realizer is not None else None,
        )
    )


def origin(realizer: Any, store: SystemPath) -> str:
    """Return the file that a realizer is written in, relative to the workspace of ``store`` where it is below that."""
    code = getattr(_function(realizer), "__code__", None)
    named = code.co_filename if code is not None else getattr(sys.modules.get("__main__"), "__file__", None)
    file = SystemPath(named or "")
    root = store.parent.parent
    return file.relative_to(root).as_posix() if file.is_absolute() and file.is_relative_to(root) else file.name


def _copy(config: PlannedConfig) -> dict[str, Any]:
    return Config(dict(config.value)).val


def _function(realizer: Any) -> Any:
    return getattr(realizer, "function", realizer)


def _matcher(matcher: Matcher) -> PlannedMatcher:
    if isinstance(matcher, Only):
        return PlannedMatcher("only")
    if isinstance(matcher, Counted) and matcher.kind == "latest":
        return PlannedMatcher("latest", matcher.n)
    count = matcher.n if isinstance(matcher, Counted) else 1
    return PlannedMatcher("custom", count, _choose(matcher), f"{count} {describe(matcher)}")


def _choose(matcher: Matcher) -> Choose:
    def choose(store: SystemPath, rrefs: Sequence[ModelRRef]) -> Sequence[ModelRRef] | None:
        with meaning(str(store)):
            answer: Any = matcher(StorageSettings(str(store)), [RRef(one) for one in rrefs])
        if answer is None:
            return None
        # what is wrong with another answer is told by who asks
        listed = isinstance(answer, Iterable) and not isinstance(answer, str)
        return [model_rref(one) for one in answer] if listed else cast("Sequence[ModelRRef]", answer)

    return choose


def _realizer(realizer: Realizer) -> PlannedRealizer:
    outputs = getattr(realizer, "nouts", None) or 1
    return PlannedRealizer(lambda build: _run(realizer, build), outputs, _function(realizer), own_folders=True)


def _run(realizer: Realizer, build: PlannedBuild) -> None:
    """Run a realizer as a job: what it writes goes below the job's own folder."""
    store = SystemPath(build.store)
    S = StorageSettings(str(store))
    dref = DRef(build.dref)
    build.read_references = True  # it is found by derivation and context alone: this face has no early cutoff
    with meaning(str(store)):
        view = opened(S).view
        view.note(build.plans(build.dref)[0])
        made: list[str] = []

        def folder() -> str:
            made.append(str(build.outpath / f"instance-{len(made)}"))
            os.mkdir(made[-1])
            return made[-1]

        FOLDERS[str(dref)] = folder
        try:
            paths: Any = realizer(S, dref, _context(build, view), {})
        finally:
            del FOLDERS[str(dref)]
    if isinstance(paths, str) or not isinstance(paths, Iterable):
        raise UsageError(f"the realizer of {dref} must return a list of folders, not {paths!r:.60}")
    folders = [SystemPath(path) for path in dict.fromkeys(paths)]
    if not folders:
        raise UsageError(f"the realizer of {dref} returned no folder")
    gather(build, folders)


def _context(build: PlannedBuild, view: View) -> Context:
    """Return all that is below the direct dependencies, with these."""
    whole: dict[ModelDRef, dict[ModelRRef, None]] = {}
    for dref, several in build.chosen.items():
        for chosen in several:
            if chosen.rref is None:
                raise UsageError(f"which realization stands for {dref} was not told with the job")
            whole.setdefault(dref, {})[chosen.rref] = None
            for deeper, its in view.context(chosen.rref).items():
                whole.setdefault(deeper, {}).update(dict.fromkeys(its))
    return as_context({dref: sorted(rrefs) for dref, rrefs in sorted(whole.items())})
