"""The engine's side of the connection: every request of the host, answered from one workspace."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from stageloom.engine.failures import store_failure
from stageloom.engine.language import CannotPlanError
from stageloom.engine.profiles import read_profiles, with_profile
from stageloom.engine.project import UnknownParameterError, UnknownStageError
from stageloom.engine.workspace import NoSuchRealizationError, Workspace
from stageloom.executors.host import HostExecutor
from stageloom.library import LANGUAGES
from stageloom.model.references import RRef
from stageloom.model.values import Json
from stageloom.rpc import handshake
from stageloom.rpc.endpoint import Endpoint, in_thread
from stageloom.rpc.errors import INVALID_PARAMS, REQUEST_FAILED, RpcError
from stageloom.rpc.messages import (
    Artifacts,
    ArtifactsParams,
    Described,
    Empty,
    ExportParams,
    Failure,
    FileParams,
    FilePreview,
    InitializeParams,
    InitializeResult,
    Invalidated,
    InvalidateParams,
    Located,
    LogMessage,
    Outputs,
    OutputsParams,
    Plan,
    PlanParams,
    Profiles,
    RecordParams,
    RunParams,
    RunRecord,
    RunRef,
    RunStarted,
    StoreChanged,
    Undone,
    UndoParams,
    Why,
    WhyParams,
)
from stageloom.rpc.request import Call
from stageloom.rpc.wire import encode
from stageloom.service.keeping import KEEPING, Keeping
from stageloom.service.runs import Runs
from stageloom.store.errors import StoreError
from stageloom.store.pins import workspace_name
from stageloom.store.store import Store

_POLL_SECONDS = 1.0
_STOP_SECONDS = 5.0


class Server:
    """Serves one host over two streams."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._endpoint = Endpoint(reader, writer, log=self._log, name="host")
        self._workspace: Workspace | None = None
        self._runs: Runs | None = None
        self._keeping: Keeping | None = None
        self._told = 0
        self._trouble = ""
        self._missed = 0
        self._executor = HostExecutor(self._endpoint)
        handshake.answer(self._endpoint, ("engine",), self._initialize)
        for method, handle in self._handlers().items():
            self._endpoint.on(method, _guarded(_heedless(handle)), in_thread)
        for method, keep in KEEPING.items():
            self._endpoint.on(method, _guarded(self._kept(keep)), in_thread)
        self._endpoint.on("pipeline/plan", _guarded(self._plan), in_thread)
        self._endpoint.on("pipeline/why", _guarded(self._why), in_thread)
        self._endpoint.on("stage/invalidate", _guarded(self._invalidate), in_thread)

    def serve(self) -> None:
        """Answer until the host goes or asks to shut down; then stop what runs."""
        self._endpoint.start()
        while not self._endpoint.wait_closed(_POLL_SECONDS) and not self._is_bereft():
            self._tell_changes()
            self._say_roots()
        if self._runs is not None:
            self._runs.stop(_STOP_SECONDS)
        if self._workspace is not None:
            with contextlib.suppress(StoreError, OSError):
                self._workspace.store.close()

    def _is_bereft(self) -> bool:
        """Return whether the store's folder was deleted: what this process still holds of it is of no use.

        The host starts another engine, which finds an empty store and says so.
        """
        if self._workspace is None or (self._workspace.store.path / "format.json").exists():
            self._missed = 0
            return False
        self._missed += 1
        if self._missed > 1:
            self._log("warning", f"The store at {self._workspace.store.path} was deleted: the engine starts anew.")
        return self._missed > 1

    def _handlers(self) -> dict[str, Callable[[Any], object]]:
        return {
            "shutdown": self._shutdown,
            "pipeline/profiles": self._profiles,
            "run/start": self._start,
            "run/cancel": self._cancel,
            "stage/undo": self._undo,
            "store/artifacts": self._artifacts,
            "store/preview": self._preview,
            "store/outputs": self._outputs,
            "store/record": self._record,
            "store/locate": self._locate,
            "store/export": self._export,
            "store/describe": self._describe,
        }

    def _initialize(self, params: InitializeParams) -> InitializeResult:
        try:
            name = workspace_name(params.workspace, params.store)
            store = Store.open(Path(params.store), workspace=name, link=params.link)
        except StoreError as error:
            raise _failed(store_failure(error)) from None
        self._workspace = Workspace(Path(params.workspace).resolve(), store, LANGUAGES, self._executor)
        self._runs = Runs(self._workspace, self._endpoint, self._executor)
        self._keeping = Keeping(self._workspace, self._runs, lambda told: self._endpoint.notify("store/progress", told))
        self._told = store.sequence
        return handshake.describe(str(store.path), tuple(store.warnings))

    @property
    def _open(self) -> Workspace:
        assert self._workspace is not None, "initialize comes first; the endpoint refuses what comes before it"
        return self._workspace

    def _shutdown(self, params: Empty) -> Empty:
        if self._runs is not None:
            self._runs.stop(_STOP_SECONDS)
        timer = threading.Timer(0.05, self._endpoint.close)
        timer.daemon = True
        timer.start()
        return params

    def _plan(self, params: PlanParams, call: Call) -> Plan:
        return self._open.plan(params.path, params.overlays, self._sets(params), check=call.check)

    def _why(self, params: WhyParams, call: Call) -> Why:
        return Why(self._open.why(params.path, params.stage, params.overlays, self._sets(params), check=call.check))

    def _sets(self, params: PlanParams | WhyParams | InvalidateParams) -> Mapping[str, Json]:
        return with_profile(self._open.root, params.profile, params.path, params.sets)

    def _describe(self, params: FileParams) -> Described:
        from stageloom.engine.history import describe_history

        rref = RRef.parse(params.rref)
        found = self._open.store.get(rref)
        return Described(
            describe_history(self._open.store, self._open.root, rref), found.at if found is not None else 0.0
        )

    def _profiles(self, params: Empty) -> Profiles:
        del params
        return Profiles(list(read_profiles(self._open.root)))

    def _start(self, params: RunParams) -> RunStarted:
        assert self._runs is not None
        return RunStarted(self._runs.start(params))

    def _cancel(self, params: RunRef) -> Empty:
        assert self._runs is not None
        self._runs.cancel(params.run)
        return Empty()

    def _invalidate(self, params: InvalidateParams, call: Call) -> Invalidated:
        if params.rrefs:
            result = self._open.invalidate_realizations(params.rrefs)
        else:
            result = self._open.invalidate(
                params.path, params.stages, dependents=params.dependents, sets=self._sets(params), check=call.check
            )
        self._tell_changes()
        return result

    def _undo(self, params: UndoParams) -> Undone:
        result = self._open.undo(params.sequence)
        self._tell_changes()
        return result

    def _artifacts(self, params: ArtifactsParams) -> Artifacts:
        return self._open.artifacts(params.path, hidden=params.hidden)

    def _preview(self, params: FileParams) -> FilePreview:
        return self._open.preview(params.rref, params.file)

    def _outputs(self, params: OutputsParams) -> Outputs:
        return self._open.outputs(params.rref)

    def _record(self, params: RecordParams) -> RunRecord:
        return self._open.record(params.run, params.stage)

    def _locate(self, params: FileParams) -> Located:
        return Located(str(self._open.locate(params.rref, params.file)))

    def _export(self, params: ExportParams) -> Located:
        return Located(str(self._open.export(params.rref, Path(params.target), params.file)))

    def _kept(self, keep: Callable[[Keeping, Any, Call], object]) -> Callable[[Any, Call], object]:
        def handle(params: Any, call: Call) -> object:
            assert self._keeping is not None
            try:
                return keep(self._keeping, params, call)
            finally:
                self._tell_changes()

        return handle

    def _say_roots(self) -> None:
        """Note what the pipelines stand on that were planned lately: nothing to look at anew for the host."""
        if self._workspace is None:
            return
        with contextlib.suppress(StoreError, OSError):
            before = self._workspace.store.sequence
            said = self._workspace.say_roots()
            if self._told == before and self._workspace.store.sequence == before + said:
                self._told = before + said

    def _tell_changes(self) -> None:
        """Tell the host when the store has moved on, by this process or another."""
        if self._workspace is None:
            return
        try:
            sequence = self._workspace.store.sequence
        except (StoreError, OSError) as error:  # the runs go on, and it is asked again
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._log("error", f"Whether the store has changed cannot be told: {error}")
            return
        self._trouble = ""
        if sequence != self._told:
            self._told = sequence
            self._endpoint.notify("store/changed", StoreChanged(sequence))

    def _log(self, level: str, text: str) -> None:
        known = level if level in ("debug", "info", "warning", "error") else "info"
        self._endpoint.notify("log/message", LogMessage(known, text))  # type: ignore[arg-type]  # one of the four


def _heedless(handle: Callable[[Any], object]) -> Callable[[Any, Call], object]:
    """Return a handler of what is too quick to be cancelled."""
    return lambda params, _: handle(params)


def _guarded(handle: Callable[[Any, Call], object]) -> Callable[[Any, Call], object]:
    """Return a handler that answers what can be expected to go wrong with a Failure to show."""

    def guarded(params: Any, call: Call) -> object:
        call.check()
        try:
            return handle(params, call)
        except CannotPlanError as error:
            raise _failed(error.failure) from None
        except StoreError as error:
            raise _failed(store_failure(error)) from None
        except (UnknownStageError, UnknownParameterError, NoSuchRealizationError) as error:
            raise RpcError(INVALID_PARAMS, str(error)) from None
        except OSError as error:
            raise _failed(Failure("store", f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))) from None

    return guarded


def _failed(failure: Failure) -> RpcError:
    return RpcError(REQUEST_FAILED, failure.message, encode(failure))


def main() -> None:
    """Serve the host at the other end of standard input and output."""
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints by mistake must not get between messages
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdout = sys.stderr
    Server(reader, writer).serve()
