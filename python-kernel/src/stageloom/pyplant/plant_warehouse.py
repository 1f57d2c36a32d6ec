"""What a plant has made, as a program asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stageloom.pyplant.warehouse import IngredientTypeSpec, Types

if TYPE_CHECKING:
    from stageloom.pyplant.plant import Plant


class PlantWarehouse:
    """What a plant has made, as a program sees it."""

    def __init__(self, plant: Plant, types: Types) -> None:
        self.baseDir = plant.plantDir
        self.logger = plant.logger
        self._plant = plant
        self._types = types

    @property
    def ingredientSpecs(self) -> dict[str, IngredientTypeSpec]:  # noqa: N802  # the name that programs know
        """The registered types by name."""
        return self._types.specs

    def register_ingredient_specs(self, specs: Sequence[IngredientTypeSpec]) -> None:
        """Make ingredient types of one's own known."""
        self._types.register(specs)

    def fetch(self, name: str, signature: str | None = None) -> Any:
        """Return an ingredient, of that signature if one is given; None where there is none."""
        return self._plant._fetch(name, signature)

    def save_manifest(self) -> None:
        """Make all that was finished durable."""
        self._plant._flush()

    def close(self) -> None:
        """Make all that was finished durable, and let go of what is open."""
        self._plant._flush()
        self._types.close()
