"""Which installed packages a run will import: names for spare workers to import ahead."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator

from stageloom.engine.language import Pipeline
from stageloom.tracking.snapshot import Snapshot
from stageloom.tracking.sources import BadSourceError, parse

#: More than these are not worth a worker's memory.
MOST = 20

_IMPORTS = (ast.Import, ast.ImportFrom)


def warm_modules(pipeline: Pipeline, stages: Collection[str]) -> tuple[str, ...]:
    """Return the modules, neither the project's nor Python's own, that files import at their top or ``stages`` within.

    At most 20, those of the pipeline's own file first. A file that cannot be parsed has none.
    """
    functions = {pipeline.targets[name].function for name in stages}
    paths = sorted(pipeline.snapshot.files, key=lambda path: path != pipeline.path)
    found: dict[str, None] = {}
    for path in paths:
        if len(found) >= MOST:
            break
        if path.endswith(".py"):
            inside = functions if path == pipeline.path else frozenset[str]()
            found.update(dict.fromkeys(_of_file(pipeline, path, inside)))
    return tuple(found)[:MOST]


def _of_file(pipeline: Pipeline, path: str, functions: Collection[str]) -> Iterator[str]:
    snapshot = pipeline.snapshot
    try:
        tree, _ = parse(pipeline.blobs.source(snapshot.files[path]), path)
    except (BadSourceError, RecursionError):
        return
    for name in _imported(tree.body, functions):
        if _is_installed(name.partition(".")[0], snapshot):
            yield name


def _imported(body: list[ast.stmt], functions: Collection[str]) -> Iterator[str]:
    """Return what statements import when they run, and what ``functions`` among them import when called."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and node.module:
                yield node.module
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name in functions:
                yield from _imported([one for one in ast.walk(node) if isinstance(one, _IMPORTS)], ())
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            for field in ("body", "orelse", "finalbody"):
                yield from _imported(getattr(node, field, []), functions)
            for handler in getattr(node, "handlers", ()):
                yield from _imported(handler.body, functions)


def _is_installed(top: str, snapshot: Snapshot) -> bool:
    if top == "stageloom" or top in sys.stdlib_module_names:
        return False
    places = [f"{folder}/{top}" if folder else top for folder in snapshot.folders]
    return not any(path == f"{place}.py" or path.startswith(f"{place}/") for place in places for path in snapshot.files)
