"""The first message on every connection: who speaks, and that both ends speak the same protocol."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING

from stageloom._version import PROTOCOL, VERSION
from stageloom.rpc.errors import INVALID_PARAMS, PROTOCOL_MISMATCH, RpcError
from stageloom.rpc.messages import InitializeParams, InitializeResult, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from stageloom.rpc.endpoint import Endpoint
    from stageloom.rpc.request import Call


def check_protocol(raw: object, who: str) -> None:
    """Raise RpcError where a handshake message, not decoded yet, is of another protocol version.

    It comes before decoding: another version's fields would only be reported as unexpected ones.
    """
    theirs = raw.get("protocol") if isinstance(raw, dict) else None
    if isinstance(theirs, int) and theirs != PROTOCOL:
        raise RpcError(
            PROTOCOL_MISMATCH,
            f"the {who} speaks protocol {theirs}, this side (stageloom {VERSION}) protocol {PROTOCOL}: "
            "update the extension and the stageloom package in this environment to the same version",
        )


def describe(store: str = "", warnings: tuple[str, ...] = ()) -> InitializeResult:
    """Return what this process answers."""
    return InitializeResult(
        PROTOCOL, VERSION, platform.python_version(), sys.executable, os.getpid(), store=store, warnings=warnings
    )


def answer(
    endpoint: Endpoint,
    roles: tuple[Role, ...],
    complete: Callable[[InitializeParams], InitializeResult] | None = None,
) -> None:
    """Answer ``initialize`` as one of ``roles``; whatever comes before it is refused."""
    from stageloom.rpc.endpoint import inline

    def initialize(params: InitializeParams, _: Call) -> InitializeResult:
        if params.role not in roles:
            raise RpcError(INVALID_PARAMS, f"this process is a {' or '.join(roles)}, not a {params.role}")
        result = describe() if complete is None else complete(params)
        endpoint.ready = True
        return result

    endpoint.ready = False
    endpoint.on("initialize", initialize, inline)


def connect(
    endpoint: Endpoint, role: Role, *, workspace: str = "", store: str = "", client: str = "", timeout: float = 30.0
) -> InitializeResult:
    """Open the connection from the asking side; raises RpcError (a mismatch, say) or TimeoutError."""
    params = InitializeParams(PROTOCOL, role, client or f"stageloom {VERSION}", workspace, store)
    result = endpoint.request("initialize", params, timeout)
    assert isinstance(result, InitializeResult)
    return result
