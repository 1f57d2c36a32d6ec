"""The stages of a pipeline file, read from its source without running it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, cast

from stageloom.functions.declaration import Declaration, Declarations, ParameterDeclaration, Place, Role
from stageloom.functions.source_file import Edit, File, Parameter, Value, Written, lower, moved, read_file
from stageloom.model.classes import replace
from stageloom.model.rings import rings, way_around
from stageloom.model.values import Json, from_json
from stageloom.rpc.messages import Problem, Span
from stageloom.tracking.blobs import Blobs
from stageloom.tracking.cache import Cache
from stageloom.tracking.snapshot import Snapshot
from stageloom.tracking.sources import BadSourceError, many_objects, parsed

_FORMAT = "2"
#: What was kept by a version with other fields is not taken for one with these.
_FIELDS = ",".join((*Declaration._fields, *ParameterDeclaration._fields))
#: Where the parameters stand in a declaration.
_AT = Declaration._fields.index("parameters")


def read(snapshot: Snapshot, path: str, blobs: Blobs | None = None, cache: Cache | None = None) -> Declarations:
    """Return what the file at ``path`` declares, with the stages it imports from other files of the project.

    Never raises for what is wrong in a source: that is told in ``problems``. One without stages spoils the whole file.

    Raises:
        KeyError: if the snapshot has no such file.
    """
    last = _latest.get((str(snapshot.root), path))
    if last is not None and last.snapshot.id == snapshot.id:
        return last.declared
    key = f"{_FORMAT}\n{_FIELDS}\n{snapshot.id}\n{path}"
    with many_objects():
        packed = cache.get("declarations", key) if cache is not None else None
        if packed is not None:
            return _unpack(packed)
        linker = _Linker(snapshot, blobs if blobs is not None else snapshot.blobs)
        result, edited = _read(linker, snapshot, path)
    if cache is not None and not linker.broken:  # another Python may be able to parse the file
        cache.put_later("declarations", key, partial(_pack, result))
        if not edited:  # what an edit made of it is asked for by others only where it is run
            cache.settle()
    return result


@lru_cache(maxsize=64)
def _file(content: bytes) -> tuple[File, Edit | None]:
    return read_file(parsed(content, ""))


class _Last(NamedTuple):
    snapshot: Snapshot
    file: File
    declared: Declarations


#: This process's, by root and path: with every key in an editor all but one stage are as they were.
_latest: dict[tuple[str, str], _Last] = {}
_MOST_LATEST = 4


def _read(linker: _Linker, snapshot: Snapshot, path: str) -> tuple[Declarations, bool]:
    """Return what the file declares, and whether that was made from what it did before an edit."""
    key = (str(snapshot.root), path)
    last = _latest.pop(key, None)
    file, edit = linker.file(path)
    edited = _edited(last, snapshot, path, edit) if last is not None and edit is not None else None
    declared = linker.read(path) if edited is None else edited
    if file is not None and not linker.broken:
        while len(_latest) >= _MOST_LATEST:
            _latest.pop(next(iter(_latest)), None)
        _latest[key] = _Last(snapshot, file, declared)
    return declared, edited is not None


def _edited(last: _Last, snapshot: Snapshot, path: str, edit: Edit) -> Declarations | None:
    """Return what is declared after an edit of this file alone that changed no more of a stage than where it ends."""
    old = last.snapshot
    if edit.before is not last.file or old.folders != snapshot.folders or list(old.files) != list(snapshot.files):
        return None
    if any(old.files[one] != sha256 for one, sha256 in snapshot.files.items() if one != path):
        return None
    wholes: dict[tuple[str, Place], Place] = {}
    for was, is_ in edit.stages:
        by = is_.place[0] - was.place[0]
        if was.each is not None or was.each_unknown or replace(is_, whole=was.whole) != _but_whole(was, by):
            return None
        wholes[was.name, was.place] = is_.whole
    others = [(was.whole, is_.place[0] - was.place[0]) for was, is_ in edit.stages]
    down = _Down(path, edit.after, edit.moved, others)
    if down.moves and last.declared.problems:
        return None  # they tell places, too
    stages = []
    for one in last.declared.stages:
        whole = wholes.get((one.name, one.place)) if one.written == path and not one.bound else None
        stands = down.declaration(one) if down.moves else one
        stages.append(stands if whole is None else stands._replace(whole=whole))
    return replace(last.declared, stages=tuple(stages))


def _but_whole(was: Written, by: int) -> Written:
    """Return what was written ``by`` lines further down, but for all that it extends over."""
    return replace(moved(was, by), whole=was.whole) if by else was


class _Down:
    """How places of the file at ``path`` moved: those after a line ``by`` that many, ``others`` by their own."""

    def __init__(self, path: str, after: int, by: int, others: Sequence[tuple[Place, int]]) -> None:
        self._path = path
        self._after = after
        self._by = by
        self._others = [(whole[0], whole[2], own) for whole, own in others]
        self.moves = bool(by or any(own for _, _, own in self._others))

    def declaration(self, one: Declaration) -> Declaration:
        """Return a declaration where it stands now."""
        parameters = tuple([self._parameter(parameter) for parameter in one.parameters])
        by = self._of(one.place[0]) if (one.written or one.path) == self._path else 0
        if by:
            return one._replace(parameters=parameters, place=lower(one.place, by), whole=lower(one.whole, by))
        return one if parameters == one.parameters else one._replace(parameters=parameters)

    def _parameter(self, one: ParameterDeclaration) -> ParameterDeclaration:
        by = self._of(one.place[0]) if one.written == self._path else 0
        return one._replace(place=lower(one.place, by)) if by else one

    def _of(self, line: int) -> int:
        if line >= self._after:
            return self._by
        return next((by for first, last, by in self._others if first <= line <= last), 0)


class _Linker:
    """Looks up in other files what the names of one stand for."""

    def __init__(self, snapshot: Snapshot, blobs: Blobs) -> None:
        self._snapshot = snapshot
        self._blobs = blobs
        self._modules = snapshot.modules
        self._scopes: dict[str, _Scope] = {}
        self._looking: set[tuple[str, str]] = set()
        self.broken = False

    def file(self, path: str) -> tuple[File | None, Edit | None]:
        """Return what the file at ``path`` declares by itself; None where it can't be read."""
        try:
            return _file(self._blobs.source(self._snapshot.files[path]))
        except (BadSourceError, RecursionError):
            return None, None

    def read(self, path: str) -> Declarations:
        scope = self.scope(path)
        others = self._closure(scope)
        stages = [*others, *scope.stages]
        taken = {stage.name for stage in others}
        problems = [*scope.problems]
        for other in self._scopes.values():
            if other is not scope:
                problems += [one for one in other.problems if one.code == "syntax" or not taken.isdisjoint(one.stages)]
        twice = {stage.name: stage for stage in others}
        twice.update((name, home) for name, home in self._homes(scope) if home.written != path)
        problems += [_duplicate(stage, twice[stage.name]) for stage in scope.stages if stage.name in twice]
        problems += [one for one in _cycles(stages) if twice.keys().isdisjoint(one.stages)]
        problems.sort(key=lambda problem: (problem.span.path != path, problem.span.line, problem.span.column))
        planner = tuple(dict.fromkeys(stage.name for stage in stages if not stage.static))
        return Declarations(tuple(stages), tuple(problems), planner)

    def _homes(self, scope: _Scope) -> Iterator[tuple[str, Declaration]]:
        """Yield the stages that ``scope`` takes from other files, whatever it declares itself."""
        for name, home in scope.others.items():
            stage = home.declaration(name)
            if stage is not None:
                yield name, stage

    def _closure(self, scope: _Scope) -> list[Declaration]:
        """Return the stages of other files that ``scope`` names, and all that those need."""
        found: dict[str, Declaration] = {}
        pending = [(scope, name) for name in scope.others]
        for home, name in pending:
            stage = home.declaration(name)
            if stage is None or name in found or stage.written == scope.path:
                continue
            found[name] = stage
            writer = self.scope(stage.written)
            pending.extend((writer, needed) for names in stage.dependencies.values() for needed in names)
        return list(found.values())

    def scope(self, path: str) -> _Scope:
        """Return the names of a file; one that is being read already, when files import each other, is incomplete."""
        known = self._scopes.get(path)
        if known is None:
            known = self._scopes[path] = _Scope(path)
            try:
                file, _ = _file(self._blobs.source(self._snapshot.files[path]))
            except BadSourceError as error:
                self.broken = True
                known.problems.append(_placed(error.problem, path))
            except RecursionError:
                self.broken = True
                message = f"{path} is nested too deeply to be read."
                known.problems.append(Problem("syntax", message, Span(path, 0, 0, 0, 0)))
            else:
                known.fill(file, self)
        return known

    def imported(self, path: str, file: File, name: str) -> tuple[str, ...]:
        """Return the stages of other files that ``name`` stands for in the file at ``path``."""
        if (path, name) in self._looking:
            return ()  # files that import it from each other
        self._looking.add((path, name))
        target = file.imports.get(name)
        targets = [target] if target is not None else [(level, module, name) for level, module in file.stars]
        found = (self._stages(path, *one) for one in targets)
        stages = next((one for one in found if one), ())
        self._looking.discard((path, name))
        return stages

    def _stages(self, path: str, level: int, module: str, name: str) -> tuple[str, ...]:
        found = self._modules.relative(path, level, module)
        if found is None or found.file is None or found.file not in self._snapshot.files:
            return ()
        scope = self.scope(found.file)
        stages = scope.lookup(name)
        if stages:
            self._scopes[path].others.update((stage, scope) for stage in stages)
        return stages


class _Scope:
    """The stages of one file, and those of other files that it names."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.stages: list[Declaration] = []
        self.problems: list[Problem] = []
        self.others: dict[str, _Scope] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._mappings: dict[str, dict[str, dict[str, Json]]] = {}
        self._by_name: dict[str, Declaration] = {}
        self._linker: _Linker | None = None
        self._file = File()

    def fill(self, file: File, linker: _Linker) -> None:
        """Read the file's declarations."""
        self._file, self._linker = file, linker
        self.problems.extend(_placed(problem, self.path) for problem in file.problems)
        kept: list[Written] = []
        for one in map(file.placed, range(len(file.written))):
            if one.base and one.base not in self._names and not linker.imported(self.path, file, one.base):
                continue  # some other object's bind
            if one.name in self._names:
                self.problems.append(self._twice(one))
            self._names[one.name] = (one.name,)
            kept.append(one)
        for one in kept:
            if one.each is not None:
                self._mappings[one.name] = self._mapped(one, one.each)
        self._names.update((name, tuple(values)) for name, values in self._mappings.items())
        for name in file.imports:
            linker.imported(self.path, file, name)
        for one in kept:
            for stage in self._instance(one) if one.base else self._function(one):
                self.stages.append(stage)
                self._by_name[stage.name] = stage

    def _mapped(self, one: Written, each: Sequence[dict[str, Json]]) -> dict[str, dict[str, Json]]:
        """Return each instance's values by its name. Plain values are for the first parameter without a default."""
        free = (
            parameter.name
            for parameter in one.parameters
            if parameter.default is None and not parameter.out and not self.lookup(parameter.name)
        )
        only = next(free, one.parameters[0].name if one.parameters else "value")
        result: dict[str, dict[str, Json]] = {}
        for values in each:
            mapping = {key or only: value for key, value in values.items()}
            text = ",".join(f"{key}={_short(value)}" for key, value in mapping.items())
            name, number = f"{one.name}[{text}]", 2
            while name in result:
                name, number = f"{one.name}[{text}]#{number}", number + 1
            result[name] = mapping
        return result

    def lookup(self, name: str) -> tuple[str, ...]:
        """Return the stages that ``name`` stands for in this file."""
        found = self._names.get(name)
        if found is None:
            found = self._linker.imported(self.path, self._file, name) if self._linker is not None else ()
        return found

    def declaration(self, name: str) -> Declaration | None:
        """Return a stage that this file declares or names; None where files that import each other aren't read yet."""
        own = self._by_name.get(name)
        if own is not None:
            return own
        home = self.others.get(name)
        return home.declaration(name) if home is not None and home is not self else None

    def _is_many(self, name: str, stages: Sequence[str]) -> bool:
        return name in self._mappings or len(stages) > 1

    def _problem(self, stage: str, message: str, place: Place, code: str = "bad-parameter") -> None:
        # the literal type of ``code`` is that of the calls in this class
        self.problems.append(Problem(code, message, Span(self.path, *place), stages=(stage,)))  # type: ignore[arg-type]

    def _twice(self, one: Written) -> Problem:
        message = f"Another stage of this file is named {one.name!r} too. Rename one of them."
        return Problem("duplicate-stage", message, Span(self.path, *one.place), stages=(one.name,))

    # --- functions ---------------------------------------------------------------------------------------------------

    def _function(self, one: Written) -> Iterator[Declaration]:
        for name, place in one.variadic:
            message = f"{name!r} takes any number of arguments, and a stage's parameters must be known. Name them."
            self._problem(one.name, message, place)
        mappings = self._mappings.get(one.name, {}) if one.each is not None else {}
        mapped = frozenset(key for values in mappings.values() for key in values)
        parameters = tuple(self._parameter(one, parameter, mapped) for parameter in one.parameters)
        stage = Declaration(
            one.name,
            one.name,
            self.path,
            parameters,
            one.pool,
            one.doc,
            one.match,
            one.matching,
            guessed=one.guessed or one.each_unknown,
            place=one.place,
            whole=one.whole,
            written=self.path,
            retries=one.retries,
            timeout=one.timeout,
        )
        if one.each is None:
            yield stage
            return
        for name, values in mappings.items():
            yield stage._replace(

                name=name,
                each=one.name,
                parameters=tuple(
                    parameter._replace(role="configuration", value=values[parameter.name], source="each",
                            text=_short(values[parameter.name]), stages=())
                    if parameter.name in values
                    else parameter
                    for parameter in parameters
                ),
            )  # fmt: skip

    def _parameter(self, one: Written, parameter: Parameter, mapped: frozenset[str]) -> ParameterDeclaration:
        if parameter.out:
            return self._declared(parameter, None, role_out=True)
        stages = () if parameter.name in mapped else self.lookup(parameter.name)
        if stages:
            return ParameterDeclaration(
                parameter.name,
                "dependency",
                text=parameter.name,
                stages=stages,
                many=self._is_many(parameter.name, stages),
                place=parameter.place,
                written=self.path,
            )
        if parameter.default is None:
            given = parameter.name in mapped or one.each_unknown
            if not given:
                self._unknown(one, parameter)
            role: Role = "configuration" if given else "dependency"
            return ParameterDeclaration(
                parameter.name,
                role,
                static=not one.each_unknown,
                auxiliary=parameter.auxiliary,
                place=parameter.place,
                written=self.path,
            )
        if parameter.default.bad:
            message = f"The default of {parameter.name!r} {parameter.default.bad}. Give it a plain value."
            self._problem(one.name, message, parameter.place)
        return self._declared(parameter, parameter.default)

    def _declared(self, parameter: Parameter, value: Value | None, *, role_out: bool = False) -> ParameterDeclaration:
        if role_out or value is None:
            return ParameterDeclaration(parameter.name, "out", place=parameter.place, written=self.path)
        return ParameterDeclaration(
            parameter.name,
            value.role,
            value.value,
            value.static,
            parameter.auxiliary or value.auxiliary,
            value.text,
            "input" if value.role == "input" else "default",
            value.kind,
            (),
            False,  # noqa: FBT003  # by position, because a file may have 10,000 of them
            parameter.place,
            self.path,
        )

    def _unknown(self, one: Written, parameter: Parameter) -> None:
        candidates = [name for name in [*self._names, *self.others] if name != one.name]
        close = difflib.get_close_matches(parameter.name, candidates, n=1, cutoff=0.6)
        advice = f"Did you mean {close[0]!r}?" if close else f"Write that stage, or give {parameter.name!r} a default."
        message = f"No stage is named {parameter.name!r}, which {one.name!r} needs. {advice}"
        self._problem(one.name, message, parameter.place, "unknown-dependency")

    # --- instances ---------------------------------------------------------------------------------------------------

    def _instance(self, one: Written) -> Iterator[Declaration]:
        base = self._base(one)
        if base is None:
            yield Declaration(one.name, one.base, self.path, place=one.place, whole=one.whole, written=self.path)
            return
        known = {parameter.name for parameter in base.parameters}
        for name, (_, place) in one.bound.items():
            if name not in known:
                close = difflib.get_close_matches(name, list(known), n=1)
                advice = f"Did you mean {close[0]!r}?" if close else f"It has {', '.join(sorted(known)) or 'none'}."
                self._problem(one.name, f"{base.function!r} has no parameter {name!r}. {advice}", place)
        yield base._replace(
            name=one.name,
            parameters=tuple(self._bound(one, parameter) for parameter in base.parameters),
            bound=True,
            guessed=base.guessed or one.bound_unknown,
            place=one.place,
            whole=one.whole,
            written=self.path,
        )

    def _base(self, one: Written) -> Declaration | None:
        stages = self.lookup(one.base)
        if len(stages) == 1 and one.base not in self._mappings:
            return self.declaration(stages[0])
        message = f"{one.base!r} stands for several stages, by its each=, and cannot be bound. Bind a plain stage."
        self._problem(one.name, message, one.place, "bad-declaration")
        return None

    def _bound(self, one: Written, parameter: ParameterDeclaration) -> ParameterDeclaration:
        if parameter.name not in one.bound:
            return parameter
        value, place = one.bound[parameter.name]
        stages = self.lookup(value.name) if value.name else ()
        if stages:
            many = self._is_many(value.name, stages)
            return ParameterDeclaration(
                parameter.name, "dependency", text=value.name, source="bind", stages=stages, many=many,
                place=place, written=self.path,
            )  # fmt: skip
        if value.bad:
            message = f"The value of {parameter.name!r} {value.bad}. Give it a plain value."
            self._problem(one.name, message, place)
        return ParameterDeclaration(
            parameter.name,
            value.role,
            value.value,
            value.static,
            parameter.auxiliary,
            value.text,
            "bind",
            value.kind,
            place=place,
            written=self.path,
        )


def _short(value: Json) -> str:
    plain = from_json(value)
    text = plain if isinstance(plain, str) else repr(plain)
    return text if len(text) <= 40 else text[:39] + "…"


def _placed(problem: Problem, path: str) -> Problem:
    span = problem.span
    return replace(problem, span=Span(path, span.line, span.column, span.end_line, span.end_column))


def _duplicate(stage: Declaration, other: Declaration) -> Problem:
    message = f"A stage of {other.path} is named {stage.name!r} too. Rename one of them."
    return Problem("duplicate-stage", message, stage.span, stages=(stage.name,))


def _cycles(stages: Sequence[Declaration]) -> list[Problem]:
    by_name = {stage.name: stage for stage in reversed(stages)}
    needs = {stage.name: [name for names in stage.dependencies.values() for name in names] for stage in stages}
    problems = []
    for group in rings(needs):
        way = " needs ".join(way_around(group, needs))
        message = f"Stages need each other in a ring: {way}. Take one of these parameters away."
        problems.append(Problem("cycle", message, by_name[group[0]].span, stages=tuple(group)))
    return problems


# --- the cache -------------------------------------------------------------------------------------------------------


def _pack(declared: Declarations) -> object:
    return (
        tuple((*one[:_AT], len(one.parameters), *one[_AT + 1 :]) for one in declared.stages),
        tuple(tuple(parameter) for one in declared.stages for parameter in one.parameters),
        tuple(
            (
                one.code, one.message,
                (one.span.path, one.span.line, one.span.column, one.span.end_line, one.span.end_column),
                one.severity, tuple(one.stages),
            )
            for one in declared.problems
        ),
        declared.needs_planner,
    )  # fmt: skip


def _unpack(packed: object) -> Declarations:
    # as _pack made it: the cache gives back nothing else
    rows, flat, problems, planner = cast(tuple[Any, Any, Any, tuple[str, ...]], packed)
    parameters = list(map(ParameterDeclaration._make, flat))
    stages = []
    end = 0
    for row in rows:
        start, end = end, end + row[_AT]
        stages.append(Declaration._make((*row[:_AT], tuple(parameters[start:end]), *row[_AT + 1 :])))
    return Declarations(
        tuple(stages),
        tuple(Problem(code, message, Span(*span), *rest) for code, message, span, *rest in problems),
        planner,
    )
