"""How a pipeline stands before anything runs, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from stageloom.engine.language import AskMatcher, CannotPlanError, Pipeline, Target
from stageloom.engine.look import Choice, Looked, look
from stageloom.engine.observed import Observed
from stageloom.model.classes import dataclass
from stageloom.store.found import Found
from stageloom.store.store import Store

State = Literal["cached", "stale", "absent", "unknown", "broken"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage as it stands.

    ``looked`` is None where a dependency must run first. ``blockers`` names the direct dependencies that are not
    cached. ``last`` is the newest realization of the stage by name, hidden ones included, where it isn't cached.
    """

    is_: State
    looked: Looked | None
    blockers: tuple[str, ...] = ()
    last: Found | None = None

    @property
    def found(self) -> Found | None:
        """The realization that would be used."""
        return self.looked.found if self.looked is not None else None


def standings(store: Store, pipeline: Pipeline) -> Mapping[str, Standing]:
    """Return how each stage of ``pipeline`` stands, dependencies first."""
    choices: dict[str, Choice] = {}
    observed = Observed(pipeline)
    result: dict[str, Standing] = {}
    lasts: dict[str, Mapping[str, Found]] = {}

    def last(target: Target) -> Found | None:
        if target.path not in lasts:
            lasts[target.path] = store.lasts(target.path)
        return lasts[target.path].get(target.name)

    for name, target in pipeline.targets.items():
        known = result[target.alias] if target.alias else None
        standing = known or _standing(store, target, choices, result, observed, last, pipeline.ask)
        if standing.looked is not None and standing.looked.choice is not None:
            choices[name] = standing.looked.choice
        result[name] = standing
    return result


def _standing(
    store: Store,
    target: Target,
    choices: Mapping[str, Choice],
    standing: Mapping[str, Standing],
    observed: Observed,
    last_of: Callable[[Target], Found | None],
    ask: AskMatcher | None,
) -> Standing:
    if target.broken:
        return Standing("broken", None)
    if target.derivation is None:
        return Standing("unknown", None)
    needed = dict.fromkeys(name for names in target.dependencies.values() for name in names)
    blockers = tuple(name for name in needed if name not in choices)
    if not blockers:
        try:
            looked = look(store, target, choices, observed, ask)
        except CannotPlanError:
            return Standing("broken", None)
        if looked.choice is not None:
            return Standing("cached", looked)
    else:
        looked = None
    if any(standing[name].is_ in ("broken", "unknown") for name in blockers if name in standing):
        return Standing("unknown", None, blockers)
    last = last_of(target)
    return Standing("stale" if last is not None else "absent", looked, blockers, last)
