"""Stageloom: a plain Python file of stages as a cached, inspectable, tunable pipeline."""

from __future__ import annotations

from stageloom._version import VERSION as __version__

__all__ = ["__version__"]
