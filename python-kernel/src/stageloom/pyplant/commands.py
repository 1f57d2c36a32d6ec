"""What a reactor yields to its plant."""

from __future__ import annotations


class IngredientAwaitedCommand:
    """Waits for an ingredient."""

    def __init__(self, ingredientName: str) -> None:
        self.ingredientName = ingredientName


class SubreactorStartedCommand:
    """Says that a subreactor is called."""

    def __init__(self, subreactorName: str) -> None:
        self.subreactorName = subreactorName
