"""Derivations, Pylightnix's way of writing stages: functions that take a manager and return a derivation's reference.

Everything a pipeline file needs is here: ``from stageloom.derivations import mkconfig, mkdrv, …``.
"""

from __future__ import annotations

from stageloom.derivations.build import (
    Build,
    BuildError,
    build_config,
    build_outpath,
    build_path,
    build_wrapper,
)
from stageloom.derivations.configuration import Config, ConfigError, mkconfig, selfref
from stageloom.derivations.lens import Lens, mklens
from stageloom.derivations.manager import DerivationError, Manager, mkdrv
from stageloom.derivations.matching import Matcher, match_latest, match_only
from stageloom.model.references import DRef, RRef

__all__ = [
    "Build",
    "BuildError",
    "Config",
    "ConfigError",
    "DRef",
    "DerivationError",
    "Lens",
    "Manager",
    "Matcher",
    "RRef",
    "build_config",
    "build_outpath",
    "build_path",
    "build_wrapper",
    "match_latest",
    "match_only",
    "mkconfig",
    "mkdrv",
    "mklens",
    "selfref",
]
