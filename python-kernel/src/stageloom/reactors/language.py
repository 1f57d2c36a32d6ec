"""Reactors as the engine sees them: a guess from the source of who sends what to whom, and past runs to look up."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from stageloom.engine.language import AskPlanner, CannotPlanError, Kind, Target
from stageloom.engine.want import Want
from stageloom.model.classes import dataclass
from stageloom.model.objects import Derivation
from stageloom.model.values import Json, canonical_text, digest, from_json
from stageloom.reactors.outlet import Sent, sent_in
from stageloom.reactors.past import Past, PastRun
from stageloom.reactors.source import ReactorSource, reactors_in
from stageloom.reactors.trace import ABSENT, content_of_trees
from stageloom.reactors.trace import Kind as Asked
from stageloom.reactors.values import answer_described
from stageloom.reactors.walk import same, walk
from stageloom.rpc.messages import Parameter, PlannedStage, Problem, Reason, Span
from stageloom.store.errors import StoreError
from stageloom.store.found import Found
from stageloom.store.store import Store
from stageloom.tracking.blobs import Blobs
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot
from stageloom.tracking.sources import BadSourceError, parse

_IMPORT = re.compile(rb"\bstageloom\b[^\n]*\bpyplant\b")
_MARK = b"ReactorFunc"
_SHOWN = 80


def reactor_code(code: Code, path: str, name: str) -> str:
    """Return what stands for a reactor's code, as ``Codes.of`` does for a function at hand."""
    return digest("reactor-code/1", [code.alone(path, name).digest])


class Reactors:
    """PyPlant's way of writing stages. What a reactor depends on is known only when it has run."""

    def speaks(self, snapshot: Snapshot, path: str, wanted: Sequence[Want] = ()) -> bool:
        """Return whether the file imports ``stageloom.pyplant`` and it, or what it imports, has reactors.

        It need not import that itself where one of them, or what one sends, is ``wanted``.
        """
        if path not in snapshot.files or not any(_MARK in snapshot.read(one) for one in snapshot.files):
            return False
        if _IMPORT.search(snapshot.read(path)):
            return True
        names = {want.name for want in wanted}
        return bool(names) and any(
            one.name in names or any(_may_be(sent, name) for sent in one.sends for name in names)
            for one in _sources(snapshot, path)
        )

    def names(self, snapshot: Snapshot, path: str) -> Sequence[str]:
        """Return the names of the reactors of the file and of those it imports."""
        return [one.name for one in _sources(snapshot, path)]

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
        """Return the reactors of the file and of those it imports; how they stand is known when the planner spoke."""
        del blobs, wanted
        sources = {one.name: one for one in _sources(snapshot, path)}
        problems: list[Problem] = []
        told: Mapping[str, PlannedStage] | None = None
        if ask is not None and sources:
            try:
                planned = ask(snapshot, path, sets)
            except CannotPlanError as error:
                message = ". ".join(one.rstrip(".") for one in (error.failure.message, error.failure.advice) if one)
                span = Span(path, 0, 0, 1, 0)
                problems.append(
                    Problem("import-failed", f"{path} could not be run to learn its plant: {message}", span)
                )
            else:
                told = {one.name: one for one in planned.stages if one.language == "reactor"}
                # a plant that adds some reactors has no others
                sources = {name: one for name, one in sources.items() if name in told or not told}
        needs = _needs(list(sources.values()))
        problems.extend(_rings(needs, sources))
        pasts = _Pasts(path, tuple(sources))
        targets = []
        for name, source in sources.items():
            stage = told.get(name) if told is not None else None
            derivation = (
                Derivation(name, "reactor", {}, code=reactor_code(code, source.span.path, name)) if stage else None
            )
            configuration = _given(name, stage.configuration if stage else {}, sets)
            targets.append(
                Target(
                    name=name,
                    function=name,
                    language="reactor",
                    path=path,
                    span=source.span,
                    derivation=derivation,
                    dref=derivation.dref if derivation is not None else None,
                    dependencies=needs[name],
                    parameters=_parameters(name, source, configuration, sets),
                    doc=source.doc,
                    guessed=True,
                    broken=told is None and ask is not None,
                    late=_Late(name, derivation.code, configuration, stage.auxiliary, pasts)
                    if derivation is not None and stage is not None
                    else None,
                    wants={one: Want(one) for one in source.receives if "*" not in one and not needs[name].get(one)},
                    sends=source.sends,
                )
            )
        return targets, problems


def _sources(snapshot: Snapshot, path: str) -> Iterable[ReactorSource]:
    for one in sorted(snapshot.files, key=lambda file: (file == path, file)):
        content = snapshot.read(one)
        if _MARK in content:
            try:
                tree, _ = parse(content, one)
            except BadSourceError:
                continue
            yield from reactors_in(tree, one)


def _needs(sources: Sequence[ReactorSource]) -> dict[str, dict[str, list[str]]]:
    """Return, by ingredient, who may send each reactor what it receives.

    What only may be, since a name holds what running tells, leads into no ring.
    """
    plain: dict[str, list[str]] = {}
    for one in sources:
        for name in one.sends:
            plain.setdefault(name, []).append(one.name)
    result: dict[str, dict[str, list[str]]] = {one.name: {} for one in sources}
    guesses: list[tuple[str, str, str]] = []
    for one in sources:
        for name in one.receives:
            if "*" not in name and name in plain:
                if one.name not in plain[name]:
                    result[one.name][name] = list(plain[name])
                continue
            senders = dict.fromkeys(sender for sent, those in plain.items() if _may_be(sent, name) for sender in those)
            guesses.extend((one.name, name, sender) for sender in senders if sender != one.name)
    for who, name, sender in guesses:
        if not _leads(result, sender, who):
            result[who].setdefault(name, []).append(sender)
    return result


def _leads(needs: Mapping[str, Mapping[str, Sequence[str]]], start: str, end: str) -> bool:
    """Return whether ``start`` needs ``end``, through others too."""
    seen = {start}
    pending = [start]
    while pending:
        for names in needs[pending.pop()].values():
            more = [name for name in names if name not in seen]
            seen.update(more)
            pending.extend(more)
    return end in seen


def _rings(needs: Mapping[str, Mapping[str, Sequence[str]]], sources: Mapping[str, ReactorSource]) -> Iterator[Problem]:
    """Yield a problem for each ring of reactors that need each other."""
    told: set[str] = set()
    for name, own in needs.items():
        if name in told or not any(_leads(needs, one, name) for names in own.values() for one in names):
            continue
        ring = [one for one in needs if one == name or (_leads(needs, name, one) and _leads(needs, one, name))]
        told.update(ring)
        message = f"{', '.join(ring)} need what one another sends: only the plant itself can run them, not the engine."
        yield Problem("cycle", message, sources[name].span, stages=ring)


def _may_be(one: str, other: str) -> bool:
    """Return whether two names, each with ``*`` for anything, may be the same."""
    return one == "*" or other == "*" or fnmatch.fnmatchcase(one, other) or fnmatch.fnmatchcase(other, one)


def _given(name: str, configuration: Mapping[str, Json], sets: Mapping[str, Json]) -> dict[str, Json]:
    own = {key.removeprefix(f"{name}."): value for key, value in sets.items() if key.startswith(f"{name}.")}
    return {**configuration, **{key: value for key, value in own.items() if key in configuration}}


def _parameters(
    name: str, source: ReactorSource, configuration: Mapping[str, Json], sets: Mapping[str, Json]
) -> list[Parameter]:
    return [
        Parameter(key, configuration[key], _show(configuration[key]), "set" if f"{name}.{key}" in sets else "default")
        for key in source.parameters
        if key in configuration
    ]


def _show(value: Json) -> str:
    text = repr(from_json(value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class _Pasts:
    """The past of a file's reactors, read again where the store has changed, and what trees hold."""

    def __init__(self, path: str, names: Sequence[str]) -> None:
        self._path = path
        self._names = names
        self._past: Past | None = None
        self._store: Store | None = None
        self._as_of = -1
        self._sent: dict[str, Mapping[str, Sent]] = {}

    def of(self, store: Store) -> Past:
        """Return the past as it is now."""
        if self._past is None or self._store is not store or store.sequence != self._as_of:
            self._past, self._store, self._as_of = Past(store, self._path), store, store.sequence
            self._past.load(self._names)
        return self._past

    def contents(self, store: Store, trees: Iterable[str]) -> dict[str, str]:
        """Return the contents of the ingredients in ``trees``, by name."""
        result: dict[str, str] = {}
        for tree in trees:
            if tree not in self._sent:
                try:
                    hashes = {file.path: file.sha256 for file in store.manifest(tree).files}
                    self._sent[tree] = sent_in(store.tree(tree), hashes)
                except (StoreError, ValueError, OSError, KeyError):
                    self._sent[tree] = {}  # no run of a reactor
            result.update({name: one.content for name, one in self._sent[tree].items()})
        return result


@dataclass(frozen=True, slots=True)
class _Late:
    """Looks one reactor up among its past runs."""

    name: str
    code: str
    configuration: Mapping[str, Json]
    auxiliary: Sequence[str]
    pasts: _Pasts

    def find(
        self,
        store: Store,
        trees: Mapping[str, Sequence[str]],
        across: Mapping[str, Kind],
        holds: Callable[[Found], bool],
    ) -> Found | None:
        """Return the run that would be the same again, given the trees chosen for all it may depend on."""
        runs = [one for one in self.pasts.of(store).runs(self.name, self.code) if holds(one.found)]
        contents = self._contents(store, trees, across)
        looking = walk(runs, self.ask)
        answer: str | None = None
        while True:
            try:
                want = looking.send(answer)
            except StopIteration as stop:
                run: PastRun | None = stop.value
                return run.found if run is not None else None
            answer = contents.get(want.ingredient)

    def ask(self, kind: Asked, path: tuple[str, ...]) -> Json:
        """Answer a question about the configuration; subreactors count with the code that reaches them."""
        if kind == "subreactor" or path[0] in self.auxiliary:
            return None
        value: Json = dict(self.configuration)
        for key in path:
            if not isinstance(value, dict) or key not in value:
                return False if kind == "has" else ABSENT
            value = value[key]
        if kind == "has":
            return True
        if kind == "mapping" and isinstance(value, dict):
            return {"mapping": True}
        if kind == "keys" and isinstance(value, dict):
            names: list[Json] = [*sorted(map(repr, value))]
            return {"keys": names}
        return answer_described(value)

    def content(self, store: Store, tree: str, ingredient: str) -> str:
        """Return the hash of an ingredient's content in the tree of a run; empty where that has none."""
        return self.pasts.contents(store, [tree]).get(ingredient, "")

    def _contents(
        self, store: Store, trees: Mapping[str, Sequence[str]], across: Mapping[str, Kind]
    ) -> Mapping[str, str]:
        """Return the contents of all ingredients at hand, by name."""
        sent = [tree for role, chosen in trees.items() if role not in across for tree in chosen]
        made = {
            role: content_of_trees(trees[role], several=kind == "values")
            for role, kind in across.items()
            if role in trees
        }
        return {**self.pasts.contents(store, sent), **made}

    def reasons(
        self, store: Store, last: Found, trees: Mapping[str, Sequence[str]], across: Mapping[str, Kind]
    ) -> Sequence[Reason]:
        """Return why ``last``, its newest run, would not be the same again."""
        run = next((one for one in self.pasts.of(store).every(self.name) if one.rref == last.rref), None)
        if run is None:
            return ()
        found: list[Reason] = []
        if run.code != self.code:
            found.append(Reason("code", "code changed", self.name))
        contents = self._contents(store, trees, across)
        for step in run.steps:
            if step.kind == "ingredient":
                now = contents.get(step.path[0])
                if now is not None and now != step.answer:
                    found.append(Reason("dependency", f"the ingredient {step.name} changed", step.name))
                continue
            answer = self.ask(step.kind, step.path)
            if answer is not None and not same(answer, step.answer):
                before, after = _told(step.answer), _told(answer)
                found.append(Reason("parameter", f"{step.name}: {before} → {after}", step.name, before, after))
        return found


def _told(answer: Json) -> str:
    if isinstance(answer, dict):
        if "value" in answer:
            return _show(answer["value"])
        if "shown" in answer:
            return str(answer["shown"])
        if answer == ABSENT:
            return "not set"
    return canonical_text(answer)


def tree_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a stored tree, from the list beside it, for a worker without a store."""
    import json

    listed = json.loads(Path(f"{folder}.json").read_text("ascii"))
    return {path: sha256 for path, _, sha256 in listed}
