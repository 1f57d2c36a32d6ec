"""The pipe through which a reactor receives, sends and reads its configuration."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stageloom.pyplant.commands import IngredientAwaitedCommand
from stageloom.pyplant.ingredient import Ingredient, kind_of
from stageloom.reactors.configuration import seen
from stageloom.reactors.trace import Kind

if TYPE_CHECKING:
    from stageloom.pyplant.config import ConfigBase
    from stageloom.pyplant.warehouse import Types
    from stageloom.reactors.running import Running


class Pipework:
    """One reactor's pipe. ``config`` is the plant's configuration, as this reactor sees it."""

    def __init__(
        self,
        running: Running,
        types: Types,
        config: ConfigBase,
        logger: logging.Logger,
        answer: Callable[[Kind, tuple[str, ...]], Any],
        sent: Callable[[Running, str], None],
        scratch: Callable[[], Path],
    ) -> None:
        self._running = running
        self._types = types
        self._plain = config
        self._logger = logger
        self._answer = answer
        self._sent = sent
        self._scratch = scratch
        self.config = config._clone_with_pipe(self)

    def receive(self, name: str) -> Any:
        """Return what a reactor yields to wait for an ingredient: ``value = yield pipe.receive("name")``."""
        return IngredientAwaitedCommand(name)

    def send(self, name: str, value: Any, type: Any = None, useCache: bool = True) -> None:
        """Send an ingredient, which is written at once. Without a type, the value tells it.

        ``useCache`` is accepted: every receiver reads a copy of its own, large arrays mapped from disk.
        """
        del useCache
        kind = self._types.standardize(type) or self._types.infer(value)
        if kind == Ingredient.Type.unknown:
            kind = self._types.infer(value)
        self._types.send(self._running.outlet, name, value, kind)
        self._seal(name, kind)
        self._sent(self._running, name)

    def allocate(self, name: str, type: Any, **kwargs: Any) -> Any:
        """Return something to be filled and then sent: a file's path, an array on disk, or what a spec makes."""
        kind = self._kind(type)
        made = self._types.allocate(self._running.outlet, name, kind, **kwargs)
        self._seal(name, kind)
        return made

    def allocate_temp(self, name: str, type: Any, **kwargs: Any) -> Any:
        """Return something to be filled that is removed when the reactor ends."""
        from stageloom.reactors.outlet import Outlet

        if self._running.temporary is None:
            self._running.temporary = self._scratch()
        folder = self._running.temporary / os.urandom(4).hex()
        kind = self._kind(type)
        made = self._types.allocate(Outlet(folder), f"temp_{name}", kind, **kwargs)
        spec = self._types.specs.get(kind_of(kind))
        if spec is not None:
            place = self._types.place(next((folder / "ingredients").iterdir()))
            self._running.closing.append(lambda: spec.deallocate(place, f"temp_{name}"))
        return made

    def read_config(self, paramName: str) -> Any:
        """Return a parameter, which the reactor then depends on; raises AttributeError."""
        if not self._plain.has(paramName):
            self._note("has", (paramName,))
        value = self._plain.peek(paramName)
        return value if self._plain.is_auxiliary(paramName) else seen(value, (paramName,), self._note)

    def read_config_unregistered(self, paramName: str) -> Any:
        """Return a parameter without depending on it; raises AttributeError."""
        return self._plain.peek(paramName)

    def register_config_param(self, paramName: str) -> None:
        """Have the reactor depend on a parameter, as if it had read it."""
        if not self._plain.is_auxiliary(paramName):
            self._note("parameter", (paramName,))

    def _seal(self, name: str, kind: Any) -> None:
        """Have the type let go of what it wrote once the reactor has ended: then it is stored as it is."""
        sealed = getattr(self._types.specs.get(kind_of(kind)), "sealed", None)
        if sealed is not None:
            place = self._types.place(self._running.outlet.place(name, kind_of(kind)))
            self._running.closing.append(lambda: sealed(place))

    def _kind(self, type: Any) -> Any:
        kind = self._types.standardize(type)
        if kind is None:
            raise ValueError("allocate takes the type of what is to be allocated, like Ingredient.Type.file.")
        return kind

    def _note(self, kind: Kind, path: tuple[str, ...]) -> None:
        if (kind, path) not in self._running.steps:
            self._running.asked(kind, path, self._answer(kind, path))

    def _seen(self, value: Any, path: tuple[str, ...]) -> Any:
        from stageloom.pyplant.config import ConfigBase

        if isinstance(value, ConfigBase):
            return value._clone_with_pipe(self, path)
        return seen(value, path, self._note)
