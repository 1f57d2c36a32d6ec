"""What reactors send and receive, as a program sees it."""

from __future__ import annotations

from enum import Enum


class Ingredient:
    """An ingredient: its ``name``, ``type``, ``signature`` (of its content) and the reactor that sends it."""

    class Type(Enum):
        """How an ingredient is stored. Types of one's own are named by their spec instead."""

        unknown = "unknown"
        simple = "simple"
        list = "list"
        array = "array"
        object = "object"
        file = "file"
        hdf_array = "hdf_array"
        keras_model = "keras_model"
        scipy_sparse = "scipy_sparse"

    def __init__(self, name: str, type: Ingredient.Type | str | None = None) -> None:
        self.name = name
        self.signature: str | None = None
        self.isSignatureFresh = False
        self.isFresh = False
        self.type: Ingredient.Type | str = type or Ingredient.Type.unknown
        self.producerName: str | None = None
        self.isTemp = False

    def set_current_signature(self, signature: str) -> None:
        """Say what the ingredient's content is now."""
        self.signature = signature
        self.isSignatureFresh = True


_BUILT_IN = ("hdf_array", "keras_model", "scipy_sparse")


def kind_of(type: Ingredient.Type | str) -> str:
    """Return the name under which a type is stored."""
    return type.name if isinstance(type, Ingredient.Type) else str(type)


def type_named(kind: str) -> Ingredient.Type | str:
    """Return the type of that name: one of ``Ingredient.Type``, or a spec's name."""
    return Ingredient.Type[kind] if kind in Ingredient.Type.__members__ and kind not in _BUILT_IN else kind
