"""The names that a program imports from ``pyplant.pyplant``."""

from __future__ import annotations

from stageloom.pyplant.config import ConfigBase, ConfigValue
from stageloom.pyplant.declare import ReactorFunc, SubreactorFunc
from stageloom.pyplant.ingredient import Ingredient
from stageloom.pyplant.pipework import Pipework
from stageloom.pyplant.plant import Plant
from stageloom.pyplant.records import Reactor
from stageloom.pyplant.warehouse import IngredientTypeSpec, InvalidOperationException, Warehouse

__all__ = [
    "ConfigBase",
    "ConfigValue",
    "Ingredient",
    "IngredientTypeSpec",
    "InvalidOperationException",
    "Pipework",
    "Plant",
    "Reactor",
    "ReactorFunc",
    "SubreactorFunc",
    "Warehouse",
]
