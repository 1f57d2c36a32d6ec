"""Configurations of a plant."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from typing import Any

_OWN = frozenset({"peek", "has", "mark_auxiliary", "is_auxiliary"})


class ConfigBase:
    """A plant's configuration: its attributes are parameters, and what a reactor reads of them it depends on.

    Derive from it and set the parameters in ``__init__``, after ``super().__init__()``; or give a dict.
    """

    def __init__(self, dictionary: dict[str, Any] | None = None) -> None:
        if dictionary is not None:
            self.__dict__ = dictionary
        self._pipework: Any = None
        self._auxiliaryFlags: dict[str, bool] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            cls.__init__ = _explaining(cls.__init__)  # type: ignore[method-assign]  # the same, with a clearer error

    def peek(self, name: str) -> Any:
        """Return a parameter without depending on it; raises AttributeError."""
        self._check(name)
        return object.__getattribute__(self, name)

    def has(self, paramName: str) -> bool:
        """Return whether there is a parameter of that name; a reactor that asks depends on the answer."""
        if self._pipework is not None:
            self._pipework._note("has", (*self._own_path(), paramName))
        return paramName in self.__dict__

    def mark_auxiliary(self, params: Iterable[str]) -> None:
        """Have parameters not count: changing one makes nothing stale. Raises AttributeError for one there is not."""
        for name in [params] if isinstance(params, str) else params:
            self._check(name)
            self._auxiliaryFlags[name] = True

    def is_auxiliary(self, name: str) -> bool:
        """Return whether a parameter was marked as auxiliary."""
        return self._auxiliaryFlags.get(name, False)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name in _OWN:
            return object.__getattribute__(self, name)
        pipework = self._pipework
        if name not in self.__dict__:
            if pipework is not None and not hasattr(type(self), name):
                pipework._note("has", (*self._own_path(), name))
            if hasattr(type(self), name):
                return object.__getattribute__(self, name)
            raise AttributeError(f"The configuration has no parameter {name!r}.")
        value = object.__getattribute__(self, name)
        if pipework is None or (not self._own_path() and self.is_auxiliary(name)):
            return value
        return pipework._seen(value, (*self._own_path(), name))

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and self.__dict__.get("_pipework") is not None:
            raise RuntimeError(
                f"A reactor cannot change the configuration: it set {name!r}. Use a variable, or send an ingredient."
            )
        object.__setattr__(self, name, value)

    def _clone_with_pipe(self, pipe: Any, path: tuple[str, ...] = ()) -> ConfigBase:
        """Return this configuration as the reactor behind ``pipe`` sees it; ``path`` leads to it in the whole."""
        clone = copy.copy(self)
        clone.__dict__["_path"] = path
        clone.__dict__["_pipework"] = pipe
        return clone

    def _own_path(self) -> tuple[str, ...]:
        path: tuple[str, ...] = self.__dict__.get("_path", ())
        return path

    def _parameters(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not str(name).startswith("_")}

    def _check(self, name: str) -> None:
        if name not in self.__dict__:
            raise AttributeError(f"The configuration has no parameter {name!r}.")


class ConfigValue:
    """A value of a configuration with fields of its own: it counts by its fields."""

    _stageloom_by_fields = True

    def __repr__(self) -> str:
        return f"{type(self)}: {self.__dict__}"


def _explaining(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def initialise(self: object, *arguments: Any, **keywords: Any) -> None:
        try:
            init(self, *arguments, **keywords)
        except TypeError as error:
            if not str(error).startswith("super() argument 1 must be"):
                raise
            raise TypeError(
                f"{type(self).__name__}.__init__ calls super(self).__init__(): write super().__init__() instead."
            ) from error

    return initialise
