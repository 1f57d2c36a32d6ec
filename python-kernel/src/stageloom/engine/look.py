"""Looking a stage up: by derivation and context, then by action key, which is early cutoff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stageloom.engine.language import AskMatcher, Target
from stageloom.engine.observed import Observed
from stageloom.model.classes import dataclass
from stageloom.model.objects import Context, Derivation, Record, action_key, context_key
from stageloom.model.references import DRef, RRef
from stageloom.store.found import Found
from stageloom.store.store import Store


@dataclass(frozen=True, slots=True)
class Choice:
    """The realizations that stand for a stage in this run, in order, with their trees: one, unless it asks for several.

    One may not be recorded yet after a cutoff.
    """

    dref: DRef
    rrefs: tuple[RRef, ...]
    trees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look-up came to. ``found`` is None when the stage must run.

    ``recorded`` is False where the tree was found by its action key alone: ``choice`` then awaits its record.
    ``trees`` are those chosen for each role. ``rivals`` are the realizations of a stage that takes only one, where
    several that differ are visible. ``visible`` are all that its matcher could choose from, and ``wanted`` is how many
    more jobs it wants, where there is no choice.
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
    visible: Sequence[Found] = ()
    wanted: int = 1

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
            context[choice.dref] = choice.rrefs
    return context


def chosen(dref: DRef, found: Sequence[Found]) -> Choice:
    """Return ``found`` as what stands for a stage."""
    ordered = sorted(found, key=lambda one: one.rref)
    return Choice(dref, tuple(one.rref for one in ordered), tuple(one.tree for one in ordered))


def look(
    store: Store, target: Target, choices: Mapping[str, Choice], observed: Observed, ask: AskMatcher | None = None
) -> Looked:
    """Look ``target`` up, given what was ``choices``-en for all it depends on.

    What counts are the realizations that read, beside that, what is there now: ``observed`` tells. ``ask`` is asked
    where the stage has a matcher of its own; it may raise CannotPlanError.
    """
    dref, derivation = target.dref, target.derivation
    if derivation is None or dref is None:
        raise ValueError(f"{target.name} has no derivation to look up")
    context = context_of(target, choices)
    key = context_key(context)
    trees = {
        role: _contents(store, target, role, [tree for name in names for tree in choices[name].trees])
        for role, names in target.dependencies.items()
    }
    if target.late is not None:
        run = target.late.find(store, trees, target.across, observed.holds)
        choice = Choice(run.dref, (run.rref,), (run.tree,)) if run is not None else None
        return Looked(dref, context, key, derivation, trees, choice, run, recorded=True)
    realizations = [one for one in store.find(dref, key) if observed.holds(one)]
    if realizations:
        taken = _matched(target, realizations, ask)
        if not taken:
            return _missing(dref, context, key, derivation, trees, target, realizations)
        choice = chosen(dref, taken)
        rivals = realizations if _rival(target, realizations) else ()
        return Looked(dref, context, key, derivation, trees, choice, taken[-1], recorded=True, rivals=rivals)
    same_work = store.find_action(action_key(derivation, trees), observed.holds) if target.count == 1 else None
    if same_work is None:
        return _missing(dref, context, key, derivation, trees, target, ())
    rref = Record(dref, context, same_work.tree, same_work.reads).rref
    choice = Choice(dref, (rref,), (same_work.tree,))
    return Looked(dref, context, key, derivation, trees, choice, same_work, recorded=False)


def _contents(store: Store, target: Target, role: str, trees: Sequence[str]) -> Sequence[str]:
    """Return what stands for the ``trees`` of a role in an action key: of a reactor's, what is received of it."""
    if target.across.get(role) != "ingredient":
        return trees
    found = (late.content(store, tree, role) for late, tree in zip(target.senders[role], trees, strict=True))
    return [content for content in found if content] or trees


def _matched(target: Target, realizations: Sequence[Found], ask: AskMatcher | None) -> Sequence[Found]:
    """Return those that stand for ``target``, the newest last; none where it wants more."""
    if len(realizations) < target.count:
        return ()
    if target.match != "custom":
        return realizations[-target.count :]
    answer = ask(target, [one.rref for one in realizations]) if ask is not None else None
    wanted = set(answer or ())
    return [one for one in realizations if one.rref in wanted]


def _rival(target: Target, realizations: Sequence[Found]) -> bool:
    """Return whether a stage that takes only one has several that differ, none of them pinned."""
    return (
        target.match == "only"
        and len({one.tree for one in realizations}) > 1
        and not any(one.pinned for one in realizations)
    )


def _missing(
    dref: DRef,
    context: Context,
    key: str,
    derivation: Derivation,
    trees: Mapping[str, Sequence[str]],
    target: Target,
    visible: Sequence[Found],
) -> Looked:
    wanted = max(1, -(-(target.count - len(visible)) // target.outputs))
    return Looked(dref, context, key, derivation, trees, None, None, recorded=False, visible=visible, wanted=wanted)
