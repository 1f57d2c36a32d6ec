"""Configurations: JSON that survives a round trip, in the order of its keys, with the references in it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from stageloom.model.classes import dataclass
from stageloom.model.objects import Derivation
from stageloom.model.values import Json, canonical_bytes
from stageloom.pylightnix.errors import CheckError, ConfigError, check
from stageloom.pylightnix.references import (
    assert_valid_name,
    isdref,
    isrref,
    isselfpath,
    mkname,
)
from stageloom.pylightnix.types import Config, ConfigAttrs, DRef, Hash, Name, RConfig, RefPath, Registry
from stageloom.pylightnix.view import planned as derivation_for

_MAXIMAL_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration as a derivation: as the store has it, with sorted keys, and as it was written."""

    dref: DRef
    derivation: Derivation
    config: Mapping[str, Any]
    dependencies: tuple[DRef, ...]


def mkconfig(d: dict[str, Any]) -> Config:
    """Return ``d`` as a configuration; a registry under the key ``r``, as ``locals()`` has it, is left out.

    Raises:
        ConfigError: for what JSON would lose or change: NaN, bytes, tuples, keys that are no text, …
    """
    if isinstance(d, Config):
        return d
    if not isinstance(d, dict):
        raise ConfigError(f"mkconfig takes a dict, not {type(d).__name__}")
    kept = {key: value for key, value in d.items() if not (key == "r" and isinstance(value, Registry))}
    plain(kept, "config")
    return Config(kept)


def cfgdict(cp: Config) -> dict[str, Any]:
    """Return a configuration as a dict of its own."""
    return deepcopy(cp.val)


def cfgcattrs(c: Config) -> Any:
    """Return a configuration whose values are attributes."""
    return ConfigAttrs(cfgdict(c))


def cfgserialize(c: Config) -> str:
    """Return a configuration as ``config.json`` has it."""
    return json.dumps(c.val, indent=4)


def cfghash(c: Config) -> Hash:
    """Return the hash of which the reference of a configuration's derivation has the first half."""
    value = derivation_of(c).as_json()
    return Hash(hashlib.sha256(b"stageloom/derivation/1\n" + canonical_bytes(value)).hexdigest())


def cfgname(c: Config) -> Name:
    """Return what a configuration calls its stage, else ``unnamed``."""
    return mkname(c.val.get("name", "unnamed"))


def cfgdeps(c: Config) -> set[DRef]:
    """Return every derivation that a configuration names."""
    return {dref for _, dref in references(c.val)}


def cfgsp(c: Config) -> list[tuple[str, RefPath]]:
    """Return each promise of a configuration with the key under which it stands."""
    return [(str(key), value) for key, value in _items(c.val) if isselfpath(value)]


def resolve(c: Config, r: DRef) -> RConfig:
    """Return a configuration in which promises are paths into ``r``."""
    return RConfig(_resolved(c.val, DRef(r)))


def assert_valid_config(c: Config) -> Config:
    """Return ``c``; raises CheckError unless it is a configuration with a name."""
    check(isinstance(c, Config), f"a configuration is what mkconfig returns, not {c!r:.80}")
    assert_valid_name(c.val.get("name", "unnamed"))
    plain(c.val, "config")
    return c


def assert_rref_deps(c: Config) -> None:
    """Raise CheckError where a configuration names a realization."""
    found = [value for _, value in _items(c.val) if isrref(value)]
    check(
        not found,
        f"the configuration of {c.val.get('name', 'unnamed')} names the realization {found[:1]}: name its derivation, "
        "from which it can be made again",
    )


def plan(c: Config) -> Plan:
    """Return the derivation of a configuration; raises CheckError where it cannot have one."""
    derivation = derivation_of(c)
    return _planned(derivation, deepcopy(c.val))


def planned(derivation: Derivation, order: str = "") -> Plan:
    """Return what a stored derivation was made from; ``order`` is what :func:`order_of` told of it."""
    value = dict(derivation.configuration)
    return _planned(derivation, _ordered(value, iter(json.loads(order))) if order else value)


def order_of(plan: Plan) -> str:
    """Return the order of a configuration's keys as text; empty where they are sorted."""
    order: list[Json] = list(_order(dict(plan.config)))
    return json.dumps(order) if any(keys != sorted(keys) for keys in order) else ""  # type: ignore[type-var,arg-type]


def derivation_of(c: Config) -> Derivation:
    """Return the derivation that the store keeps of a configuration."""
    value = plain(c.val, "config")
    assert isinstance(value, dict)
    cfgname(c)
    return derivation_for(value)


def references(value: Any, place: str = "") -> Iterator[tuple[str, DRef]]:
    """Yield every derivation that stands in ``value``, with its place."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from references(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from references(item, f"{place}[{index}]")
    elif isinstance(value, str) and isdref(value):
        yield place, DRef(value)


def plain(value: Any, place: str, depth: int = 0) -> Json:
    """Return ``value`` with JSON's own types alone; raises ConfigError where it would not come back the same."""
    if depth > _MAXIMAL_DEPTH:
        raise ConfigError(f"{place[:80]}… is nested more than {_MAXIMAL_DEPTH} deep, or holds itself")
    if value is None or type(value) in (bool, int):
        return value  # type: ignore[no-any-return]  # narrowed by type()
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) is float:
        if not math.isfinite(value):
            raise ConfigError(f"{place} is {value}, which JSON cannot hold; use None, or a text")
        return value
    if type(value) is list:
        return [plain(item, f"{place}[{index}]", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return _plain_dict(value, place, depth)
    raise ConfigError(f"{place} is of the type {type(value).__qualname__}, which JSON cannot hold; {_instead(value)}")


def _plain_dict(value: dict[Any, Any], place: str, depth: int) -> Json:
    result: dict[str, Json] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise ConfigError(f"{place} has the key {key!r}, which JSON would turn into a text; write {str(key)!r}")
        result[str.__str__(key)] = plain(item, f"{place}[{str(key)!r:.60}]", depth + 1)
    return result


def _instead(value: Any) -> str:
    if isinstance(value, (tuple, set, frozenset, range)):
        return "write a list"
    if isinstance(value, (bytes, bytearray)):
        return "write a text (base64, say)"
    if callable(value):
        return "write its name"
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return f"write {kind.__name__}(…)"
    return "write ….tolist()" if hasattr(value, "tolist") else "write a text, a number, a list or a dict"


def _planned(derivation: Derivation, config: dict[str, Any]) -> Plan:
    drefs = (str(dref) for drefs in derivation.dependencies.values() for dref in drefs)
    return Plan(DRef(str(derivation.dref)), derivation, config, tuple(map(DRef, dict.fromkeys(drefs))))


def _order(value: Json) -> Iterator[Json]:
    """Yield the keys of every dict in ``value``, the outer before the inner."""
    if isinstance(value, dict):
        yield list(value)
        for item in value.values():
            yield from _order(item)
    elif isinstance(value, list):
        for item in value:
            yield from _order(item)


def _ordered(value: Any, order: Iterator[Any]) -> Any:
    """Return ``value`` with the keys of its dicts as :func:`_order` found them."""
    if isinstance(value, dict):
        keys = next(order, None)
        if not isinstance(keys, list) or sorted(keys) != sorted(value):
            raise CheckError("a stored configuration does not fit the order of its keys")
        return {key: _ordered(value[key], order) for key in keys}
    if isinstance(value, list):
        return [_ordered(item, order) for item in value]
    return value


def _resolved(value: Any, dref: DRef) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, dref) for key, item in value.items()}
    if isinstance(value, list):
        return [dref, *value[1:]] if isselfpath(value) else [_resolved(item, dref) for item in value]
    return deepcopy(value)


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every part of ``value`` with the key, or index, under which it stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield name, item
        yield from _items(item)
