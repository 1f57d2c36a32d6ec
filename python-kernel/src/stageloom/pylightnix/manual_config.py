"""Configurations: made, taken apart and resolved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from stageloom.derivations.configuration import dependencies, promise, promises
from stageloom.derivations.configuration import mkconfig as checked_config
from stageloom.derivations.manager import Manager as PlannedManager
from stageloom.model.values import Json
from stageloom.pylightnix.manual_manager import Manager
from stageloom.pylightnix.manual_types import Config, ConfigAttrs, DRef, RConfig, UsageError, model_dref
from stageloom.pylightnix.view import planned


def mkconfig(d: Mapping[str, Any]) -> Config:
    """Return ``d`` as a configuration: JSON that survives a round trip, in the order it is written.

    A manager in it, as ``mkconfig(locals())`` would bring along, is left out.

    Raises:
        TypeError: for what JSON would lose or change (NaN, bytes, tuples, keys that are no text, …).
    """
    if isinstance(d, Config):
        return d
    if not isinstance(d, Mapping):
        raise UsageError(f"mkconfig takes a dict, not {d!r:.60}")
    kept = {key: _plain(value) for key, value in d.items() if not isinstance(value, (Manager, PlannedManager))}
    return Config(dict(checked_config(kept).value))


def config_dict(cp: Config) -> dict[str, Any]:
    """Return a configuration as a dict of its own."""
    return deepcopy(cp.val)


def config_name(c: Config) -> str:
    """Return what a configuration calls its stage, else ``unnamed``."""
    return str(c.val.get("name", "unnamed"))


def config_serialize(c: Config) -> str:
    """Return a configuration as ``config.json`` has it."""
    return json.dumps(c.val, indent=4)


def config_hash(c: Config) -> str:
    """Return the hash in the reference of a configuration's derivation."""
    return planned(_checked(c)).dref.hash


def config_deps(c: Config) -> set[DRef]:
    """Return the derivations that a configuration names."""
    return {DRef(dref) for drefs in dependencies(_checked(c)).values() for dref in drefs}


def config_cattrs(c: Config) -> ConfigAttrs:
    """Return a configuration whose values are attributes."""
    return ConfigAttrs(config_dict(c))


def config_promises(c: Config) -> list[tuple[str, ...]]:
    """Return the path of each file that a configuration promises."""
    return [one.path for one in promises(_checked(c))]


def mkrefpath(r: DRef, items: list[str] | None = None) -> list[Any]:
    """Return the path ``items`` in the artifacts of ``r``."""
    return [str(model_dref(r)), *(items or [])]


def resolve(c: Config, r: DRef) -> RConfig:
    """Return a configuration with ``r`` in the place of ``selfref``."""
    return RConfig(_resolved(c.val, DRef(r)))


def _resolved(value: Any, dref: DRef) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, dref) for key, item in value.items()}
    if isinstance(value, list):
        return [dref, *value[1:]] if promise(value) is not None else [_resolved(item, dref) for item in value]
    return value


def _checked(c: Config) -> dict[str, Json]:
    """Return a configuration that a program may have changed since it was made."""
    return dict(mkconfig(c.val).val)


def _plain(value: Any) -> Any:
    """Return ``value`` with texts, lists and dicts of the plain types, as which they come back from JSON."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Config):
        return _plain(value.val)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str.__str__(key) if isinstance(key, str) else key: _plain(item) for key, item in value.items()}
    return value
