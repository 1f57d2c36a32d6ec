"""PyPlant's way of writing a pipeline: ``from stageloom.pyplant import *`` in place of ``from pyplant import *``."""

from __future__ import annotations

from stageloom.pyplant import pyplant, specs, test, utils
from stageloom.pyplant.config import ConfigBase, ConfigValue
from stageloom.pyplant.declare import ReactorFunc, SubreactorFunc
from stageloom.pyplant.ingredient import Ingredient
from stageloom.pyplant.pipework import Pipework
from stageloom.pyplant.plant import Plant
from stageloom.pyplant.warehouse import IngredientTypeSpec, Warehouse

__all__ = [
    "ConfigBase",
    "ConfigValue",
    "Ingredient",
    "IngredientTypeSpec",
    "Pipework",
    "Plant",
    "ReactorFunc",
    "SubreactorFunc",
    "Warehouse",
    "pyplant",
    "specs",
    "test",
    "utils",
]
