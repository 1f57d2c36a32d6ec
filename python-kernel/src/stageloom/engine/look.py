"""Looking a stage up: by derivation and context, then by action key, which is early cutoff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stageloom.engine.language import Target
from stageloom.engine.observed import Observed
from stageloom.model.classes import dataclass
from stageloom.model.objects import Context, Derivation, Record, action_key, context_key
from stageloom.model.references import DRef, RRef
from stageloom.store.found import Found
from stageloom.store.store import Store


@dataclass(frozen=True, slots=True)
class Choice:
    """The realization that stands for a stage in this run. ``rref`` may not be recorded yet after a cutoff."""

    dref: DRef
    rref: RRef
    tree: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look-up came to. ``found`` is None when the stage must run.

    ``recorded`` is False where the tree was found by its action key alone: ``choice`` then awaits its record.
    ``trees`` are those chosen for each role. ``rivals`` are the realizations of a stage that takes only one, where
    several that differ are visible.
    """

    dref: DRef
    context: Context
    context_key: str
    derivation: Derivation
    trees: Mapping[str, Sequence[str]]
    choice: Choice | None
    found: Found | None
    recorded: bool
    rivals: Sequence[Found] = ()

    @property
    def action(self) -> str:
        """The key of the work. Computed anew each time: what is found by its derivation does without."""
        return action_key(self.derivation, self.trees)


def context_of(target: Target, choices: Mapping[str, Choice]) -> Context:
    """Return the context of ``target``: what was chosen for each of its direct dependencies."""
    context: dict[DRef, tuple[RRef, ...]] = {}
    for names in target.dependencies.values():
        for name in names:
            choice = choices[name]
            context[choice.dref] = (choice.rref,)
    return context


def look(store: Store, target: Target, choices: Mapping[str, Choice], observed: Observed) -> Looked:
    """Look ``target`` up, given what was ``choices``-en for all it depends on.

    What counts are the realizations that read, beside that, what is there now: ``observed`` tells.
    """
    dref, derivation = target.dref, target.derivation
    if derivation is None or dref is None:
        raise ValueError(f"{target.name} has no derivation to look up")
    context = context_of(target, choices)
    key = context_key(context)
    trees = {role: [choices[name].tree for name in names] for role, names in target.dependencies.items()}
    realizations = [one for one in store.find(dref, key) if observed.holds(one)]
    if realizations:
        latest = realizations[-1]
        choice = Choice(dref, latest.rref, latest.tree)
        rivals = realizations if target.match == "only" and len({one.tree for one in realizations}) > 1 else ()
        return Looked(dref, context, key, derivation, trees, choice, latest, recorded=True, rivals=rivals)
    same_work = store.find_action(action_key(derivation, trees), observed.holds)
    if same_work is None:
        return Looked(dref, context, key, derivation, trees, None, None, recorded=False)
    choice = Choice(dref, Record(dref, context, same_work.tree, same_work.reads).rref, same_work.tree)
    return Looked(dref, context, key, derivation, trees, choice, same_work, recorded=False)
