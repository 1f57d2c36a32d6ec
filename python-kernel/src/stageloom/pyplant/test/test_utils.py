"""A single reactor, run to its end without a plant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import Any

from stageloom.pyplant.commands import IngredientAwaitedCommand, SubreactorStartedCommand
from stageloom.pyplant.pipework import Pipework


def run_reactor_to_completion(reactorFunc: Callable[..., Any], pipework: Pipework) -> None:
    """Run a reactor with a pipe of one's own, usually a ``PipeworkMock``.

    Raises:
        RuntimeError: where the reactor is no generator, or waits for an ingredient that the pipe does not give.
    """
    two = len(inspect.signature(reactorFunc).parameters) == 2
    generator = reactorFunc(pipework, pipework.config) if two else reactorFunc(pipework)
    if not inspect.isgenerator(generator):
        raise RuntimeError(f"{reactorFunc.__name__} is no generator: it has run, and there is nothing to wait for.")
    _exhaust(generator)


def run_subreactor_to_completion(subreactorGen: Generator[Any, Any, Any], pipework: Pipework) -> Any:
    """Run what calling a subreactor gave, and return what the subreactor returns."""
    del pipework
    return _exhaust(subreactorGen)


def _exhaust(generator: Generator[Any, Any, Any]) -> Any:
    value: Any = None
    while True:
        try:
            value = generator.send(value)
        except StopIteration as stop:
            return stop.value
        if isinstance(value, IngredientAwaitedCommand):
            raise RuntimeError(f"It waits for the ingredient {value.ingredientName!r}, which it was not given.")
        if isinstance(value, SubreactorStartedCommand):
            value = None
