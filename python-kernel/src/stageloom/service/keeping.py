"""What the editor asks about the store as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stageloom.engine.workspace import Workspace
from stageloom.rpc.messages import Empty, PinParams
from stageloom.rpc.request import Call
from stageloom.service.runs import Runs
from stageloom.store.pins import workspace_name


class Keeping:
    """Answers it for one workspace."""

    def __init__(self, workspace: Workspace, runs: Runs) -> None:
        self._workspace = workspace
        self._store = workspace.store
        self._runs = runs

    def pin(self, params: PinParams, call: Call) -> Empty:
        """Pin a realization, or take its pin away; one that is so already stays so."""
        del call
        found = self._workspace.realization(params.rref)
        if found.pinned != params.pinned:
            name = workspace_name(self._workspace.root, self._store.path)
            (self._store.pin if params.pinned else self._store.unpin)(found.rref, name)
        return Empty()


#: Which request is whose.
KEEPING: Mapping[str, Callable[[Keeping, Any, Call], object]] = {
    "store/pin": Keeping.pin,
}
