"""The canonical form of a syntax tree: a text that is equal where behaviour is.

It is the same on Python 3.10 to 3.14 and blind to formatting, comments, docstrings, annotations that nothing reads and
the names of local variables. A function's local variable is written as the number of its scope and the order in which
it first occurs, so renaming can't make two different programs equal: every occurrence is resolved to its scope first.

While it writes, it notes what the code refers to outside itself.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, TypeAlias

from stageloom.tracking.scopes import (
    COMPREHENSIONS,
    FUNCTIONS,
    Target,
    bound_names,
    dotted,
    import_targets,
    target_names,
)

#: What code refers to. The first part tells the kind: a global name followed by attributes; ``@`` level, module, name
#: and attributes of an import made inside a function; ``!`` level and module of an import that runs; ``*`` a chain
#: whose attributes are computed; ``$`` anything in its own module; ``?`` a module whose name is computed.
Reference: TypeAlias = tuple["str | int", ...]

#: Code that can see local variables by name: these functions' locals keep their names.
_SEES_LOCALS = frozenset({"locals", "vars", "eval", "exec", "dir"})
_SEES_LOCALS_AS_ATTRIBUTE = frozenset(
    {"f_locals", "_getframe", "currentframe", "stack", "query", "eval", "evaluate", "sql", "execute"}
)
_MAY_SEE_LOCALS = re.compile(r"\b(?:" + "|".join(sorted(_SEES_LOCALS | _SEES_LOCALS_AS_ATTRIBUTE)) + r")\b")

#: Decorators that don't read the annotations of what they decorate.
BLIND_TO_ANNOTATIONS = frozenset(
    {
        "stage", "property", "staticmethod", "classmethod", "lru_cache", "cache", "cached_property", "wraps",
        "contextmanager", "asynccontextmanager", "abstractmethod", "setter", "getter", "deleter", "override", "final",
        "ReactorFunc", "SubreactorFunc",
    }
)  # fmt: skip

_MAY_READ_DOCSTRINGS = re.compile(r"\b(?:__doc__|getdoc)\b")

_MAY_READ_ANNOTATIONS = re.compile(
    r"\b(?:signature|getfullargspec|get_type_hints|get_annotations|__annotations__|__annotate__)\b|\.register\s*\("
)
_ANNOTATIONS_ARE_TEXT = re.compile(r"^from\s+__future__\s+import\b[^#\n(]*(?:\([^)]*)?\bannotations\b", re.MULTILINE)

_MUTATORS = frozenset(
    {
        "append", "appendleft", "extend", "insert", "add", "update", "setdefault", "register", "pop", "popitem",
        "remove", "discard", "clear", "__setitem__", "__setattr__", "__delitem__",
    }
)  # fmt: skip

#: Methods that change what they are called on, beside those.
_CHANGERS = _MUTATORS | {"sort", "reverse", "fill", "put", "write", "__iadd__", "__ior__"}

#: What functions of ``inspect`` and ``typing`` read of what they are given, as if it were an attribute of that.
READS_OF: Mapping[str, str] = {
    "getdoc": "__doc__",
    **dict.fromkeys(("signature", "getfullargspec", "get_type_hints", "get_annotations"), "__annotations__"),
    **dict.fromkeys(("getsource", "getsourcelines", "getcomments"), "__source__"),
}

#: Calls that only tell something.
_ONLY_TELLS = frozenset({"print", "debug", "info", "warning", "warn", "error", "critical", "exception", "log"})

_FINDS_MODULES = frozenset(
    {"run_path", "run_module", "spec_from_file_location", "walk_packages", "iter_modules", "__subclasses__"}
)
_SEES_MODULE = frozenset({"globals", "eval", "exec"})

_SKIPPED_FIELDS = frozenset({"ctx", "type_comment", "kind", "lineno", "col_offset", "end_lineno", "end_col_offset"})


class _Scope:
    __slots__ = ("count", "globals", "imports", "is_class", "is_comprehension", "locals", "serial", "tokens")

    def __init__(self, serial: int, *, is_class: bool = False, is_comprehension: bool = False) -> None:
        self.serial = serial
        self.is_class = is_class
        self.is_comprehension = is_comprehension
        self.tokens: dict[str, str] = {}
        self.locals: set[str] = set()
        self.globals: set[str] = set()
        self.imports: dict[str, list[Target]] = {}
        self.count = 0


#: Whether a text may have ``:=``, read docstrings, read annotations, have them as text, and see local variables.
Manner: TypeAlias = tuple[bool, bool, bool, bool, bool]

#: That of a text with nothing in it that would have to be minded.
PLAIN: Manner = (False, False, False, False, False)


def _manner(source: str | None) -> Manner:
    return (
        source is None or ":=" in source,
        source is not None and _MAY_READ_DOCSTRINGS.search(source) is not None,
        source is not None and _MAY_READ_ANNOTATIONS.search(source) is not None,
        source is not None and _ANNOTATIONS_ARE_TEXT.search(source) is not None,
        source is None or _MAY_SEE_LOCALS.search(source) is not None,
    )


def stays_plain(text: str, lines: str) -> bool:
    """Return whether ``text``, a ``PLAIN`` one before ``lines``, whole ones, took the place of others, is one still."""
    # what may go on over the end of a line is not looked for there
    return "register" not in text and "__future__" not in text and _manner(lines) == PLAIN


class Writer:
    """Writes canonical forms of parts of one file, and notes in ``references`` what each refers to.

    ``stores`` are the global names that the part binds, ``mutates`` those whose attributes or contents it changes;
    ``acts`` are what the statements of functions in it call for no value, or one that nothing uses; ``fills`` says that
    one of them may change what it is given. ``reads_annotations`` says that the file may look at those of any function
    in it.
    """

    def __init__(self, source: str | None = None, manner: Manner | None = None) -> None:
        """Write parts of ``source``, whose text is only looked at to leave out work that it can't need.

        ``manner`` is what that comes to, where it is known.
        """
        #: All that the canonical form of a part depends on beside its own text.
        self.manner = manner if manner is not None else _manner(source)
        (
            self._walrus,
            self._reads_docstrings,
            self.reads_annotations,
            self._annotations_are_text,
            self._may_see_locals,
        ) = self.manner
        self.start()

    def start(self) -> None:
        """Begin another part."""
        self._out: list[str] = []
        self._scopes: list[_Scope] = []
        self._serial = 0
        self._imported: dict[str, list[Target]] = {}
        self._rename = True
        self.references: set[Reference] = set()
        self.stores: set[str] = set()
        self.mutates: set[str] = set()
        self.acts: set[Reference] = set()
        self.fills = False
        self._given: set[str] = set()
        self._loaded: set[str] = set()
        self._results: list[tuple[list[str], tuple[str, ...]]] = []

    def text(self) -> str:
        """Return the canonical form of what was written since the start."""
        return "\n".join(self._out)

    # --- parts -------------------------------------------------------------------------------------------------------

    def write(self, node: ast.AST) -> None:
        """Write a statement or an expression as it stands at the top of a module."""
        if self._may_see_locals and not self._scopes:
            self._rename = self._rename and not _sees_locals(node)
        self._visit(node)

    def write_statements(self, nodes: Iterable[ast.stmt]) -> None:
        """Write a sequence of statements."""
        for node in nodes:
            self.write(node)

    def write_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Write a function at the top of a module without its decorators, defaults and annotations."""
        if self._may_see_locals:
            self._rename = not _sees_locals(node)
        self._out.append(type(node).__name__)
        self._out.append(f"G:{node.name}")
        self._function_body(node)
        self._note_unused()

    def write_defaults(self, args: ast.arguments) -> None:
        """Write the defaults of a function's parameters, with the names they belong to."""
        positional = [*args.posonlyargs, *args.args]
        for arg, default in zip(positional[len(positional) - len(args.defaults) :], args.defaults, strict=True):
            self._out.append(f"={arg.arg}")
            self.write(default)
        for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            if value is not None:
                self._out.append(f"={arg.arg}")
                self.write(value)

    def write_annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Write the annotations of a function's parameters and result."""
        args = node.args
        for arg in (*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg):
            if arg is not None and arg.annotation is not None:
                self._out.append(f":{arg.arg}")
                self._annotation(arg.annotation)
        if node.returns is not None:
            self._out.append("->")
            self._annotation(node.returns)

    # --- names -------------------------------------------------------------------------------------------------------

    def _token(self, name: str, *, skip_comprehensions: bool = False) -> str | None:
        """Return what stands for ``name`` here, None for a global name."""
        scopes = self._scopes
        for index in range(len(scopes) - 1, -1, -1):
            scope = scopes[index]
            if scope.is_class and index != len(scopes) - 1:
                continue
            if skip_comprehensions and scope.is_comprehension:
                continue
            token = scope.tokens.get(name)
            if token is not None:
                return token
            if name in scope.locals:
                token = f"L{scope.serial}.{scope.count}" if self._rename else f"V{scope.serial}:{name}"
                scope.count += 1
                scope.tokens[name] = token
                targets = scope.imports.get(name)
                if targets is not None:
                    self._imported[token] = targets
                return token
            if name in scope.globals:
                return None
        return None

    def _load(self, name: str, attributes: Sequence[str]) -> None:
        token = self._token(name)
        if token is None:
            self._out.append(f"G:{name}")
            self.references.add((name, *attributes))
            return
        self._out.append(token)
        self._loaded.add(token)
        if token in self._imported:
            for level, module, taken in self._imported[token]:
                self.references.add(("@", level, module, taken, *attributes))
        elif token[0] == "C":
            self.references.add((name, *attributes))  # the global is read until the class binds its own

    def _store(self, name: str, *, skip_comprehensions: bool = False) -> None:
        token = self._token(name, skip_comprehensions=skip_comprehensions)
        if token is None:
            self.stores.add(name)
            self._out.append(f"G:{name}")
        else:
            self._out.append(token)

    def _mutate(self, name: str) -> None:
        if self._token(name) is None:
            self.mutates.add(name)
        elif self._is_given(name):
            self.fills = True

    def _is_given(self, name: str) -> bool:
        """Return whether ``name`` stands for what a function was given, or for something in that."""
        token = self._token(name)
        if token is None or token[0] not in "PLV":
            return False
        return token in self._given or (token[0] == "P" and name not in ("self", "cls"))

    def _comes_of(self, node: ast.expr | None) -> bool:
        """Return whether the value of an expression may be what a function was given, or be in that."""
        while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred, ast.Call)):
            if isinstance(node, ast.Call):
                if any(isinstance(one, ast.Name) and self._is_given(one.id) for one in node.args):
                    return True
                node = node.func
            else:
                node = node.value
        return isinstance(node, ast.Name) and self._is_given(node.id)

    def _derive(self, targets: Iterable[ast.expr]) -> None:
        """Note that ``targets`` stand for something of what a function was given."""
        tokens = (self._token(name) for target in targets for name in target_names(target))
        self._given.update(token for token in tokens if token is not None)

    def _note_unused(self) -> None:
        """Take what was called for values that nothing uses for what acts."""
        for tokens, chain in self._results:
            if self._loaded.isdisjoint(tokens):
                self._acts(chain)

    def _scope(self, *, is_class: bool = False, is_comprehension: bool = False) -> _Scope:
        self._serial += 1
        return _Scope(self._serial, is_class=is_class, is_comprehension=is_comprehension)

    # --- writing -----------------------------------------------------------------------------------------------------

    def _visit(self, node: ast.AST) -> None:
        handler = self._HANDLERS.get(node.__class__)
        if handler is None:
            self._generic(node)
        else:
            handler(self, node)

    def _generic(self, node: ast.AST) -> None:
        out = self._out
        kind = node.__class__
        out.append(kind.__name__)
        for name in kind._fields:
            value = getattr(node, name, None)
            if value is None or name in _SKIPPED_FIELDS:
                continue
            if isinstance(value, ast.AST):
                out.append(f".{name}")
                self._visit(value)
            elif isinstance(value, list):
                if value:
                    out.append(f".{name}")
                    self._list(value)
            else:
                out.append(f".{name}")
                out.append(_atom(value))
        out.append(";")

    def _list(self, values: Iterable[object]) -> None:
        self._out.append("[")
        for value in values:
            if isinstance(value, ast.AST):
                self._visit(value)
            else:
                self._out.append("~" if value is None else _atom(value))
        self._out.append("]")

    def _constant(self, node: ast.Constant) -> None:
        self._out.append(_atom(node.value))

    def _name(self, node: ast.Name) -> None:
        if node.ctx.__class__ is ast.Load:
            self._load(node.id, ())
        else:
            self._store(node.id)

    def _attribute(self, node: ast.Attribute) -> None:
        names: list[str] = []
        root: ast.expr = node
        while root.__class__ is ast.Attribute:
            names.append(root.attr)
            root = root.value
        names.reverse()
        self._out.append(f"A{len(names)}")
        if root.__class__ is ast.Name:
            name: str = root.id
            self._load(name, names)
            if node.ctx.__class__ is not ast.Load:
                self._mutate(name)
        else:
            self._visit(root)
            if node.ctx.__class__ is not ast.Load:
                self._mutated_root(root)
        self._out.extend(names)
        if _FINDS_MODULES.intersection(names):
            self.references.add(("?",))

    def _subscript(self, node: ast.Subscript) -> None:
        self._out.append("Subscript")
        self._visit(node.value)
        self._visit(node.slice)
        if node.ctx.__class__ is not ast.Load:
            self._mutated_root(node.value)

    def _mutated_root(self, node: ast.expr) -> None:
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        if isinstance(node, ast.Name):
            self._mutate(node.id)

    def _binary(self, node: ast.BinOp) -> None:
        self._out.append(node.op.__class__.__name__)
        self._visit(node.left)
        self._visit(node.right)

    def _expression(self, node: ast.Expr) -> None:
        if node.value.__class__ is ast.Constant:  # a docstring, or a constant that does nothing
            if self._reads_docstrings:
                self._visit(node.value)
        else:
            self._out.append("Expr")
            self._visit(node.value)
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            if self._scopes and isinstance(value, ast.Call):
                chain = dotted(value.func)
                self._acts(chain)
                if chain[-1:] and chain[-1] not in _ONLY_TELLS and self._comes_of(value):
                    self.fills = True

    def _acts(self, chain: tuple[str, ...]) -> None:
        if not chain or chain[-1] in _ONLY_TELLS:
            return
        token = self._token(chain[0])
        if token is None:
            self.acts.add(chain)
        for level, module, taken in self._imported.get(token or "", ()):
            self.acts.add(("@", level, module, taken, *chain[1:]))

    def _pass(self, _: ast.AST) -> None:
        """Leave out what does nothing."""

    def _return(self, node: ast.Return) -> None:
        self._out.append("Return")
        if node.value is None:
            self._out.append("None")
        else:
            self._visit(node.value)

    def _assign(self, node: ast.Assign) -> None:
        self._out.append("Assign")
        self._list(node.targets)
        self._visit(node.value)
        if self._scopes:
            if isinstance(node.value, (ast.Name, ast.Attribute, ast.Subscript)) and self._comes_of(node.value):
                self._derive(node.targets)
            elif isinstance(node.value, ast.Call):
                self._note_result(node)

    def _note_result(self, node: ast.Assign) -> None:
        assert isinstance(node.value, ast.Call)
        chain = dotted(node.value.func)
        if chain and all(isinstance(one, (ast.Name, ast.Tuple)) for one in node.targets):
            tokens = [self._token(name) for target in node.targets for name in target_names(target)]
            if tokens and None not in tokens:
                self._results.append(([token for token in tokens if token is not None], chain))

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        if self._scopes and self._comes_of(node.iter):
            self._derive((node.target,))
        self._generic(node)

    def _annotated(self, node: ast.AnnAssign) -> None:
        module = self.reads_annotations and not self._scopes
        if module or (self._scopes and self._scopes[-1].is_class):
            self._out.append("Annotated")
            self._visit(node.target)
            self._annotation(node.annotation)
        elif node.value is not None:
            self._out.append("Assign")
            self._list((node.target,))
        if node.value is not None:
            self._visit(node.value)

    def _annotation(self, node: ast.expr) -> None:
        """Write an annotation; one that is a string is written as what it says, and refers to that."""
        if self._annotations_are_text:
            self._out.append("text")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            with contextlib.suppress(SyntaxError, ValueError):
                node = ast.parse(node.value, mode="eval").body
        self._visit(node)

    def _augmented(self, node: ast.AugAssign) -> None:
        self._out.append("Aug" + node.op.__class__.__name__)
        self._visit(node.target)
        self._visit(node.value)
        for name in target_names(node.target):
            if self._token(name) is None:
                self.references.add((name,))

    def _call(self, node: ast.Call) -> None:
        self._out.append("Call")
        function = node.func
        chain = dotted(function)
        if chain and chain[-1] in READS_OF:
            self._read_of(READS_OF[chain[-1]], node)
        if len(chain) > 1 and chain[-1] in _CHANGERS and self._is_given(chain[0]):
            self.fills = True
        if chain and self._token(chain[0]) is None:
            if len(chain) > 1 and chain[-1] in _MUTATORS:
                self.mutates.add(chain[0])
            elif chain == ("next",) and node.args:
                self._mutated_root(node.args[0])
            if len(chain) == 1:
                if self._reflective(chain[0], node):
                    return
            elif chain[-1] == "import_module":
                self._dynamic_import(node)
        elif chain and chain[-1] == "import_module":
            self._dynamic_import(node)
        self._visit(function)
        self._arguments(node)

    def _read_of(self, what: str, node: ast.Call) -> None:
        """Note that ``what`` is read of the first argument, as the source of this file where that can't be told."""
        chain = dotted(node.args[0]) if node.args else ()
        token = self._token(chain[0]) if chain else None
        if chain and token is None:
            self.references.add((*chain, what))
        elif token in self._imported:
            for level, module, taken in self._imported[token or ""]:
                self.references.add(("@", level, module, taken, *chain[1:], what))
        elif what == "__source__":
            self.references.add(("$", what))

    def _arguments(self, node: ast.Call) -> None:
        self._list(node.args)
        for keyword in node.keywords:
            self._out.append(f"{keyword.arg or '**'}=")
            self._visit(keyword.value)
        self._out.append(")")

    def _reflective(self, name: str, node: ast.Call) -> bool:
        """Note what a call of the builtin ``name`` may reach; return True where that wrote the call as well."""
        args = node.args
        if name in _SEES_MODULE:
            self.references.add(("$",))
        elif name in ("__import__", "import_module"):
            self._dynamic_import(node)
        elif name in ("getattr", "setattr", "delattr", "hasattr", "vars") and args:
            chain = dotted(args[0])
            if not chain:
                return False
            if name in ("setattr", "delattr"):
                self._mutate(chain[0])
            before, self.references = self.references, set()
            self._visit(node.func)
            self._visit(args[0])
            found, self.references = self.references, before
            for reference in found:
                if reference == (name,):
                    self.references.add(reference)
                elif len(args) > 1 and isinstance(args[1], ast.Constant) and isinstance(args[1].value, str):
                    self.references.add((*reference, args[1].value))
                else:
                    self.references.add(("*", *reference))
            self._list(args[1:])
            self._arguments(ast.Call(node.func, [], node.keywords))
            return True
        elif name == "vars":
            self.references.add(("$",))
        return False

    def _dynamic_import(self, node: ast.Call) -> None:
        name = node.args[0] if node.args else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            module = name.value.lstrip(".")
            level = len(name.value) - len(module)
            self.references.update((("!", level, module), ("@", level, module, "")))
        else:
            self.references.add(("?",))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        out = self._out
        if isinstance(node, ast.ImportFrom):
            out.append(f"From{node.level}:{node.module or ''}")
            self.references.add(("!", node.level, node.module or ""))
        else:
            out.append("Import")
        for alias in node.names:
            out.append(alias.name)
            if isinstance(node, ast.Import):
                self.references.add(("!", 0, alias.name))
                out.append("as" if alias.asname or "." not in alias.name else "top")
            else:
                self.references.add(("!", node.level, f"{node.module or ''}.{alias.name}".lstrip(".")))
        for name, _ in import_targets(node):
            self._store(name)
        out.append(";")

    def _joined(self, node: ast.JoinedStr) -> None:
        parts = _parts(node)
        if all(isinstance(part, str) for part in parts):
            self._out.append(_atom("".join(part for part in parts if isinstance(part, str))))
            return
        self._out.append("F[")
        self._formatted(parts)
        self._out.append("]")

    def _formatted(self, parts: Sequence[str | ast.FormattedValue]) -> None:
        for part in parts:
            if isinstance(part, str):
                self._out.append(_atom(part))
                continue
            self._out.append(f"{{{part.conversion}")
            self._visit(part.value)
            if part.format_spec is not None:
                self._out.append(":")
                # the parser only ever puts a JoinedStr here, but for a constant on some versions
                self._formatted(_parts(part.format_spec))
            self._out.append("}")

    def _named(self, node: ast.NamedExpr) -> None:
        self._out.append("Named")
        self._store(node.target.id, skip_comprehensions=True)
        self._visit(node.value)

    def _handler(self, node: ast.ExceptHandler) -> None:
        self._out.append("Except")
        if node.type is not None:
            self._visit(node.type)
        if node.name:
            self._out.append("as")
            self._store(node.name)
        self._list(node.body)

    def _match_as(self, node: ast.MatchAs) -> None:
        self._out.append("MatchAs")
        if node.pattern is not None:
            self._visit(node.pattern)
        self._capture(node.name)

    def _match_star(self, node: ast.MatchStar) -> None:
        self._out.append("MatchStar")
        self._capture(node.name)

    def _match_mapping(self, node: ast.MatchMapping) -> None:
        self._out.append("MatchMapping")
        self._list(node.keys)
        self._list(node.patterns)
        self._capture(node.rest)

    def _capture(self, name: str | None) -> None:
        if name is None:
            self._out.append("_")
        else:
            self._store(name)

    def _lambda(self, node: ast.Lambda) -> None:
        self._out.append("Lambda")
        self.write_defaults(node.args)
        scope = self._scope()
        self._parameters(scope, node.args)
        self._scopes.append(scope)
        self._visit(node.body)
        self._scopes.pop()

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        out = self._out
        out.append(node.__class__.__name__)
        self._visit(node.generators[0].iter)
        scope = self._scope(is_comprehension=True)
        for generator in node.generators:
            scope.locals.update(target_names(generator.target))
        self._scopes.append(scope)
        for index, generator in enumerate(node.generators):
            out.append("async for" if generator.is_async else "for")
            self._visit(generator.target)
            if index:
                self._visit(generator.iter)
            self._list(generator.ifs)
        if isinstance(node, ast.DictComp):
            self._visit(node.key)
            self._visit(node.value)
        else:
            self._visit(node.elt)
        self._scopes.pop()
        out.append(";")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._out.append(type(node).__name__)
        self._store(node.name)
        self._list(node.decorator_list)
        self.write_defaults(node.args)
        if any(not blind_to_annotations(decorator) for decorator in node.decorator_list):
            self.write_annotations(node)
            self._out.append(_atom(ast.get_docstring(node, clean=False)))
        elif self.reads_annotations:
            self.write_annotations(node)
        self._function_body(node)

    def _function_body(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        scope = self._scope()
        bound = bound_names(node.body, walrus=self._walrus)
        scope.locals = bound.variables
        scope.globals = bound.globals_
        scope.imports = bound.imports
        for name in bound.fixed:
            scope.tokens[name] = f"V{scope.serial}:{name}"
        self._parameters(scope, node.args)
        for parameter in getattr(node, "type_params", ()):
            scope.tokens.setdefault(parameter.name, f"T:{parameter.name}")
        self._scopes.append(scope)
        self._list(node.body)
        self._scopes.pop()

    def _parameters(self, scope: _Scope, args: ast.arguments) -> None:
        out = self._out
        for kind, group in (("/", args.posonlyargs), ("", args.args), ("=", args.kwonlyargs)):
            for arg in group:
                out.append(kind + arg.arg)
                scope.tokens[arg.arg] = f"P{scope.serial}:{arg.arg}"
        for kind, one in (("*", args.vararg), ("**", args.kwarg)):
            if one is not None:
                out.append(kind + one.arg)
                scope.tokens[one.arg] = f"P{scope.serial}:{one.arg}"

    def _class(self, node: ast.ClassDef) -> None:
        out = self._out
        out.append("Class")
        self._store(node.name)
        self._list(node.decorator_list)
        self._list(node.bases)
        for keyword in node.keywords:
            out.append(f"{keyword.arg or '**'}=")
            self._visit(keyword.value)
        if any(base and base[-1].endswith("Signature") for base in map(dotted, node.bases)):
            out.append(_atom(ast.get_docstring(node)))  # a signature's docstring is its prompt
        scope = self._scope(is_class=True)
        bound = bound_names(node.body, walrus=self._walrus)
        scope.globals = bound.globals_
        for name in (*bound.variables, *bound.fixed):
            scope.tokens[name] = f"C:{name}"
        for parameter in getattr(node, "type_params", ()):
            scope.tokens.setdefault(parameter.name, f"T:{parameter.name}")
        self._scopes.append(scope)
        self._list(node.body)
        self._scopes.pop()

    _HANDLERS: ClassVar[dict[type[ast.AST], Callable[..., None]]] = {
        kind: handler
        for kinds, handler in (
            ((ast.Constant,), _constant),
            ((ast.Name,), _name),
            ((ast.Attribute,), _attribute),
            ((ast.Subscript,), _subscript),
            ((ast.BinOp,), _binary),
            ((ast.Expr,), _expression),
            ((ast.Pass, ast.Global, ast.Nonlocal), _pass),
            ((ast.Return,), _return),
            ((ast.Assign,), _assign),
            ((ast.For, ast.AsyncFor), _for),
            ((ast.AnnAssign,), _annotated),
            ((ast.AugAssign,), _augmented),
            ((ast.Call,), _call),
            ((ast.Import, ast.ImportFrom), _import),
            ((ast.JoinedStr,), _joined),
            ((ast.NamedExpr,), _named),
            ((ast.ExceptHandler,), _handler),
            ((ast.MatchAs,), _match_as),
            ((ast.MatchStar,), _match_star),
            ((ast.MatchMapping,), _match_mapping),
            ((ast.Lambda,), _lambda),
            (COMPREHENSIONS, _comprehension),
            (FUNCTIONS, _function),
            ((ast.ClassDef,), _class),
        )
        for kind in kinds
    }


def blind_to_annotations(decorator: ast.expr) -> bool:
    """Return whether ``decorator`` is known not to read the annotations of what it decorates."""
    chain = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return bool(chain) and chain[-1] in BLIND_TO_ANNOTATIONS


def canonical(node: ast.AST) -> str:
    """Return the canonical form of a module, a statement or an expression, as it stands at the top of a module."""
    writer = Writer()
    if isinstance(node, ast.Module):
        writer.write_statements(node.body)
    else:
        writer.write(node)
    return writer.text()


def _sees_locals(node: ast.AST) -> bool:
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            if one.id in _SEES_LOCALS:
                return True
        elif isinstance(one, ast.Attribute) and one.attr in _SEES_LOCALS_AS_ATTRIBUTE:
            return True
    return False


def _parts(node: ast.expr) -> list[str | ast.FormattedValue]:
    """Return the parts of an f-string, neighbouring texts joined and empty ones left out."""
    parts: list[str | ast.FormattedValue] = []
    for value in node.values if isinstance(node, ast.JoinedStr) else [node]:
        found: list[str | ast.FormattedValue] = []
        if isinstance(value, ast.FormattedValue):
            found = [value]
        elif isinstance(value, ast.JoinedStr):
            found = _parts(value)
        elif isinstance(value, ast.Constant) and value.value:
            found = [str(value.value)]
        for part in found:
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
    return parts


def _atom(value: object) -> str:
    """Return one line of ASCII for a constant; types that compare equal stay apart."""
    if value.__class__ is str:
        return "s" + ascii(value)  # repr would depend on which characters this Python's Unicode tables can print
    if value.__class__ is int:
        return f"i{value:x}"
    if value.__class__ is bytes:
        return repr(value)
    if isinstance(value, (float, complex)):
        return "f" + repr(value)
    return "k" + repr(value)
