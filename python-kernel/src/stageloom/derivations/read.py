"""The stage functions of a file in a snapshot."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from stageloom.derivations.source import StageFunction, imports_derivations, stage_functions
from stageloom.model.classes import dataclass
from stageloom.tracking.scopes import import_targets
from stageloom.tracking.snapshot import Snapshot
from stageloom.tracking.sources import BadSourceError, parse

_IMPORT = re.compile(rb"\bstageloom\b[^\n]*\b(derivations|pylightnix)\b")


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file's stage functions; ``speaks`` says whether it writes derivations at all."""

    speaks: bool
    functions: Sequence[StageFunction] = ()


def read_functions(snapshot: Snapshot, path: str) -> ReadFile:
    """Return the stage functions of the file at ``path``; none where it cannot be read as Python."""
    if path not in snapshot.files:
        return ReadFile(speaks=False)
    content = snapshot.read(path)
    if not _IMPORT.search(content):  # most files end here, unparsed
        return ReadFile(speaks=False)
    try:
        tree, _ = parse(content, path)
    except BadSourceError:
        return ReadFile(speaks=False)
    return ReadFile(imports_derivations(tree), stage_functions(tree, path))


def all_functions(snapshot: Snapshot, path: str, wanted: Sequence[tuple[str, str]]) -> Sequence[StageFunction]:
    """Return the stage functions of the file at ``path``, and those of other files that are ``wanted``.

    What is wanted in a file is one of its own, or that it imports: by its function's name, or by that which its
    configuration gives it.
    """
    own = read_functions(snapshot, path).functions
    known = {name for one in own for name in (one.name, one.stage)}
    found = {(path, one.name): one for one in own}
    for name, where in dict.fromkeys(wanted):
        if where not in snapshot.files or (where == path and name in known):
            continue
        for one in _offered(snapshot, where):
            if one.entry and name in (one.name, one.stage):
                found.setdefault((one.span.path, one.name), one)
    return list(found.values())


def _offered(snapshot: Snapshot, path: str) -> Iterator[StageFunction]:
    """Yield the stage functions of a file, and those that it imports."""
    yield from read_functions(snapshot, path).functions
    try:
        tree, _ = parse(snapshot.read(path), path)
    except BadSourceError:
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        for _, (level, module, taken) in import_targets(node):
            found = snapshot.modules.relative(path, level, module)
            if found is not None and found.file is not None:
                functions = read_functions(snapshot, found.file).functions
                yield from (one for one in functions if taken in (one.name, "*"))
