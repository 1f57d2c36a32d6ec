"""Stages that come with the face."""

from __future__ import annotations

from stageloom.pylightnix.stages.fetch import fetchlocal, fetchurl
from stageloom.pylightnix.stages.fetch2 import fetchurl2, unpack
from stageloom.pylightnix.stages.trivial import mknode, realized, redefine

__all__ = ["fetchlocal", "fetchurl", "fetchurl2", "mknode", "realized", "redefine", "unpack"]
