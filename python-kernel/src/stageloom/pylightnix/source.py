"""The code of ``autostage`` functions, hashed: equal in every process, whatever the formatting and comments."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import os
import sys
import sysconfig
import textwrap
from collections.abc import Iterable
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from stageloom.pylightnix.configuration import plain
from stageloom.pylightnix.errors import ConfigError
from stageloom.pylightnix.types import Hash

_DEPTH = 20


def pyobjhash(objs: Iterable[Any] | Any) -> Hash:
    """Return a hash of the code of functions and classes, and of the content of other values.

    A function counts with the functions and classes of the project that it names, with theirs, and with what it takes
    from around it; comments, formatting, docstrings and installed packages don't count.
    """
    reader = _Reader()
    found = [reader.read(one) for one in (objs if isinstance(objs, (list, tuple)) else [objs])]
    return Hash(hashlib.sha256(json.dumps(found).encode("utf-8")).hexdigest())


class _Reader:
    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def read(self, value: Any, depth: int = 0) -> Any:  # noqa: C901  # one case a kind reads best in one place
        """Return what stands for ``value``."""
        if isinstance(value, functools.partial):
            return ["partial", self.read(value.func, depth), self.read(list(value.args)), self.read(value.keywords)]
        if isinstance(value, ModuleType):
            return ["module", value.__name__]
        if isinstance(value, BuiltinFunctionType):
            return ["builtin", f"{value.__module__}.{value.__qualname__}"]
        wrapped = getattr(value, "__wrapped__", None)
        if isinstance(value, FunctionType) or inspect.isclass(value):
            if id(value) in self._seen or depth > _DEPTH:
                return ["again", self._seen.get(id(value), -1)]
            self._seen[id(value)] = len(self._seen)
            return self._class(value, depth) if inspect.isclass(value) else self._function(value, depth)
        if callable(wrapped):
            return self.read(wrapped, depth)
        if inspect.ismethod(value):
            return self.read(value.__func__, depth)
        if isinstance(value, (list, tuple)):
            return [self.read(one, depth) for one in value]
        if isinstance(value, dict):
            return ["dict", [[repr(key), self.read(one, depth)] for key, one in value.items()]]
        try:
            return ["value", plain(value, "value")]
        except ConfigError:
            return ["of", f"{type(value).__module__}.{type(value).__qualname__}"]

    def _function(self, function: FunctionType, depth: int) -> Any:
        code = function.__code__
        cells = [
            [name, self._cell(cell, depth)]
            for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
        ]
        defaults = [self.read(list(function.__defaults__ or ())), self.read(function.__kwdefaults__ or {})]
        return ["function", text_of(function), cells, defaults, self._globals(function, depth)]

    def _globals(self, function: FunctionType, depth: int) -> Any:
        found = []
        names = _names(function.__code__)
        for name in sorted(names & function.__globals__.keys()):
            value = function.__globals__[name]
            if isinstance(value, ModuleType) and _is_project(value.__name__):
                for inner in sorted(names & vars(value).keys()):
                    found += self._global(f"{name}.{inner}", vars(value)[inner], depth)
            else:
                found += self._global(name, value, depth)
        return found

    def _global(self, name: str, value: Any, depth: int) -> list[Any]:
        if isinstance(value, FunctionType) or inspect.isclass(value):
            return [[name, self.read(value, depth + 1)]] if _is_project(value.__module__) else []
        return [[name, repr(value)]] if isinstance(value, (bool, int, float, str)) else []

    def _class(self, kind: type, depth: int) -> Any:
        if kind.__module__ == "builtins":
            return ["class", kind.__name__]
        bases = [self.read(base, depth + 1) for base in kind.__bases__ if _is_project(base.__module__)]
        members = [
            [name, self._globals(member, depth)]
            for name, member in sorted(vars(kind).items())
            if isinstance(member, FunctionType)
        ]
        return ["class", text_of(kind), bases, members]

    def _cell(self, cell: Any, depth: int) -> Any:
        try:
            value = cell.cell_contents
        except ValueError:
            return None  # not bound yet
        return self.read(value, depth + 1)


@functools.cache
def _is_project(module: str) -> bool:
    """Return whether a module is neither of the standard library, nor installed, nor this package."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__" or not file:
        return module == "__main__"
    path = os.path.realpath(file)
    if os.path.basename(os.path.dirname(path)) in ("site-packages", "dist-packages"):
        return False
    kept = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return not any(folder and path.startswith(os.path.realpath(folder) + os.sep) for folder in [*kept, package])


def text_of(thing: Any) -> str:
    """Return the code of a function or class without comments, formatting and docstrings.

    Where its source cannot be had, as at a prompt, it is the compiled code that is told.
    """
    try:
        source = textwrap.dedent(inspect.getsource(thing))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError, ValueError):
        code = getattr(thing, "__code__", None)
        return _compiled(code) if isinstance(code, CodeType) else getattr(thing, "__qualname__", type(thing).__name__)
    return ast.dump(_bare(tree, thing))


def _bare(tree: ast.Module, thing: Any) -> ast.AST:
    """Return the definition in ``tree``, without docstrings and its own decorators, whose arguments count as such."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
            if node.name == getattr(thing, "__name__", "") and node in tree.body:
                node.decorator_list = []
    if getattr(thing, "__name__", "") == "<lambda>":
        lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
        return ast.Module([ast.Expr(one) for one in lambdas], [])
    return tree


def _compiled(code: CodeType) -> str:
    constants = [_compiled(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return repr((code.co_code.hex(), constants, code.co_names, code.co_varnames))


def _names(code: CodeType) -> set[str]:
    """Return the global names that code uses, nested functions included."""
    found = set(code.co_names)
    for one in code.co_consts:
        if isinstance(one, CodeType):
            found |= _names(one)
    return found
