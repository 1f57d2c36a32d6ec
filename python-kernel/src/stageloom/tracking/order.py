"""Where a statement stands among those that change what it reads: importing a file runs it from top to bottom."""

from __future__ import annotations

import ast
import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from stageloom.model.classes import dataclass
from stageloom.tracking.definition import Definition, Part
from stageloom.tracking.scopes import FUNCTIONS, dotted

_MADE = ("function", "class", "statement")


@dataclass(frozen=True, slots=True)
class Now:
    """What runs when a definition is made: the names it reads, the chains of names it calls, and if it calls at all."""

    reads: frozenset[str]
    calls: tuple[tuple[str, ...], ...]
    acts: bool


_NOTHING = Now(frozenset(), (), acts=False)


class Order:
    """The order in which one file changes its names and does something else."""

    def __init__(self) -> None:
        self._position = 0
        self._changes: dict[str, list[int]] = {}
        self._effects: list[int] = []
        self._notes: list[tuple[int, Definition, Now, Now]] = []

    def next(self) -> None:
        """Go on to the next statement."""
        self._position += 1

    def changed(self, name: str) -> None:
        """Note that the statement binds ``name`` or changes what it stands for."""
        places = self._changes.setdefault(name, [])
        if places[-1:] != [self._position]:
            places.append(self._position)

    def acted(self) -> None:
        """Note that the statement does something that no name of the file stands for."""
        if self._effects[-1:] != [self._position]:
            self._effects.append(self._position)

    def note(self, definition: Definition, now: Now, decorators: Now = _NOTHING) -> None:
        """Note a definition that the statement makes."""
        if now.reads or now.acts or decorators.reads:
            self._notes.append((self._position, definition, now, decorators))

    def placed(self, bindings: Mapping[str, Sequence[Definition]]) -> dict[int, Definition]:
        """Return, by the ``id`` of each definition for which its place matters, the one that says so."""
        self._call_functions(bindings)
        several = {name for name, places in self._changes.items() if len(places) > 1}
        reach = _reaching(several, bindings)
        result = {}
        for position, definition, now, decorators in self._notes:
            made = self._place(position, now, reach, effects=now.acts or not self._changes.keys().isdisjoint(now.reads))
            wrapped = self._place(position, decorators, reach, effects=False)
            if not (made or wrapped):
                continue
            if definition.kind == "function":
                decorated = tuple((_at(part, wrapped), chain) for part, chain in definition.decorators)
                defaults = _at(definition.defaults, made) if definition.defaults is not None else None
                result[id(definition)] = definition._replace(decorators=decorated, defaults=defaults)
            else:
                result[id(definition)] = definition._replace(part=_at(definition.part, made + wrapped))
        return result

    def _place(self, position: int, now: Now, reach: Mapping[str, set[str]], *, effects: bool) -> str:
        names = sorted({one for name in now.reads for one in reach.get(name, ())})
        before = [f"{name}:{bisect_left(self._changes[name], position)}" for name in names]
        acted = bisect_left(self._effects, position) if effects else 0
        return " ".join([*before, f"*{acted}"] if acted else before)

    def _call_functions(self, bindings: Mapping[str, Sequence[Definition]]) -> None:
        """Note what the functions of this file change, and do, where a value is made by calling them."""
        effects = set(self._effects)
        for position, _, now, _ in self._notes:
            for function in _called([chain[0] for chain in now.calls], bindings):
                given = now.reads & bindings.keys() if function.fills else ()
                for name in (*function.mutates, *sorted(given)):
                    self._changes.setdefault(name, []).append(position)
                if function.acts:
                    effects.add(position)
        self._effects = sorted(effects)
        for name, places in self._changes.items():
            self._changes[name] = sorted(set(places))
            if name not in bindings or all(one.kind in ("import", "guard") for one in bindings[name]):
                effects.update(places if name not in bindings else places[1:])
        self._effects = sorted(effects)


def _called(names: Sequence[str], bindings: Mapping[str, Sequence[Definition]]) -> list[Definition]:
    """Return the functions and classes of a file that calling ``names`` may run."""
    result = []
    pending, seen = list(names), set(names)
    while pending:
        for one in bindings.get(pending.pop(), ()):
            if one.kind in ("function", "class"):
                result.append(one)
                found = roots(one.part) - seen
                seen |= found
                pending.extend(found)
    return result


def _reaching(targets: set[str], bindings: Mapping[str, Sequence[Definition]]) -> dict[str, set[str]]:
    """Return, for each name that leads to some of ``targets``, which."""
    if not targets:
        return {}
    readers: dict[str, set[str]] = {}
    for name, definitions in bindings.items():
        for one in definitions:
            for root in roots(one.part) if one.kind in _MADE else ():
                readers.setdefault(root, set()).add(name)
    result: dict[str, set[str]] = {}
    for target in targets:
        pending = [target]
        while pending:
            name = pending.pop()
            known = result.setdefault(name, set())
            if target not in known:
                known.add(target)
                pending.extend(readers.get(name, ()))
    return result


def roots(part: Part) -> set[str]:
    """Return the names that a part's references begin with."""
    return {str(one[1] if one[0] == "*" else one[0]) for one in part[1]}


def _at(part: Part, place: str) -> Part:
    if not place:
        return part
    return hashlib.sha256(f"{part[0]} {place}".encode("utf-8", "surrogatepass")).hexdigest()[:32], part[1]


def run_now(nodes: Iterable[ast.AST]) -> Now:
    """Return what runs when ``nodes`` are: not the bodies of functions, which run when those are called."""
    reads: set[str] = set()
    calls: dict[tuple[str, ...], None] = {}
    acts = False
    pending = list(nodes)
    while pending:
        one = pending.pop()
        if isinstance(one, ast.Name):
            reads.add(one.id)
        elif isinstance(one, FUNCTIONS):
            pending += [*one.decorator_list, *one.args.defaults, *(node for node in one.args.kw_defaults if node)]
        elif isinstance(one, ast.AnnAssign):
            pending += [one.target, *([one.value] if one.value is not None else [])]
        else:
            if isinstance(one, ast.Call):
                acts = True
                chain = dotted(one.func)
                if chain:
                    calls[chain] = None
            pending.extend(ast.iter_child_nodes(one))
    return Now(frozenset(reads), tuple(sorted(calls)), acts)
