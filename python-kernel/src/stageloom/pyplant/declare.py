"""The decorators, and what they have marked in this process."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar

from stageloom.pyplant.commands import SubreactorStartedCommand

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Declared:
    """All that was marked in this process, in order, as a plant without reactors takes them all."""

    reactors: ClassVar[list[Any]] = []
    subreactors: ClassVar[dict[str, Any]] = {}


def ReactorFunc(func: _Function) -> _Function:  # noqa: N802  # the name that programs know
    """Mark a function as a reactor: a generator, or plain, that takes a pipe, and the configuration if it likes."""
    _refuse_twice(func)
    func.pyplant = SimpleNamespace(isReactor=True, isSubreactor=False)  # type: ignore[attr-defined]  # a mark on a function
    Declared.reactors.append(func)
    return func


def SubreactorFunc(func: Callable[..., Any]) -> Callable[..., Generator[Any, Any, Any]]:  # noqa: N802  # see above
    """Mark a function, generator or plain, that reactors call with ``yield from``; its code counts as theirs."""
    _refuse_twice(func)
    func.pyplant = SimpleNamespace(isReactor=False, isSubreactor=True)  # type: ignore[attr-defined]  # a mark on a function
    name = func.__name__
    Declared.subreactors[name] = func

    @functools.wraps(func)
    def subreactor(*arguments: Any, **keywords: Any) -> Generator[Any, Any, Any]:
        yield SubreactorStartedCommand(name)
        if inspect.isgeneratorfunction(func):
            return (yield from func(*arguments, **keywords))
        return func(*arguments, **keywords)

    return subreactor


def _refuse_twice(func: Callable[..., Any]) -> None:
    assert "pyplant" not in func.__dict__, f"{func.__name__} was marked already: one decorator is enough."
