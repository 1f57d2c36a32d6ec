"""A realization as the store answers for it."""

from __future__ import annotations

from collections.abc import Mapping

from stageloom.model.classes import dataclass, field
from stageloom.model.references import DRef, RRef


@dataclass(frozen=True, slots=True)
class Found:
    """A realization. ``sequence``, ``at``, ``took``, ``run``, ``stage`` and ``path`` are those of its last run.

    ``at`` is seconds since the epoch, ``took`` seconds, ``size`` bytes. ``kept`` says that the last run did not run it:
    its work equalled work done before. ``pinned`` is about the workspace that the store was opened for. ``reads`` is
    what the work was seen to read, by name the SHA-256 of what it held.
    """

    rref: RRef
    dref: DRef
    tree: str
    context_key: str
    action: str
    sequence: int
    at: float
    took: float
    size: int
    run: str
    stage: str
    path: str
    visible: bool = True
    pinned: bool = False
    kept: bool = False
    reads: Mapping[str, str] = field(default_factory=dict)
