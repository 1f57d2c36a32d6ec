"""What a pipeline stands for in the store as it now is: what its stages chose, what would have them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from stageloom.engine.language import CannotPlanError, Check, never
from stageloom.engine.profiles import read_profiles, with_profile
from stageloom.engine.project import UnknownParameterError, blocking_problems, stages_named
from stageloom.engine.status import Standing, standings
from stageloom.engine.workspace import Workspace
from stageloom.model.references import DRef, RRef
from stageloom.model.values import Json
from stageloom.store.errors import StoreError


def pipelines_made(workspace: Workspace) -> list[str]:
    """Return the pipeline files that something here was made by and that are still there."""
    paths = sorted({one.path for one in workspace.store.history(hidden=True)})
    return [path for path in paths if path and os.path.isfile(workspace.root / path)]


def reached(workspace: Workspace, path: str, *, check: Check = never) -> set[RRef]:
    """Return what the pipeline at ``path`` reaches as it is now, plainly and with each profile.

    All that it ever made where that can't be told. ``check`` is called now and then; what it raises ends it.
    """
    try:
        profiles = ["", *read_profiles(workspace.root)]
        found: set[RRef] = set()
        for profile in profiles:
            found |= _reached(workspace, path, with_profile(workspace.root, profile, path, {}), check)
    except (CannotPlanError, UnknownParameterError, LookupError, StoreError, OSError, ValueError):
        return {one.rref for one in workspace.store.history(path, hidden=True)}
    return found


def _reached(workspace: Workspace, path: str, sets: Mapping[str, Json], check: Check) -> set[RRef]:
    store = workspace.store
    pipeline = workspace.read(path, sets=sets, check=check)
    if blocking_problems(pipeline, ()):
        raise LookupError(path)
    found: set[RRef] = set()
    for name, one in standings(store, pipeline).items():
        if one.looked is None:  # what it depends on has to run first: any of its own may be the right one then
            found.update(old.rref for old in store.history(path, name))
        else:
            found.update(chosen(one))
    return found


def chosen(standing: Standing) -> Sequence[RRef]:
    """Return the realizations that stand for a stage."""
    looked = standing.looked
    if looked is None or looked.choice is None:
        return ()
    return looked.choice.rrefs if looked.recorded else ()


def derivations(
    workspace: Workspace,
    path: str,
    stages: Sequence[str],
    sets: Mapping[str, Json] | None = None,
    check: Check = never,
) -> list[DRef]:
    """Return what ``stages``, and all they need, would be made of, as far as the source tells."""
    pipeline = workspace.read(path, sets=sets, check=check)
    names = stages_named(pipeline, stages) or list(pipeline.targets)
    wanted = set(names)
    for name in reversed(list(pipeline.targets)):
        if name in wanted:
            wanted.update(other for needed in pipeline.targets[name].dependencies.values() for other in needed)
    return [target.dref for name, target in pipeline.targets.items() if name in wanted and target.dref is not None]
