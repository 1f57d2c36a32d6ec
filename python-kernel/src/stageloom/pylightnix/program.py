"""Which program runs, and so which workspace's store is meant where none is named."""

from __future__ import annotations

import sys
from pathlib import Path


def workspace_store() -> Path:
    """Return the store of the workspace that the running program's file is in.

    Where that is none of the user's (Stageloom's own command, a planner, a worker), it is the working folder's.
    """
    from stageloom.cli.target import store_of, workspace_of

    return store_of(workspace_of(_program()), None)


def _program() -> Path:
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    file = Path(script).resolve() if script else None
    if file is None or file.suffix != ".py" or Path(__file__).resolve().parents[1] in file.parents:
        return Path.cwd().resolve() / "program.py"
    return file
