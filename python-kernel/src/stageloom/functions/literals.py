"""Values of expressions that can be told without running anything."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

_MOST_BITS = 4096
_MOST_ITEMS = 100_000

_BINARY: Mapping[type[ast.operator], Callable[..., object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_UNARY: Mapping[type[ast.unaryop], Callable[..., object]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_CALLS: Mapping[str, Callable[..., object]] = {
    "float": float,
    "int": int,
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "set": set,
    "frozenset": frozenset,
}


class NotStaticError(Exception):
    """An expression whose value only running the file can tell."""


class Constants:
    """Evaluates expressions of one file. ``values`` are the expressions of names that are bound once and for all.

    ``bound`` are all names that the file binds, which therefore are no builtins.
    """

    def __init__(self, values: Mapping[str, ast.expr], bound: frozenset[str]) -> None:
        self._values = values
        self._bound = bound
        self._open: set[str] = set()

    def evaluate(self, node: ast.expr) -> object:
        """Return the value of ``node``; raises NotStaticError."""
        try:
            return self._value(node)
        except NotStaticError:
            raise
        except (ArithmeticError, TypeError, ValueError, LookupError, RecursionError, MemoryError) as error:
            raise NotStaticError(str(error)) from error

    def _value(self, node: ast.expr) -> object:  # noqa: C901  # one case an expression
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Tuple):
            return tuple(self._value(part) for part in node.elts)
        if isinstance(node, ast.List):
            return [self._value(part) for part in node.elts]
        if isinstance(node, ast.Set):
            return {self._value(part) for part in node.elts}
        if isinstance(node, ast.Dict):
            return self._mapping(node)
        if isinstance(node, ast.UnaryOp):
            return _UNARY[type(node.op)](self._value(node.operand))
        if isinstance(node, ast.BinOp):
            return _binary(node.op, self._value(node.left), self._value(node.right))
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            container = self._value(node.value)
            if isinstance(container, (list, tuple, dict, str)):
                return container[self._value(node.slice)]  # type: ignore[index,call-overload]  # a wrong index is caught
        if isinstance(node, ast.JoinedStr) and all(isinstance(part, ast.Constant) for part in node.values):
            return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        if isinstance(node, ast.Call):
            return self._call(node)
        raise NotStaticError(type(node).__name__)

    def _mapping(self, node: ast.Dict) -> dict[object, object]:
        result: dict[object, object] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                inner = self._value(value)
                if not isinstance(inner, dict):
                    raise NotStaticError("** of what is no dict")
                result.update(inner)
            else:
                result[self._value(key)] = self._value(value)
        return result

    def _name(self, name: str) -> object:
        if name not in self._values or name in self._open:
            raise NotStaticError(name)
        self._open.add(name)
        try:
            return self._value(self._values[name])
        finally:
            self._open.discard(name)

    def _call(self, node: ast.Call) -> object:
        function = node.func
        if not isinstance(function, ast.Name) or function.id not in _CALLS or function.id in self._bound:
            raise NotStaticError("a call")
        arguments = [self._value(one) for one in node.args]
        named = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise NotStaticError("** in a call")
            named[keyword.arg] = self._value(keyword.value)
        return _CALLS[function.id](*arguments, **named)


def _binary(kind: ast.operator, left: object, right: object) -> object:
    """Return what ``left kind right`` is, unless that could become huge."""
    if isinstance(kind, (ast.Pow, ast.LShift)) and isinstance(left, int) and isinstance(right, int):
        bits = right if isinstance(kind, ast.LShift) else right * max(left.bit_length(), 1)
        if bits > _MOST_BITS:
            raise NotStaticError("a huge number")
    if isinstance(kind, ast.Mult):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, (str, bytes, list, tuple)) and isinstance(other, int) and len(one) * other > _MOST_ITEMS:
                raise NotStaticError("a huge value")
    if isinstance(kind, ast.Mod) and isinstance(left, (str, bytes)):
        raise NotStaticError("a formatted text")
    operation = _BINARY.get(type(kind))
    if operation is None:
        raise NotStaticError(type(kind).__name__)
    return operation(left, right)
