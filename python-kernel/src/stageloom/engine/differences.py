"""How two plans differ, as reasons."""

from __future__ import annotations

import json

from stageloom.model.objects import Derivation
from stageloom.model.values import Json, from_json
from stageloom.rpc.messages import Reason
from stageloom.tracking.reads import VARIABLE, path_of, shown

#: Where Pylightnix's ``autostage`` puts the hash of its code: no parameter to a reader.
_SOURCE = "__source__"


def show(value: Json) -> str:
    """Return a configuration value as a person would write it in Python, cut at 200 characters."""
    text = repr(from_json(value))
    return text if len(text) <= 200 else text[:199] + "…"


def configuration_differences(old: Derivation, new: Derivation) -> list[Reason]:
    """Return how configurations differ, but for references, which a dependency's reason tells."""
    found: list[Reason] = []
    for key in dict.fromkeys([*old.configuration, *new.configuration]):
        if key == _SOURCE:
            if old.configuration.get(key) != new.configuration.get(key):
                found.append(Reason("code", "code changed", key))
        elif key not in old.configuration:
            after = show(new.configuration[key])
            found.append(Reason("parameter", f"{key} is new: {after}", key, "", after))
        elif key not in new.configuration:
            found.append(Reason("parameter", f"{key} is gone", key, show(old.configuration[key]), ""))
        elif not _same(old.configuration[key], new.configuration[key]) and not _only_references(old, new, key):
            before, after = show(old.configuration[key]), show(new.configuration[key])
            found.append(Reason("parameter", f"{key}: {before} → {after}", key, before, after))
    return found


def _same(one: Json, other: Json) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _only_references(old: Derivation, new: Derivation, key: str) -> bool:
    """Return whether the values differ only in references, which a dependency's reason already tells."""

    def blank(derivation: Derivation) -> str:
        text = json.dumps(derivation.configuration[key], sort_keys=True)
        for drefs in derivation.dependencies.values():
            for dref in drefs:
                text = text.replace(str(dref), "dref:")
        return text

    return blank(old) == blank(new)


def input_differences(old: Derivation, new: Derivation) -> list[Reason]:
    """Return which declared inputs differ."""
    found: list[Reason] = []
    for path in dict.fromkeys([*old.inputs, *new.inputs]):
        if old.inputs.get(path) != new.inputs.get(path):
            verb = "is new" if path not in old.inputs else "is gone" if path not in new.inputs else "changed"
            found.append(input_reason(path, verb))
    return found


def input_reason(name: str, verb: str) -> Reason:
    """Return the reason for an input, by its name as ``tracking.reads`` has it."""
    return Reason("environment" if name.startswith(VARIABLE) else "input", f"{shown(name)} {verb}", path_of(name))
