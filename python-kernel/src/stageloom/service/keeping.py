"""What the editor asks about the store as a whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stageloom.engine.profiles import with_profile
from stageloom.engine.reached import chosen, derivations, pipelines_made, reached
from stageloom.engine.status import standings
from stageloom.engine.workspace import Workspace
from stageloom.model.references import RRef
from stageloom.rpc.errors import REQUEST_FAILED, RpcError
from stageloom.rpc.messages import (
    Collected,
    CollectParams,
    Damaged,
    Empty,
    Failure,
    Garbage,
    LeftOut,
    Packed,
    PackParams,
    PinParams,
    Pushed,
    Received,
    RemoteParams,
    SparedRealizations,
    StoreProgress,
    UnpackParams,
    Verified,
    VerifyParams,
)
from stageloom.rpc.request import Call
from stageloom.rpc.wire import encode
from stageloom.service.runs import Runs
from stageloom.store.errors import StoreError
from stageloom.store.meter import Tell
from stageloom.store.pins import home_of, workspace_name

if TYPE_CHECKING:
    from stageloom.store import receiving, sending
    from stageloom.store.remote import Remote

_LISTED = 1000


def _nobody(told: StoreProgress) -> None:
    del told


class Keeping:
    """Answers it for one workspace."""

    def __init__(self, workspace: Workspace, runs: Runs, tell: Callable[[StoreProgress], None] = _nobody) -> None:
        self._tell = tell
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

    def collect(self, params: CollectParams, call: Call) -> Collected:
        """Collect garbage, or say what would go: what the workspace's pipelines reach stays."""
        from stageloom.store.gc import Policy

        keep: set[RRef] = set()
        for path in pipelines_made(self._workspace):
            keep |= reached(self._workspace, path, check=call.check)
        self._runs.let_go()
        name = workspace_name(self._workspace.root, self._store.path)
        policy = Policy(keep, others=params.others, workspace=name)
        told = self._store.gc(policy, delete=params.delete, check=call.check, tell=self._telling("collect"))
        garbage = [Garbage(one.path, one.stage, one.at, one.size) for one in told.victims[:_LISTED]]
        freed = told.freed + told.leftovers.size
        return Collected(
            garbage, len(told.victims), told.leftovers.count, freed, told.kept, told.size - told.freed, told.in_use,
            [SparedRealizations(home_of(one.workspace, self._store.path), one.at, one.count) for one in told.spared],
        )  # fmt: skip

    def verify(self, params: VerifyParams, call: Call) -> Verified:
        """Read everything in the store, and repair it if asked."""
        damages = self._store.verify(check=call.check, tell=self._telling("verify"))
        call.check()
        told = [Damaged(one.kind, one.path, one.what) for one in damages]
        if not (damages and params.repair):
            return Verified(told, len(self._store.history(hidden=True)), self._store.size)
        repaired = self._store.repair(damages)
        return Verified(
            told, len(self._store.history(hidden=True)), self._store.size, len(repaired.moved), len(repaired.mended),
            len(repaired.forgotten), str(self._store.path / "damaged"),
        )  # fmt: skip

    def pack(self, params: PackParams, call: Call) -> Packed:
        """Write an archive."""
        with self._runs.beside():
            rrefs = [self._workspace.realization(rref).rref for rref in params.rrefs]
            told = self._store.pack(rrefs, Path(params.target), check=call.check)
        return Packed(params.target, told.realizations, told.size, _left_out(told.left_out))

    def unpack(self, params: UnpackParams, call: Call) -> Received:
        """Take an archive in."""
        with self._runs.beside():
            _, received = self._store.unpack(params.path, check=call.check)
        return _received(received)

    def push(self, params: RemoteParams, call: Call) -> Pushed:
        """Send to a remote what it lacks."""
        remote = _remote(params.remote)
        with self._runs.beside():
            rrefs = self._standing(params, call) if params.path else [one.rref for one in self._store.history()]
            told = self._store.push(remote, list(dict.fromkeys(rrefs)), mend=params.check, check=call.check)
        return Pushed(len(told.sent), told.known, told.bytes, len(told.mended), _left_out(told.left_out))

    def pull(self, params: RemoteParams, call: Call) -> Received:
        """Take in from a remote what is missing here."""
        remote = _remote(params.remote)
        remote.check_head()
        wanted = None
        if params.path:
            wanted = derivations(self._workspace, params.path, (), self._sets(params), call.check)
        with self._runs.beside():
            return _received(self._store.pull(remote, remote.realizations(wanted), check=call.check))

    def _telling(self, work: Literal["collect", "verify"]) -> Tell:
        return lambda done, total: self._tell(StoreProgress(work, done, total))

    def _standing(self, params: RemoteParams, call: Call) -> Sequence[RRef]:
        pipeline = self._workspace.read(params.path, sets=self._sets(params), check=call.check)
        found = [rref for one in standings(self._store, pipeline).values() for rref in chosen(one)]
        if not found:
            raise StoreError(f"Nothing of {params.path} is cached.", "Realize its stages first.")
        return found

    def _sets(self, params: RemoteParams) -> Mapping[str, Any]:
        return with_profile(self._workspace.root, params.profile, params.path, {})


def _received(told: receiving.Received) -> Received:
    return Received(len(told.added), told.known, told.bytes)


def _left_out(told: Sequence[sending.LeftOut]) -> list[LeftOut]:
    return [LeftOut(str(one.rref), one.why) for one in told[:_LISTED]]


def _remote(url: str) -> Remote:
    from stageloom.store.remote import NoRemotesError, Remote

    try:
        return Remote(url)
    except NoRemotesError as error:
        words = [sys.executable, "-m", "pip", "install", error.package]
        command = subprocess.list2cmdline(words) if sys.platform == "win32" else _shell(words)
        failure = Failure(
            "missing-package", error.message, f"Install it: {command}", package=error.package, command=command
        )
        raise RpcError(REQUEST_FAILED, failure.message, encode(failure)) from None


def _shell(words: Sequence[str]) -> str:
    import shlex

    return shlex.join(words)


#: Which request is whose.
KEEPING: Mapping[str, Callable[[Keeping, Any, Call], object]] = {
    "store/pin": Keeping.pin,
    "store/collect": Keeping.collect,
    "store/verify": Keeping.verify,
    "store/pack": Keeping.pack,
    "store/unpack": Keeping.unpack,
    "store/push": Keeping.push,
    "store/pull": Keeping.pull,
}
