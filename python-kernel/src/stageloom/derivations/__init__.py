"""Derivations, Pylightnix's way of writing stages: functions that take a manager and return a derivation's reference.

Everything a pipeline file needs is here: ``from stageloom.derivations import mkconfig, mkdrv, …``.
"""

from __future__ import annotations

from stageloom.derivations.build import (
    Build,
    BuildError,
    build_config,
    build_deref,
    build_outpath,
    build_outpaths,
    build_path,
    build_paths,
    build_wrapper,
)
from stageloom.derivations.configuration import Config, ConfigError, mkconfig, selfref
from stageloom.derivations.lens import Lens, mklens
from stageloom.derivations.manager import DerivationError, Manager, mkdrv, redefine
from stageloom.derivations.matching import Matcher, MatchingError, match_best, match_by, match_latest, match_only
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
    "MatchingError",
    "RRef",
    "build_config",
    "build_deref",
    "build_outpath",
    "build_outpaths",
    "build_path",
    "build_paths",
    "build_wrapper",
    "match_best",
    "match_by",
    "match_latest",
    "match_only",
    "mkconfig",
    "mkdrv",
    "mklens",
    "redefine",
    "selfref",
]
