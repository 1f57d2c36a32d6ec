"""Ingredients copied out of a plant, for a notebook or a test, and read again from there."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from stageloom.pyplant.plant import Plant
from stageloom.pyplant.warehouse import IngredientTypeSpec, Warehouse


def store_ingredients_to_dir(plant: Plant, ingredientNames: Iterable[str], dirPath: str) -> None:
    """Copy ingredients of a plant to a folder."""
    with Warehouse(dirPath, plant.logger) as warehouse:
        warehouse.register_ingredient_specs([type(spec)() for spec in plant.warehouse.ingredientSpecs.values()])
        for name in ingredientNames:
            ingredient = plant.get_ingredient_object(name)
            value = plant.fetch_ingredient(name)
            if ingredient.type == ingredient.Type.file:
                import shutil

                value = shutil.copyfile(value, warehouse.allocate(ingredient))
            warehouse.store(ingredient, value)


def store_reactor_inputs_to_dir(plant: Plant, reactorName: str, dirPath: str) -> None:
    """Copy to a folder what a reactor received when it ran last."""
    store_ingredients_to_dir(plant, sorted(plant.reactors[reactorName].inputs), dirPath)


def load_ingredients_from_dir(
    dirPath: str,
    ingredientNames: Iterable[str] | None = None,
    logger: logging.Logger | None = None,
    customSpecs: Sequence[IngredientTypeSpec] | None = None,
) -> dict[str, Any]:
    """Return ingredients that were copied to a folder, all where none is named."""
    if logger is None:
        logger = logging.getLogger("_null")
        logger.setLevel(logging.CRITICAL)
    with Warehouse(dirPath, logger) as warehouse:
        if customSpecs:
            warehouse.register_ingredient_specs(customSpecs)
        return {name: warehouse.fetch(name) for name in ingredientNames or list(warehouse.manifest)}
