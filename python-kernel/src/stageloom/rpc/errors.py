"""What can go wrong between two ends of a connection, with the codes of JSON-RPC and LSP."""

from __future__ import annotations

from stageloom.model.values import Json

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
PROTOCOL_MISMATCH = -32001
REQUEST_FAILED = -32803
REQUEST_CANCELLED = -32800


class RpcError(Exception):
    """The other end answered with an error; a handler raises it to answer with one."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        self.code = code
        self.message = message
        self.data = data
        super().__init__(message)


class RequestCancelledError(RpcError):
    """The request was cancelled."""

    def __init__(self, message: str = "cancelled", data: Json = None) -> None:
        super().__init__(REQUEST_CANCELLED, message, data)


class ConnectionClosedError(RpcError):
    """The connection ended before the answer came; what was asked may or may not have been done."""

    def __init__(self, message: str = "the connection was closed") -> None:
        super().__init__(INTERNAL_ERROR, message)


def make_error(code: int, message: str, data: Json = None) -> RpcError:
    """Return the error that an answer spells."""
    return RequestCancelledError(message, data) if code == REQUEST_CANCELLED else RpcError(code, message, data)


def error_json(code: int, message: str, data: object) -> dict[str, object]:
    """Return an error as an answer holds it."""
    return {"code": code, "message": message, **({} if data is None else {"data": data})}


def read_error(error: object) -> RpcError:
    """Return the error that an answer holds, whatever the other side wrote there."""
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return RpcError(INTERNAL_ERROR, f"an answer with a malformed error: {str(error)[:300]}")
    return make_error(error["code"], str(error.get("message", "")), error.get("data"))
