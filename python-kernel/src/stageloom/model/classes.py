"""Dataclasses that cost little to define; to type checkers they are those of ``dataclasses``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    from stageloom.model.slotted import dataclass, field, replace

__all__ = ["dataclass", "field", "replace"]
