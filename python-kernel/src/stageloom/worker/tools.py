"""Functions of the host, for user code that runs in a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Asks = Callable[[str, object], Any]

_asks: list[Asks] = []  # whom to ask; one worker serves one host


class ToolError(RuntimeError):
    """A function of the host failed, is not there, or could not be asked."""


def call_host(tool: str, *arguments: Any, **named: Any) -> Any:
    """Call a function that the host gave with the call or session, and return what it returns.

    Positional or named arguments, not both; they and what comes back must be JSON, as for operations.

    Raises:
        ToolError: the function failed, there is none of that name, or nobody called this code from a host.
    """
    if arguments and named:
        raise ToolError(f"{tool} takes positional or named arguments, not both")
    if not _asks:
        raise ToolError(f"there is no host to ask for {tool}: this code runs outside a pool")
    return _asks[-1](tool, named or list(arguments))


def answer_by(asks: Asks) -> None:
    """Have :func:`call_host` ask by ``asks`` from now on."""
    _asks[:] = [asks]
