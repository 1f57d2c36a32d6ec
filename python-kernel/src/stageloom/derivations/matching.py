"""Matchers: which of a derivation's realizations stands for it."""

from __future__ import annotations

from typing import Literal

from stageloom.model.classes import dataclass


@dataclass(frozen=True, slots=True)
class Matcher:
    """Chooses among realizations; what it chooses does not change what the stage is."""

    match: Literal["latest", "only"]


def match_latest() -> Matcher:
    """Take the newest realization."""
    return Matcher("latest")


def match_only() -> Matcher:
    """Take the one realization there is; a second one that differs is an error."""
    return Matcher("only")
