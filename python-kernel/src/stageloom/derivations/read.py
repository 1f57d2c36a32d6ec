"""The stage functions of a file in a snapshot."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stageloom.derivations.source import StageFunction, imports_derivations, stage_functions
from stageloom.model.classes import dataclass
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
