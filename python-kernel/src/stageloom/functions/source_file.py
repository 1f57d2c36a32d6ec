"""What one file's syntax tree declares, before names are looked up in other files."""

from __future__ import annotations

import ast
import inspect
import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias, cast

from stageloom.functions.declaration import Place
from stageloom.functions.literals import Constants, NotStaticError
from stageloom.model.classes import dataclass, field, replace
from stageloom.model.values import Json, NotSerialisableError, to_json
from stageloom.rpc.messages import Problem, Span
from stageloom.tracking.parsed import Parsed
from stageloom.tracking.scopes import FUNCTIONS, Target, dotted, import_targets, target_names
from stageloom.tracking.sources import Columns

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"

#: What users' files import from the package, as far as it matters here.
_OURS = frozenset({"stage", "Out", "File", "Dir", "Env", "latest", "only", "best", "search", "auxiliary"})
_SEARCHES = frozenset({"Int", "Float", "Categorical"})
_TEXT_LENGTH = 200


class Value(NamedTuple):
    """A default or a bound value. ``name`` is set where it is but a name; ``bad`` says why it can't be stored."""

    role: Literal["configuration", "input"] = "configuration"
    value: Json = None
    static: bool = True
    text: str = ""
    kind: Literal["", "file", "dir", "env"] = ""
    name: str = ""
    bad: str = ""
    auxiliary: bool = False


class Parameter(NamedTuple):
    """A parameter as it is written."""

    name: str
    place: Place
    out: bool
    default: Value | None
    auxiliary: bool = False


@dataclass(slots=True)
class Written:
    """A stage as it is written: a decorated function, or (``base`` is set) an instance of one by ``bind``.

    ``each`` holds the values of ``each=``, one mapping an instance, None where there is none, and ``each_unknown`` says
    that they aren't static; a plain value has the key ``""``. ``variadic`` are ``*args`` and ``**kwargs``.
    """

    name: str
    place: Place
    whole: Place
    parameters: tuple[Parameter, ...] = ()
    variadic: tuple[tuple[str, Place], ...] = ()
    doc: str = ""
    pool: str = ""
    retries: int = 0
    timeout: float | None = None
    match: str = ""
    matching: tuple[Literal["latest", "only", "custom"], int] = ("latest", 1)
    each: list[dict[str, Json]] | None = None
    each_unknown: bool = False
    base: str = ""
    bound: dict[str, tuple[Value, Place]] = field(default_factory=dict)
    bound_unknown: bool = False
    guessed: bool = False


@dataclass(slots=True)
class File:
    """What a file declares; the spans of its ``problems`` have no path.

    ``lines`` are where each that is ``written`` begins, from 0, where an edit has moved some since they were read.
    """

    written: list[Written] = field(default_factory=list)
    imports: dict[str, Target] = field(default_factory=dict)
    stars: list[tuple[int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    lines: list[int] | None = None

    def placed(self, at: int) -> Written:
        """Return what is ``written`` where it stands now."""
        one = self.written[at]
        return one if self.lines is None else moved(one, self.lines[at] - one.whole[0])

    @property
    def firsts(self) -> list[int]:
        """The first line of each that is ``written``, from 0."""
        return [one.whole[0] for one in self.written] if self.lines is None else self.lines


class Edit(NamedTuple):
    """What a file declared before an edit, and the stages that are written otherwise since, old and new.

    What stood after the line ``after``, from 1, lies ``moved`` lines further down.
    """

    before: File
    stages: tuple[tuple[Written, Written], ...]
    after: int
    moved: int


class _Kept(NamedTuple):
    file: File
    reader: _FileReader
    edit: Edit | None


_KEPT = "declared"


def read_file(parsed: Parsed) -> tuple[File, Edit | None]:
    """Return what a file declares, and how that came from what it declared before a small edit."""
    kept = parsed.kept.get(_KEPT)
    if not isinstance(kept, _Kept):
        kept = _edited(parsed)
        if kept is None:
            reader = _FileReader(parsed.text)
            kept = _Kept(reader.read(parsed.tree), reader, None)
        parsed.kept[_KEPT] = kept
    return kept.file, kept.edit


def _edited(parsed: Parsed) -> _Kept | None:
    """Return what a file declares in which only functions changed, and of no name that anything else could hold."""
    before = parsed.before.kept.get(_KEPT) if parsed.before is not None else None
    if not isinstance(before, _Kept) or before.file.problems or len(parsed.old) != len(parsed.new):
        return None
    reader = before.reader.again(parsed.text)
    written, firsts, lines = list(before.file.written), before.file.firsts, _lines_after(before.file, parsed)
    stages: list[tuple[Written, Written]] = []
    for old, new, (first, _) in zip(parsed.old, parsed.new, parsed.lines, strict=True):
        if not _are_alike(old, new):
            return None
        # safe: they are functions
        at, is_ = bisect_left(firsts, first - 1), reader.stage(cast(Function, new))
        if (firsts[at : at + 1] == [first - 1]) != (is_ is not None) or firsts[at + 1 : at + 2] == [first - 1]:
            return None
        if is_ is not None:
            was = before.file.placed(at)
            if was.name != is_.name:
                return None
            written[at], lines[at] = is_, is_.whole[0]
            stages.append((was, is_))
    if reader.problems or lines != sorted(lines):
        return None
    file = File(written, before.file.imports, before.file.stars, [], lines)
    return _Kept(file, reader, Edit(before.file, tuple(stages), parsed.after, parsed.moved))


def _are_alike(old: ast.stmt, new: ast.stmt) -> bool:
    """Return whether these are functions of one name that bind no other."""
    if not isinstance(old, FUNCTIONS) or not isinstance(new, FUNCTIONS) or old.name != new.name:
        return False
    return not any(isinstance(one, ast.Global) for node in (old, new) for one in ast.walk(node))


def _lines_after(file: File, parsed: Parsed) -> list[int]:
    return [line + parsed.moved if line >= parsed.after else line for line in file.firsts]


def moved(one: Written, by: int) -> Written:
    """Return the same ``by`` lines further down."""
    if not by:
        return one
    return replace(
        one,
        place=lower(one.place, by),
        whole=lower(one.whole, by),
        parameters=tuple(parameter._replace(place=lower(parameter.place, by)) for parameter in one.parameters),
        variadic=tuple((name, lower(place, by)) for name, place in one.variadic),
        bound={name: (value, lower(place, by)) for name, (value, place) in one.bound.items()},
    )


def lower(place: Place, by: int) -> Place:
    """Return a place ``by`` lines further down."""
    return (place[0] + by, place[1], place[2] + by, place[3])


class _FileReader:
    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._columns = Columns(text)
        self._file = File()
        self._ours: dict[str, tuple[str, ...]] = {}
        self._modules: set[str] = set()
        self._constants = Constants({}, frozenset())
        self._functions: frozenset[str] = frozenset()

    def read(self, tree: ast.Module) -> File:
        statements = list(_module_statements(tree.body))
        for node in statements:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._note_imports(node)
        if not self._ours and not self._modules:
            return self._file
        self._constants = _constants(statements, tree.body)
        self._functions = frozenset(node.name for node in statements if isinstance(node, (*FUNCTIONS, ast.ClassDef)))
        for node in statements:
            if isinstance(node, FUNCTIONS):
                decorator = self._stage_decorator(node)
                if decorator is not None:
                    self._file.written.append(self._function(node, decorator))
                self._note_hidden(node)
            elif isinstance(node, ast.ClassDef):
                self._note_hidden(node)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                self._instance(node)
        return self._file

    def again(self, text: str) -> _FileReader:
        """Return a reader of functions in ``text``, a file with the same imports and constants."""
        reader = _FileReader(text)
        reader._ours, reader._modules = self._ours, self._modules
        reader._constants, reader._functions = self._constants, self._functions
        return reader

    def stage(self, node: Function) -> Written | None:
        """Return the stage that a function at the top of the file is."""
        decorator = self._stage_decorator(node)
        self._note_hidden(node)
        return self._function(node, decorator) if decorator is not None else None

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with what was read."""
        return self._file.problems

    # --- names -------------------------------------------------------------------------------------------------------

    def _note_imports(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, (level, module, taken) in import_targets(node):
            ours = level == 0 and module.partition(".")[0] == "stageloom"
            if taken == "*":
                if ours:
                    self._ours.update((one, (one,)) for one in _OURS)
                else:
                    self._file.stars.append((level, module))
            elif ours and taken in _OURS:
                self._ours[name] = (taken,)
            elif module == "stageloom.search" and taken in _SEARCHES:
                self._ours[name] = ("search", taken)
            elif ours and not taken:
                if module == "stageloom":
                    self._modules.add(name)
                elif module == "stageloom.search":
                    self._ours[name] = ("search",)
            elif taken:
                self._file.imports[name] = (level, module, taken)

    def _our_name(self, node: ast.expr) -> tuple[str, ...]:
        """Return what ``node`` is called in the package: ``("stage",)``, ``("search", "Int")``; else ``()``."""
        chain = dotted(node)
        if chain and chain[0] in self._ours:
            return (*self._ours[chain[0]], *chain[1:])
        if len(chain) > 1 and chain[0] in self._modules and chain[1] in _OURS:
            return chain[1:]
        return ()

    def _stage_decorator(self, node: Function) -> ast.expr | None:
        for decorator in node.decorator_list:
            if self._our_name(decorator.func if isinstance(decorator, ast.Call) else decorator) == ("stage",):
                return decorator
        return None

    def _note_hidden(self, node: ast.stmt) -> None:
        """Warn of stages inside functions and classes, which are none."""
        pending = [node]
        while pending:
            outer = pending.pop()
            for inner in _inner_statements(outer):
                pending.append(inner)
                if isinstance(inner, FUNCTIONS) and self._stage_decorator(inner) is not None:
                    message = (
                        f"{inner.name!r} is no stage here: a stage is a function at the top of its file. "
                        "Move it there, or take @stage away."
                    )
                    span = Span("", *self._name_place(inner))
                    self._file.problems.append(Problem("bad-declaration", message, span, "warning"))

    # --- places and texts --------------------------------------------------------------------------------------------

    def _place(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword) -> Place:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        at = self._columns.at
        return (node.lineno - 1, at(node.lineno, node.col_offset), end_line - 1, at(end_line, end_column))

    def _name_place(self, node: Function) -> Place:
        before = len("async def ") if isinstance(node, ast.AsyncFunctionDef) else len("def ")
        start = self._columns.at(node.lineno, node.col_offset) + before
        return (node.lineno - 1, start, node.lineno - 1, start + len(node.name.encode("utf-16-le")) // 2)

    def _whole(self, node: ast.stmt) -> Place:
        place = self._place(node)
        decorators = getattr(node, "decorator_list", [])
        if decorators:
            first = min(one.lineno for one in decorators)
            return (first - 1, place[1], *place[2:])
        return place

    def _source(self, node: ast.expr) -> str:
        line = self._lines[node.lineno - 1]
        if node.lineno == node.end_lineno and line.isascii():
            text = line[node.col_offset : node.end_col_offset]
        else:
            text = ast.unparse(node)
        return text if len(text) <= _TEXT_LENGTH else text[: _TEXT_LENGTH - 1] + "…"

    # --- stages ------------------------------------------------------------------------------------------------------

    def _function(self, node: Function, decorator: ast.expr) -> Written:
        args = node.args
        positional = [*args.posonlyargs, *args.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
        defaults += [*args.defaults, *args.kw_defaults]
        parameters = tuple(
            self._parameter(arg, default)
            for arg, default in zip([*positional, *args.kwonlyargs], defaults, strict=True)
        )
        variadic = tuple((one.arg, self._place(one)) for one in (args.vararg, args.kwarg) if one is not None)
        doc = _docstring(node)
        stage = Written(node.name, self._name_place(node), self._whole(node), parameters, variadic, doc)
        if isinstance(decorator, ast.Call):
            self._options(stage, decorator)
        return stage

    def _parameter(self, arg: ast.arg, default: ast.expr | None) -> Parameter:
        line, column = arg.lineno, self._columns.at(arg.lineno, arg.col_offset)
        place = (line - 1, column, line - 1, column + len(arg.arg.encode("utf-16-le")) // 2)
        out = arg.annotation is not None and self._is_out(arg.annotation)
        return Parameter(arg.arg, place, out, None if default is None else self._value(default))

    def _is_out(self, annotation: ast.expr) -> bool:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except (SyntaxError, ValueError):
                return False
        return self._our_name(annotation) == ("Out",)

    def _options(self, stage: Written, call: ast.Call) -> None:
        for keyword in call.keywords:
            if keyword.arg == "pool":
                stage.pool = self._text_option(stage, keyword)
            elif keyword.arg == "match":
                self._match(stage, keyword)
            elif keyword.arg == "auxiliary":
                self._auxiliary(stage, keyword)
            elif keyword.arg == "each":
                self._each(stage, keyword)
            elif keyword.arg in ("retries", "timeout"):
                self._limit(stage, keyword)

    def _match(self, stage: Written, keyword: ast.keyword) -> None:
        node = keyword.value
        if isinstance(node, ast.Constant) and node.value is None:
            return
        stage.match = self._source(node)
        ours = self._our_name(node.func) if isinstance(node, ast.Call) else ()
        if not isinstance(node, ast.Call) or ours not in (("latest",), ("only",), ("best",)):
            self._bad_match(stage, keyword)
            return
        numbers = {"n": node.args[0]} if node.args else {}
        numbers.update({one.arg: one.value for one in node.keywords if one.arg in ("n", "of")})
        try:
            told = {name: self._constants.evaluate(value) for name, value in numbers.items()}
        except NotStaticError:
            self._bad_match(stage, keyword)
            return
        counts = [value for name, value in told.items() if type(value) is int and value >= (name == "n")]
        known = {"latest": {"n"}, "only": set[str](), "best": {"n", "of", "key", "highest"}}[ours[0]]
        if len(counts) < len(told) or len(node.args) > 1 or any(one.arg not in known for one in node.keywords):
            self._bad_match(stage, keyword)
            return
        kinds: dict[str, Literal["latest", "only", "custom"]] = {"latest": "latest", "only": "only", "best": "custom"}
        stage.matching = kinds[ours[0]], max([1, *counts])

    def _bad_match(self, stage: Written, keyword: ast.keyword) -> None:
        message = (
            f"match= takes latest(n), only() or best(n, key=…, of=…), their numbers written out, not {stage.match}."
        )
        span = Span("", *self._place(keyword))
        self._file.problems.append(Problem("bad-declaration", message, span, stages=(stage.name,)))

    def _text_option(self, stage: Written, keyword: ast.keyword) -> str:
        try:
            value = self._constants.evaluate(keyword.value)
        except NotStaticError:
            stage.guessed = True
            return ""
        return value if isinstance(value, str) else ""

    def _limit(self, stage: Written, keyword: ast.keyword) -> None:
        """Read ``retries=`` or ``timeout=``: they hold for whoever runs the stage, so they must be there to be read."""
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else ...
        if keyword.arg == "retries" and type(value) is int and value >= 0:
            stage.retries = value
        elif keyword.arg == "timeout" and (value is None or (type(value) in (int, float) and 0 < value < math.inf)):  # type: ignore[operator]  # narrowed by its type
            stage.timeout = None if value is None else float(value)  # type: ignore[arg-type]
        else:
            wanted = "a whole number, 0 or more" if keyword.arg == "retries" else "a number of seconds above 0"
            message = f"{keyword.arg}= of {stage.name!r} must be written as {wanted}, where it can be read."
            span = Span("", *self._place(keyword.value))
            self._file.problems.append(Problem("bad-declaration", message, span, stages=(stage.name,)))

    def _auxiliary(self, stage: Written, keyword: ast.keyword) -> None:
        try:
            value = self._constants.evaluate(keyword.value)
        except NotStaticError:
            stage.guessed = True
            return
        names = {value} if isinstance(value, str) else set(value) if isinstance(value, (list, tuple, set)) else set()
        stage.parameters = tuple(one._replace(auxiliary=one.name in names) for one in stage.parameters)

    def _each(self, stage: Written, keyword: ast.keyword) -> None:
        try:
            value = self._constants.evaluate(keyword.value)
            if value is not None:
                stage.each = _each_values(value)
        except NotStaticError:
            stage.each_unknown = True
        except (NotSerialisableError, ValueError) as error:
            stage.each_unknown = True
            message = f"{stage.name!r} cannot be mapped over these values: {error}"
            span = Span("", *self._place(keyword.value))
            self._file.problems.append(Problem("bad-declaration", message, span, stages=(stage.name,)))

    def _instance(self, node: ast.Assign | ast.AnnAssign) -> None:
        """Read ``name = other.bind(…)``."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        call = node.value
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "bind"):
            return
        base = call.func.value
        if not isinstance(base, ast.Name) or len(targets) != 1 or not isinstance(targets[0], ast.Name):
            return
        stage = Written(targets[0].id, self._place(targets[0]), self._whole(node), base=base.id)
        stage.bound_unknown = bool(call.args) or any(keyword.arg is None for keyword in call.keywords)
        stage.bound = {
            keyword.arg: (self._value(keyword.value), self._place(keyword))
            for keyword in call.keywords
            if keyword.arg is not None
        }
        self._file.written.append(stage)

    # --- values ------------------------------------------------------------------------------------------------------

    def _value(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Constant) and type(node.value) in (int, str, bool, type(None)):
            plain: Json = node.value  # type: ignore[assignment]  # narrowed by its type
            return Value(value=plain, text=repr(plain) if len(repr(plain)) <= _TEXT_LENGTH else self._source(node))
        text = self._source(node)
        if isinstance(node, ast.Call):
            ours = self._our_name(node.func)
            if ours in (("File",), ("Dir",)):
                return self._input(node, text, "file" if ours == ("File",) else "dir")
            if ours == ("Env",):
                return self._env(node, text)
            if ours == ("auxiliary",) and len(node.args) == 1:
                return self._value(node.args[0])._replace(auxiliary=True)
            if len(ours) == 2 and ours[0] == "search" and ours[1] in _SEARCHES:
                return self._search(node, text)
        return self._plain(node, text)

    def _plain(self, node: ast.expr, text: str) -> Value:
        name = node.id if isinstance(node, ast.Name) else ""
        if isinstance(node, (ast.Lambda, ast.GeneratorExp)):
            what = "a function" if isinstance(node, ast.Lambda) else "a generator"
            return Value(text=text, static=False, bad=f"is {what}, which cannot be stored as configuration")
        try:
            return Value(value=to_json(self._constants.evaluate(node)), text=text, name=name)
        except NotStaticError:
            if name in self._functions:
                return Value(text=text, static=False, name=name, bad="is a function or a class, which cannot be stored")
            return Value(text=text, static=False, name=name)
        except NotSerialisableError as error:
            return Value(text=text, static=False, bad=str(error).removeprefix("value "))

    def _input(self, node: ast.Call, text: str, kind: Literal["file", "dir"]) -> Value:
        try:
            value = self._constants.evaluate(node.args[0]) if len(node.args) == 1 else None
        except NotStaticError:
            return Value("input", None, static=False, text=text, kind=kind)
        if not isinstance(value, str) or node.keywords:
            return Value("input", None, text=text, kind=kind, bad="takes one text: the path, or a pattern")
        return Value("input", value, text=text, kind=kind)

    def _env(self, node: ast.Call, text: str) -> Value:
        given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "default")]
        try:
            texts = [self._constants.evaluate(one) for one in given]
        except NotStaticError:
            return Value("input", None, static=False, text=text, kind="env")
        name, default = (*texts, None, None)[:2]
        whole = len(given) == len(node.args) + len(node.keywords) and len(texts) in (1, 2)
        if not whole or not isinstance(name, str) or not isinstance(default, (str, type(None))):
            return Value("input", None, text=text, kind="env", bad="takes two texts: a name, and a default")
        return Value("input", name if default is None else [name, default], text=text, kind="env")

    def _search(self, node: ast.Call, text: str) -> Value:
        for keyword in node.keywords:
            if keyword.arg == "default":
                return self._plain(keyword.value, text)
        return Value(static=False, text=text)


def _each_values(value: object) -> list[dict[str, Json]]:
    """Return a mapping an instance for ``{"k": [1]}``, ``[{"k": 1}]``, and ``[1]``, whose key then is ``""``."""
    if isinstance(value, dict):
        combined: list[dict[str, Json]] = [{}]
        for key, values in value.items():
            if not isinstance(key, str) or not isinstance(values, (list, tuple)):
                raise ValueError("each parameter needs a list of values")
            combined = [{**one, key: to_json(item, key)} for one in combined for item in values]
        return combined
    if not isinstance(value, (list, tuple)):
        raise ValueError("each= takes a list, or a dict of lists")
    if value and all(isinstance(one, dict) for one in value):
        return [{str(key): to_json(item, str(key)) for key, item in one.items()} for one in value]
    return [{"": to_json(one)} for one in value]


def _docstring(node: Function) -> str:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return inspect.cleandoc(first.value.value)
    return ""


def _inner_statements(node: ast.AST) -> Iterator[ast.stmt]:
    for name in ("body", "orelse", "finalbody"):
        yield from getattr(node, name, ())
    for name in ("handlers", "cases"):
        for part in getattr(node, name, ()):
            yield from part.body


def _module_statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield a module's statements in order, with those under conditions but not those in functions and classes."""
    for node in body:
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Assign, ast.Expr)):
            yield from _module_statements(list(_inner_statements(node)))


def _constants(statements: Sequence[ast.stmt], top: Sequence[ast.stmt]) -> Constants:  # noqa: C901  # one case each
    """Return what can be said of a file's names: those bound once, to an expression, and changed nowhere."""
    values: dict[str, ast.expr] = {}
    changed: set[str] = set()
    unconditional = set(map(id, top))
    for node in statements:
        names: list[str] = []
        if isinstance(node, ast.Assign):
            names = [name for target in node.targets for name in target_names(target)]
            if id(node) in unconditional and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                changed.update(set(names) & values.keys())
                values[names[0]] = node.value
                continue
            changed.update(_roots(node.targets))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if node.value is not None and id(node) in unconditional:
                changed.update({node.target.id} & values.keys())
                values[node.target.id] = node.value
            elif node.value is not None:
                names = [node.target.id]
        elif isinstance(node, (ast.AugAssign, ast.For, ast.AsyncFor)):
            changed.update(_roots([node.target]))
        elif isinstance(node, ast.Delete):
            changed.update(_roots(node.targets))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            changed.update(dotted(node.value.func)[:1])
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [name for name, _ in import_targets(node)]
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            changed.update(_roots([item.optional_vars for item in node.items if item.optional_vars is not None]))
        changed.update(names)
    changed.update(_global_names(statements))
    return Constants(
        {name: value for name, value in values.items() if name not in changed}, frozenset({*values, *changed})
    )


def _roots(targets: Sequence[ast.expr]) -> Iterator[str]:
    for one in targets:
        yield from target_names(one)
        target = one
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id


def _global_names(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Yield the names that functions rebind with ``global``."""
    pending: list[ast.stmt] = [node for node in statements if isinstance(node, (*FUNCTIONS, ast.ClassDef))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Global):
            yield from node.names
        else:
            pending.extend(_inner_statements(node))
