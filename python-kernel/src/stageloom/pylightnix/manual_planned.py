"""This face in a pipeline file that the engine runs: its derivations among the engine's own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stageloom.derivations.manager import Manager as PlannedManager
from stageloom.pylightnix.manual_types import Config, DRef, Matcher, Realizer


def add_planned(m: PlannedManager, config: Config, matcher: Matcher, realizer: Realizer) -> DRef:
    """Make a derivation for the engine; see :func:`stageloom.pylightnix.manual.mkdrv`."""
    raise NotImplementedError


def origin(realizer: Any, store: Path) -> str:
    """Return the file that a realizer is written in, relative to the workspace of ``store`` where it is below that."""
    function = getattr(realizer, "function", realizer)
    code = getattr(function, "__code__", None)
    file = Path(code.co_filename if code is not None else getattr(sys.modules.get("__main__"), "__file__", "") or "")
    root = store.parent.parent
    return file.relative_to(root).as_posix() if file.is_absolute() and file.is_relative_to(root) else file.name


def redefine_planned(
    m: PlannedManager,
    dref: DRef,
    change: Callable[[dict[str, Any]], Config],
    matcher: Matcher | None,
    realizer: Realizer | None,
) -> DRef:
    """Make a derivation of the engine's anew; see :func:`stageloom.pylightnix.manual.redefine`."""
    raise NotImplementedError
