"""Source without the configurations and matchers written in it: they count by their values, or not at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from stageloom.derivations.source import Names, StageFunction, is_stage_of, own_nodes

_MATCHERS = ("match_only", "match_latest", "match_best", "match_by")
_KEPT = (ast.Lambda, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


def without_configurations(tree: ast.Module, text: str, functions: Sequence[StageFunction]) -> str:
    """Return ``text`` with ``{}`` for each matcher, ``m.stage(…)`` and dict in a call of ``mkconfig`` in ``functions``.

    Only what the function itself executes is taken out, nothing of the functions written in it: so what a realizer
    executes, and what it brings along, stays as it is.
    """
    lines = [line.encode() for line in text.split("\n")]
    for written in sorted(_written(tree, functions), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        assert written.end_lineno is not None
        assert written.end_col_offset is not None
        first, last = written.lineno - 1, written.end_lineno - 1
        joined = lines[first][: written.col_offset] + b"{}" + lines[last][written.end_col_offset :]
        lines[first : last + 1] = [joined]
    return b"\n".join(lines).decode()


def _written(tree: ast.Module, functions: Sequence[StageFunction]) -> Iterator[ast.expr]:
    names = Names(tree)
    known = {function.name for function in functions if function.makes}
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or function.name not in known:
            continue
        inside: set[int] = set()
        manager = next((one.arg for one in (*function.args.posonlyargs, *function.args.args)), "")
        for node in own_nodes(function):  # outer ones first
            if id(node) in inside or not isinstance(node, ast.Call):
                continue
            if any(names.says(node.func, matcher) for matcher in _MATCHERS) or is_stage_of(node, manager):
                inside.update(id(part) for part in ast.walk(node))
                yield node
            written = node.args[0] if len(node.args) == 1 and names.says(node.func, "mkconfig") else None
            if isinstance(written, ast.Dict) and not any(isinstance(part, _KEPT) for part in ast.walk(written)):
                inside.update(id(part) for part in ast.walk(written))
                yield written
