"""What reactors look like from their source alone: which ingredients and parameters they name."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from stageloom.model.classes import dataclass
from stageloom.rpc.messages import Span

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Named:
    """What a function names: a ``*`` in a name stands for what only running tells."""

    receives: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


def named_in(function: Function) -> Named:
    """Return what ``function`` names itself; ``calls`` are the functions that it gives a pipe to, or waits for."""
    arguments = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    config = set(arguments[1:2])
    receives, sends, parameters, calls = (dict[str, None]() for _ in range(4))
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                into = {"receive": receives, "send": sends, "read_config": parameters}.get(node.func.attr)
                first = _first(node, "paramName" if into is parameters else "name")
                if into is not None and first is not None and isinstance(node.func.value, (ast.Name, ast.Attribute)):
                    into[_pattern(first)] = None
            elif isinstance(node.func, ast.Name):
                calls[node.func.id] = None
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_config(node.value, config):
            parameters[node.attr] = None
    for own in ("peek", "has", "mark_auxiliary", "is_auxiliary"):
        parameters.pop(own, None)
    return Named(tuple(receives), tuple(sends), tuple(parameters), tuple(calls))


def _first(call: ast.Call, keyword: str) -> ast.expr | None:
    if call.args:
        return call.args[0]
    return next((one.value for one in call.keywords if one.arg == keyword), None)


def _is_config(node: ast.expr, names: Iterable[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names
    return isinstance(node, ast.Attribute) and node.attr == "config" and isinstance(node.value, ast.Name)


def _pattern(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "*" for one in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{_pattern(node.left)}{_pattern(node.right)}"
    return "*"


def sends_of(func: Callable[..., Any]) -> Sequence[str]:
    """Return the ingredients that a function at hand names as sent; none where its source cannot be had."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(func)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ()
    found: dict[str, None] = {}
    for function in functions_in(tree):
        found.update(dict.fromkeys(named_in(function).sends))
    return tuple(name for name in found if "*" not in name)


def functions_in(tree: ast.Module) -> Iterator[Function]:
    """Yield the functions at the top level of a module."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@dataclass(frozen=True, slots=True)
class ReactorSource:
    """A reactor in a file: what it, and what it calls in that file, names. ``first_line`` is its first decorator's."""

    name: str
    span: Span
    first_line: int
    doc: str
    receives: tuple[str, ...]
    sends: tuple[str, ...]
    parameters: tuple[str, ...]


def reactors_in(tree: ast.Module, path: str) -> list[ReactorSource]:
    """Return the reactors at the top level of a module, the last of each name, in order."""
    functions = {node.name: node for node in functions_in(tree)}
    named = {name: named_in(node) for name, node in functions.items()}
    return [_reactor(node, path, named) for node in functions.values() if is_marked(node, "ReactorFunc")]


def is_marked(node: Function, decorator: str) -> bool:
    """Return whether a function has this decorator."""
    return any(ast.unparse(one).rpartition(".")[2] == decorator for one in node.decorator_list)


def _reactor(node: Function, path: str, named: Mapping[str, Named]) -> ReactorSource:
    reached = {node.name: None}
    for name in (pending := [node.name]):
        more = [one for one in named[name].calls if one in named and one not in reached]
        reached.update(dict.fromkeys(more))
        pending.extend(more)

    def together(part: Callable[[Named], tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for name in reached for one in part(named[name])))

    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    column = node.col_offset + len("def " if isinstance(node, ast.FunctionDef) else "async def ")
    span = Span(path, node.lineno - 1, column, node.lineno - 1, column + len(node.name))
    return ReactorSource(
        node.name,
        span,
        first,
        ast.get_docstring(node) or "",
        together(lambda one: one.receives),
        together(lambda one: one.sends),
        together(lambda one: one.parameters),
    )
