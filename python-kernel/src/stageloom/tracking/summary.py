"""What one file binds, does when it is imported, and refers to: a function of its content alone."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias, cast

from stageloom.model.classes import dataclass, field, replace
from stageloom.tracking.canonical import PLAIN, Manner, Reference, Writer, stays_plain
from stageloom.tracking.definition import Definition, Part
from stageloom.tracking.order import Now, Order, roots, run_now
from stageloom.tracking.parsed import Parsed
from stageloom.tracking.scopes import FUNCTIONS, dotted, import_targets, target_names

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"

_CONTAINER_TYPES = frozenset({"dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque"})
_CONTAINERS = (ast.Dict, ast.List, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp)


@dataclass(slots=True)
class Summary:
    """``broken`` is the whole content's digest where the file can't be parsed, and all else is then empty.

    ``imports`` run when the file is imported; ``stars`` are the modules that give all their names.
    """

    bindings: dict[str, tuple[Definition, ...]] = field(default_factory=dict)
    effects: tuple[Definition, ...] = ()
    imports: tuple[Reference, ...] = ()
    stars: tuple[tuple[int, str], ...] = ()
    exports: tuple[str, ...] = ()
    broken: str = ""

    def pack(self) -> object:
        """Return the summary as plain values for the cache."""
        return (
            {name: tuple(map(_pack, definitions)) for name, definitions in self.bindings.items()},
            tuple(map(_pack, self.effects)),
            self.imports,
            self.stars,
            self.exports,
        )

    @classmethod
    def unpack(cls, value: object) -> Summary:
        """Return what :meth:`pack` was given."""
        bindings, effects, imports, stars, exports = cast(
            tuple[dict[str, object], object, object, object, object], value
        )
        return cls(
            {name: _unpack(packed) for name, packed in bindings.items()},
            _unpack(effects),
            cast(tuple[Reference, ...], imports),
            cast(tuple[tuple[int, str], ...], stars),
            cast(tuple[str, ...], exports),
        )


def _pack(one: Definition) -> tuple[object, ...]:
    return (
        one.kind, one.part, one.lines, one.decorators, one.defaults, one.annotations, one.mutates, one.bases,
        one.registers, one.calls, one.acts, one.doc, one.fills,
    )  # fmt: skip


def _unpack(packed: object) -> tuple[Definition, ...]:
    return tuple(Definition(*fields) for fields in cast(tuple[tuple[object, ...], ...], packed))  # type: ignore[arg-type]  # as packed


def broken(content: bytes) -> Summary:
    """Return the summary of a file that can't be parsed: it counts whole."""
    return Summary(broken=hashlib.sha256(content).hexdigest()[:32])


def bodies_changed(old: Summary, new: Summary) -> tuple[set[str], bool] | None:
    """Return the functions whose own code differs, and whether one refers to something else; None where more differs.

    All but that is then the same, but for the lines that it stands on.
    """
    if old is new:
        return set(), False
    if (old.imports, old.stars, old.exports) != (new.imports, new.stars, new.exports):
        return None
    if list(old.bindings) != list(new.bindings) or not _say_the_same(old.effects, new.effects):
        return None
    names: set[str] = set()
    moved = False
    for name, before in old.bindings.items():
        after = new.bindings[name]
        if before is after:
            continue
        if len(before) != len(after):
            return None
        for one, other in zip(before, after, strict=True):
            if one.says_as(other):
                continue
            if other.kind != "function" or not one._replace(part=other.part).says_as(other):
                return None
            names.add(name)
            moved = moved or one.part[1] != other.part[1]
    return names, moved


def _say_the_same(old: Sequence[Definition], new: Sequence[Definition]) -> bool:
    return len(old) == len(new) and all(one.says_as(other) for one, other in zip(old, new, strict=True))


class _Kept(NamedTuple):
    """What a summary was, and all that the canonical forms in it depended on beside their own text."""

    summary: Summary
    manner: Manner


def summarize(parsed: Parsed) -> Summary:
    """Return the summary of a file, from that of the text before where little was edited; may raise RecursionError."""
    kept = parsed.kept.get(_KEPT)
    if isinstance(kept, _Kept):
        return kept.summary
    made = _edited(parsed)
    if made is None:
        reader = _Reader(parsed.text)
        made = _Kept(reader.read(parsed.tree), reader.manner)
    parsed.kept[_KEPT] = made
    return made.summary


_KEPT = "summary"


def _edited(parsed: Parsed) -> _Kept | None:
    """Return the summary where nothing but the bodies of functions changed, and nothing that others see of those.

    They refer to the same names still, since where these lead may decide about other definitions.
    """
    before = parsed.before.kept.get(_KEPT) if parsed.before is not None else None
    if not isinstance(before, _Kept) or parsed.before is None or before.manner != PLAIN:
        return None
    if len(parsed.old) != len(parsed.new) or not stays_plain(parsed.text, parsed.window):
        return None
    summary, last, now = before.summary, _Reader(parsed.before.text, PLAIN), _Reader(parsed.text, PLAIN)
    bindings, effects = dict(summary.bindings), summary.effects
    if parsed.moved:
        after, by = parsed.after, parsed.moved
        bindings = {name: tuple([one.lower(after, by) for one in those]) for name, those in bindings.items()}
        effects = tuple([one.lower(after, by) for one in effects])
    for one, other, lines in zip(parsed.old, parsed.new, parsed.lines, strict=True):
        if not isinstance(one, FUNCTIONS) or not isinstance(other, FUNCTIONS):
            return None
        if one.name != other.name:
            return None
        was, is_ = last.function(one, lines), now.function(other, _lines(other))
        part = is_.definition.part
        if roots(part) != roots(was.definition.part):
            return None
        if is_ != was._replace(definition=was.definition._replace(part=part)):
            return None
        own = bindings[one.name]
        at = [at for at, made in enumerate(own) if made.kind == "function" and made.lines == lines]
        if len(at) != 1:
            return None
        made = own[at[0]]._replace(part=part, lines=_lines(other))
        bindings[one.name] = (*own[: at[0]], made, *own[at[0] + 1 :])
    return _Kept(replace(summary, bindings=bindings, effects=effects), PLAIN)


class _Read(NamedTuple):
    """What a function comes to wherever it stands. ``wrapped`` is what its decorators run."""

    definition: Definition
    stores: tuple[str, ...]
    now: Now
    wrapped: Now


#: This process's, by manner and text: each change in an editor leaves all functions but one as they were.
_functions: dict[tuple[Manner, str], _Read] = {}
_MOST_FUNCTIONS = 20_000


class _Reader:
    def __init__(self, text: str, manner: Manner | None = None) -> None:
        self._writer = Writer(text, manner)
        self._lines = text.split("\n")
        self._bindings: dict[str, list[Definition]] = {}
        self._effects: list[Definition] = []
        self._imports: dict[Reference, None] = {}
        self._stars: dict[tuple[int, str], None] = {}
        self._exports: list[str] = []
        self._containers: set[str] = set()
        self._mutations: list[tuple[frozenset[str], Definition]] = []
        self._order = Order()

    def read(self, tree: ast.Module) -> Summary:
        if _doc(tree):
            self._bind("__doc__", Definition("statement", (_doc(tree), ()), _lines(tree.body[0])), ())
        self._statements(tree.body, ())
        for names, definition in self._mutations:
            self._attach(names, definition)
        placed = self._order.placed(self._bindings)
        return Summary(
            {
                name: tuple(placed.get(id(one), one) for one in definitions)
                for name, definitions in self._bindings.items()
            },
            tuple(placed.get(id(one), one) for one in self._effects),
            tuple(self._imports),
            tuple(self._stars),
            tuple(self._exports),
        )

    def _part(self) -> Part:
        text = self._writer.text()
        return hashlib.sha256(text.encode("ascii", "backslashreplace")).hexdigest()[:32], tuple(
            sorted(self._writer.references)
        )

    def _bind(self, name: str, definition: Definition, guards: Sequence[Definition]) -> None:
        self._order.changed(name)
        known = self._bindings.setdefault(name, [])
        known.extend(guard for guard in guards if guard not in known)
        known.append(definition)

    def _local(self, name: str) -> bool:
        """Return whether ``name`` is bound here to something that isn't a module's."""
        return any(one.kind not in ("import", "guard") for one in self._bindings.get(name, ()))

    # --- statements --------------------------------------------------------------------------------------------------

    def _statements(self, body: Sequence[ast.stmt], guards: tuple[Definition, ...]) -> None:
        for node in body:
            self._order.next()
            self._statement(node, guards)

    def _statement(self, node: ast.stmt, guards: tuple[Definition, ...]) -> None:  # noqa: C901  # one case a statement
        if isinstance(node, FUNCTIONS):
            self._function(node, guards)
        elif isinstance(node, ast.ClassDef):
            self._class(node, guards)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node, guards)
        elif isinstance(node, ast.Expr):
            if not isinstance(node.value, ast.Constant):
                self._call(node, guards)
        elif isinstance(node, ast.If):
            self._condition(node, guards)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            guard = self._guard([*(item.context_expr for item in node.items)], node)
            for item in node.items:
                for name in target_names(item.optional_vars) if item.optional_vars is not None else ():
                    self._bind(name, guard, guards)
            self._statements(node.body, (*guards, guard))
        elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            self._try(cast(ast.Try, node), guards)
        elif not isinstance(node, (ast.Pass, ast.Global, ast.Nonlocal)):
            self._plain(node, guards)

    def _condition(self, node: ast.If, guards: tuple[Definition, ...]) -> None:
        if dotted(node.test)[-1:] == ("TYPE_CHECKING",) or _is_main(node.test):
            self._statements(node.orelse, guards)  # the rest is not run where stages are
            return
        inner = (*guards, self._guard([node.test], node))
        self._statements(node.body, inner)
        self._statements(node.orelse, (*inner, _branch("else", node)))

    def _try(self, node: ast.Try, guards: tuple[Definition, ...]) -> None:
        self._statements(node.body, (*guards, _branch("try", node)))
        for handler in node.handlers:
            inner = (*guards, _branch("except", handler))
            if handler.type is not None:
                inner = (*inner, self._guard([handler.type], handler))
            self._statements(handler.body, inner)
        self._statements(node.orelse, (*guards, _branch("try else", node)))
        self._statements(node.finalbody, (*guards, _branch("finally", node)))

    def _guard(self, expressions: Sequence[ast.expr], node: ast.stmt | ast.ExceptHandler) -> Definition:
        self._writer.start()
        for expression in expressions:
            self._writer.write(expression)
        now = run_now(expressions)
        guard = Definition("guard", self._part(), (node.lineno, node.lineno), calls=now.calls)
        self._order.note(guard, now)
        for name in self._writer.stores:
            self._bind(name, guard, ())
        return guard

    def _function(self, node: Function, guards: tuple[Definition, ...]) -> None:
        read = self.function(node, _lines(node))
        definition = read.definition._replace(lines=_lines(node))
        self._order.note(definition, read.now, read.wrapped)
        self._bind(node.name, definition, guards)
        for name in read.stores:  # ``global name`` in it
            self._mutations.append((frozenset((name,)), Definition("via", ("", ((node.name,),)))))

    @property
    def manner(self) -> Manner:
        return self._writer.manner

    def function(self, node: Function, lines: tuple[int, int]) -> _Read:
        """Return what a function on these lines comes to wherever it stands."""
        return self._read_before(node, lines) if node.col_offset == 0 else self._read_function(node)

    def _read_before(self, node: Function, lines: tuple[int, int]) -> _Read:
        """Return what a function at the top of a file comes to, as it did when a file last had that very text."""
        first, last = lines
        key = (self._writer.manner, "\n".join(self._lines[first - 1 : last]))
        read = _functions.get(key)
        if read is None:
            if len(_functions) >= _MOST_FUNCTIONS:
                _functions.clear()
            read = _functions[key] = self._read_function(node)
        return read

    def _read_function(self, node: Function) -> _Read:
        writer = self._writer
        writer.start()
        writer.write_function(node)
        if writer.reads_annotations:
            writer.write_annotations(node)
        part, stores, mutates = self._part(), tuple(sorted(writer.stores)), tuple(sorted(writer.mutates))
        acts, fills = tuple(sorted(writer.acts, key=str)), writer.fills
        decorators = tuple(self._decorator(decorator) for decorator in node.decorator_list)
        annotations = None
        writer.start()
        writer.write_annotations(node)
        if writer.references or node.decorator_list:
            annotations = self._part()
        defaults = None
        if node.args.defaults or any(node.args.kw_defaults):
            writer.start()
            writer.write_defaults(node.args)
            defaults = self._part()
        now = run_now([*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)])
        definition = Definition(
            "function", part, (0, 0), decorators, defaults, annotations, tuple(sorted({*mutates, *stores})),
            calls=now.calls, acts=acts, doc=_doc(node), fills=fills,
        )  # fmt: skip
        return _Read(definition, stores, now, run_now(node.decorator_list))

    def _decorator(self, node: ast.expr) -> tuple[Part, tuple[str, ...]]:
        self._writer.start()
        self._writer.write(node)
        return self._part(), dotted(node.func if isinstance(node, ast.Call) else node)

    def _class(self, node: ast.ClassDef, guards: tuple[Definition, ...]) -> None:
        self._writer.start()
        self._writer.write(node)
        registers = any(keyword.arg == "metaclass" for keyword in node.keywords) or any(
            isinstance(one, FUNCTIONS) and one.name == "__init_subclass__" for one in node.body
        )
        now = run_now([*node.bases, *node.keywords, *node.body])
        definition = Definition(
            "class",
            self._part(),
            _lines(node),
            tuple((("", ()), dotted(one.func if isinstance(one, ast.Call) else one)) for one in node.decorator_list),
            bases=tuple(chain for chain in map(dotted, node.bases) if chain),
            registers=registers,
            mutates=tuple(sorted(self._writer.mutates)),
            calls=now.calls,
            acts=tuple(sorted(self._writer.acts, key=str)),
            fills=self._writer.fills,
        )
        self._order.note(definition, now, run_now(node.decorator_list))
        self._bind(node.name, definition, guards)
        if any(keyword.arg == "of" for keyword in node.keywords):  # a codec: values of that type are stored by it
            self._act(definition, guards)

    def _import(self, node: ast.Import | ast.ImportFrom, guards: tuple[Definition, ...]) -> None:
        self._writer.start()
        self._writer.write(node)
        self._imports.update(dict.fromkeys(one for one in sorted(self._writer.references) if one[0] == "!"))
        for name, (level, module, taken) in import_targets(node):
            if taken == "*":
                self._stars[level, module] = None
                for known in [one for one in self._bindings if not one.startswith("__")]:  # it may bind them anew
                    self._bind(known, Definition("import", ("", (("@", level, module, known),)), _lines(node)), guards)
            else:
                definition = Definition("import", ("", (("@", level, module, taken),)), _lines(node))
                self._bind(name, definition, guards)

    def _plain(self, node: ast.stmt, guards: tuple[Definition, ...]) -> None:
        """Read an assignment, a loop, or whatever else binds or changes names."""
        writer = self._writer
        writer.start()
        writer.write(node)
        now = run_now([node])
        definition = Definition("statement", self._part(), _lines(node), calls=now.calls)
        self._order.note(definition, now)
        stores, mutates = frozenset(writer.stores), frozenset(writer.mutates)
        self._imports.update(dict.fromkeys(one for one in sorted(writer.references) if one[0] == "!"))
        self._note_values(node)
        for name in stores:
            self._bind(name, definition, guards)
        if mutates - stores:
            self._change(mutates - stores, definition, guards)
        simple = isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Delete))
        acts = not simple and any(isinstance(one, (ast.Expr, ast.Assert, ast.Raise)) for one in _within(node))
        if acts or not (stores or mutates or simple or type(node).__name__ == "TypeAlias"):
            self._act(definition, guards)
        if not simple:
            self._import_within(node, guards)

    def _import_within(self, node: ast.stmt, guards: tuple[Definition, ...]) -> None:
        for one in ast.walk(node):
            if isinstance(one, (ast.Import, ast.ImportFrom)):
                self._import(one, guards)

    def _call(self, node: ast.Expr, guards: tuple[Definition, ...]) -> None:
        """Read an expression that stands by itself."""
        writer = self._writer
        writer.start()
        writer.write(node)
        definition = Definition("statement", self._part(), _lines(node))
        self._order.note(definition, run_now([node]))
        for name in writer.stores:
            self._bind(name, definition, guards)
        chain = dotted(node.value.func) if isinstance(node.value, ast.Call) else ()
        roots = {*writer.mutates, *(chain[:1] if len(chain) > 1 else ())}
        if roots:
            self._change(frozenset(roots), definition, guards, calls=True)
        else:
            self._act(definition, guards)

    def _act(self, definition: Definition, guards: Sequence[Definition]) -> None:
        self._order.acted()
        self._effects.extend((*guards, definition))

    def _change(
        self, names: frozenset[str], definition: Definition, guards: tuple[Definition, ...], *, calls: bool = False
    ) -> None:
        for guard in guards:
            self._mutations.append((names, guard))
        self._mutations.append((names, definition))
        for name in names:
            self._order.changed(name)
        if calls and not names <= self._containers:  # a method of anything but a plain container may do anything
            self._act(definition, guards)

    def _note_values(self, node: ast.stmt) -> None:
        value = getattr(node, "value", None)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [name for target in targets if target is not None for name in target_names(target)]
        is_container = isinstance(value, _CONTAINERS) or (
            isinstance(value, ast.Call) and dotted(value.func)[-1:] in {(name,) for name in _CONTAINER_TYPES}
        )
        if is_container and isinstance(node, (ast.Assign, ast.AnnAssign)):
            self._containers.update(names)
        if names == ["__all__"] and isinstance(value, (ast.List, ast.Tuple)):
            self._exports += [
                one.value for one in value.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]

    # --- afterwards --------------------------------------------------------------------------------------------------

    def _attach(self, names: frozenset[str], definition: Definition) -> None:
        """Make ``definition`` part of what ``names`` are; changing what another module owns is an effect."""
        for name in sorted(names):
            if self._local(name):
                if not any(one is definition for one in self._bindings[name]):
                    self._bindings[name].append(definition)
            elif definition.kind == "via":
                self._bindings.setdefault(name, []).append(definition)
            elif definition not in self._effects:
                self._effects.append(definition)


def _branch(name: str, node: ast.stmt | ast.ExceptHandler) -> Definition:
    """Return what stands for being in that part of a compound statement: elsewhere a statement does something else."""
    return Definition("guard", (name, ()), (node.lineno, node.lineno))


def _doc(node: Function | ast.Module) -> str:
    text = ast.get_docstring(node, clean=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32] if text is not None else ""


def _lines(node: ast.stmt) -> tuple[int, int]:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(one.lineno for one in decorators)])
    return first, node.end_lineno or first


def _within(node: ast.stmt) -> Iterator[ast.AST]:
    """Yield the statements in ``node`` that run with it, not those in functions defined there."""
    pending: list[ast.AST] = [node]
    while pending:
        one = pending.pop()
        yield one
        if not isinstance(one, (*FUNCTIONS, ast.Lambda)):
            pending.extend(child for child in ast.iter_child_nodes(one) if not isinstance(child, ast.expr))


def _is_main(test: ast.expr) -> bool:
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = (test.left, test.comparators[0])
    return any(isinstance(one, ast.Name) and one.id == "__name__" for one in sides) and any(
        isinstance(one, ast.Constant) and one.value == "__main__" for one in sides
    )
