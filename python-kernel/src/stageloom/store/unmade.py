"""A try at a stage that made nothing, as the store answers for it."""

from __future__ import annotations

from typing import Literal

from stageloom.model.classes import dataclass


@dataclass(frozen=True, slots=True)
class Unmade:
    """The last try at a derivation in a context, where it failed or was cancelled and nothing was made since.

    What it printed and how it ended lie in the run's folder for the stage. ``at`` is seconds since the epoch.
    """

    how: Literal["failed", "cancelled"]
    sequence: int
    at: float
    run: str
    stage: str
    path: str
