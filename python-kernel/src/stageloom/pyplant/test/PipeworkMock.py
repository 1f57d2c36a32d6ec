"""A pipe for tests of one reactor."""  # noqa: N999  # the name that programs import

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stageloom.pyplant.pipework import Pipework


class PipeworkMock(Pipework):
    """Gives a reactor the configuration and the ingredients it is told, and keeps what the reactor sends.

    ``callback`` is called with the method's name and its arguments where something is to be allocated.
    """

    def __init__(
        self,
        configDict: dict[str, Any],
        ingredientsDict: dict[str, Any],
        callback: Callable[..., Any] | None = None,
    ) -> None:
        self.config: Any = configDict
        self.ingredients = ingredientsDict
        self.callback = callback or _nothing
        self.products: dict[str, Any] = {}

    def receive(self, name: str) -> Any:
        """Return an ingredient as it was told; raises KeyError."""
        return self.ingredients[name]

    def send(self, name: str, value: Any, type: Any = None, useCache: bool = True) -> None:
        """Keep what is sent."""
        del type, useCache
        self.products[name] = value

    def allocate(self, name: str, type: Any, **kwargs: Any) -> Any:
        """Return what the callback makes of it."""
        return self.callback("allocate", name, type, **kwargs)

    def allocate_temp(self, name: str, type: Any, **kwargs: Any) -> Any:
        """Return what the callback makes of it."""
        return self.callback("allocate_temp", name, type, **kwargs)

    def read_config(self, paramName: str) -> Any:
        """Return a parameter; raises KeyError."""
        return self.config[paramName]

    def read_config_unregistered(self, paramName: str) -> Any:
        """Return a parameter; raises KeyError."""
        return self.config[paramName]

    def register_config_param(self, paramName: str) -> None:
        """Do nothing."""

    def get_products(self) -> dict[str, Any]:
        """Return what was sent, by name."""
        return self.products


def _nothing(*arguments: Any, **keywords: Any) -> None:
    del arguments, keywords
