"""Which names a function's or a class's own body binds, not counting the scopes nested in it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from stageloom.model.classes import dataclass, field

#: An import's target: dots before the module's name, that name, and the name taken from it (``""`` for the module).
Target: TypeAlias = tuple[int, str, str]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True)
class Bound:
    """The names a body binds. ``variables`` may be renamed without a change in behaviour, ``fixed`` may not."""

    variables: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    outer: set[str] = field(default_factory=set)
    globals_: set[str] = field(default_factory=set)
    imports: dict[str, list[Target]] = field(default_factory=dict)


def import_targets(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Target]]:
    """Yield each name that ``node`` binds, with what it stands for; a star is bound as ``*``."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (node.level, node.module or "", alias.name)
        elif alias.asname:
            yield alias.asname, (0, alias.name, "")
        else:
            top = alias.name.partition(".")[0]
            yield top, (0, top, "")


def target_names(target: ast.expr) -> Iterator[str]:
    """Yield the plain names that an assignment to ``target`` binds."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from target_names(part)
    elif isinstance(target, ast.Starred):
        yield from target_names(target.value)


def bound_names(body: Iterable[ast.stmt], *, walrus: bool) -> Bound:
    """Return what ``body`` binds; ``walrus`` says whether there may be ``:=`` in it."""
    bound = Bound()
    pending = list(body)
    while pending:
        node = pending.pop()
        if walrus:
            bound.variables.update(walrus_names(node))
        pending.extend(_statement(node, bound))
    bound.variables -= bound.outer
    bound.variables -= bound.globals_
    bound.fixed -= bound.outer
    bound.fixed -= bound.globals_
    bound.variables -= bound.fixed
    return bound


def _statement(node: ast.stmt, bound: Bound) -> list[ast.stmt]:  # noqa: C901  # one case a statement
    """Note what ``node`` binds and return the statements in it."""
    variables = bound.variables
    if isinstance(node, ast.Assign):
        for target in node.targets:
            variables.update(target_names(target))
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        variables.update(target_names(node.target))
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        bound.fixed.add(node.name)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for name, target_ in import_targets(node):
            variables.add(name)
            bound.imports.setdefault(name, []).append(target_)
    elif isinstance(node, ast.Delete):
        for target in node.targets:
            variables.update(target_names(target))
    elif isinstance(node, ast.Global):
        bound.globals_.update(node.names)
    elif isinstance(node, ast.Nonlocal):
        bound.outer.update(node.names)
    else:
        return _compound(node, bound)
    return []


def _compound(node: ast.stmt, bound: Bound) -> list[ast.stmt]:  # noqa: C901  # one case a statement
    inner: list[ast.stmt] = []
    if isinstance(node, (ast.For, ast.AsyncFor)):
        bound.variables.update(target_names(node.target))
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if item.optional_vars is not None:
                bound.variables.update(target_names(item.optional_vars))
    elif isinstance(node, ast.Match):
        for case in node.cases:
            bound.variables.update(pattern_names(case.pattern))
            inner.extend(case.body)
        return inner
    elif type(node).__name__ == "TypeAlias":
        bound.variables.update(target_names(node.name))  # type: ignore[attr-defined]  # since Python 3.12
        return inner
    for handler in getattr(node, "handlers", ()):
        if handler.name:
            bound.variables.add(handler.name)
        inner.extend(handler.body)
    for name in ("body", "orelse", "finalbody"):
        inner.extend(getattr(node, name, ()))
    return inner


def pattern_names(pattern: ast.pattern) -> Iterator[str]:
    """Yield the names that a ``case`` pattern captures."""
    for node in ast.walk(pattern):
        name = getattr(node, "rest", None) if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
        if isinstance(name, str):
            yield name


def walrus_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that ``:=`` in the expressions of ``node`` binds in the scope that ``node`` stands in.

    What stands in a comprehension counts, what stands in the body of a nested function, class or lambda doesn't, nor
    do the statements in a compound statement.
    """
    pending: list[ast.AST] = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, ast.NamedExpr):
            yield one.target.id
        for name, value in ast.iter_fields(one):
            if isinstance(value, list):
                pending.extend(part for part in value if isinstance(part, ast.AST) and not isinstance(part, ast.stmt))
            elif isinstance(value, ast.AST) and not (isinstance(one, ast.Lambda) and name == "body"):
                pending.append(value)


def dotted(node: ast.AST) -> tuple[str, ...]:
    """Return ``("a", "b", "c")`` for ``a.b.c``, and ``()`` for what is no such chain of names."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ()
    names.append(node.id)
    return tuple(reversed(names))
