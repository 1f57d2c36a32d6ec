"""A stage's configuration: JSON that survives a round trip, with the references and promises that stand in it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeAlias

from stageloom.derivations.neighbours import is_stage, place_of
from stageloom.model.classes import dataclass, field
from stageloom.model.references import BadReferenceError, DRef, RRef
from stageloom.model.values import Json, from_json

#: Stands for the realization's own folder as the first item of a path: ``[selfref, "trace.npz"]`` promises that file.
selfref = "__self__"

#: What stands for a DRef in the fingerprint of code that brings a configuration along: a producer made anew is a change
#: of the dependency, not of the code.
DEPENDENCY = "__dref__"

_TAGS = frozenset({"$tuple", "$set", "$bytes", "$float"})
_PLAIN_KEY = re.compile(r"[^\W\d]\w*\Z")
_MAXIMAL_DEPTH = 100


class ConfigError(TypeError):
    """A configuration that cannot be stored, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration as :func:`mkconfig` checked it; references in it are texts.

    ``stages`` are those that ``@stage`` made, by what stands for them until a manager knows their references.
    """

    value: Mapping[str, Json]
    stages: Mapping[str, object] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """What the configuration calls its stage; empty where it does not say."""
        name = self.value.get("name", "")
        return name if isinstance(name, str) else ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A dependency in a configuration: ``[dref, "a", "b"]``, or the DRef alone, where ``path`` is empty."""

    dref: DRef
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """A file that the stage promises to write: ``[selfref, "a", "b"]``."""

    path: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.path)


Step: TypeAlias = str | int


def mkconfig(values: Mapping[str, object]) -> Config:
    """Return ``values`` as a configuration.

    They are JSON: None, True, False, int, float, str, lists, and dicts with text keys, in the order they are written.
    A DRef anywhere in them is a dependency. ``[dref, "path"]`` names a file of it, ``[selfref, "path"]`` a file that
    the stage promises to write. What ``@stage`` made of a function may stand wherever a DRef may.

    Raises:
        ConfigError: for what JSON would lose or change (NaN, bytes, tuples, keys that are no text, …).
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"mkconfig takes a dict, not a {type(values).__name__}")
    stages: dict[str, object] = {}
    checked = _check(dict(values), "config", 0, stages)
    assert isinstance(checked, dict)
    if not isinstance(checked.get("name", ""), str):
        raise ConfigError("config['name'] must be a text: the stage is called by it")
    for promise in promises(checked):
        _check_promise(promise)
    return Config(checked, stages)


def reference(value: Json) -> Reference | None:
    """Return the dependency that ``value`` spells, alone or with a path into it."""
    if isinstance(value, str):
        return Reference(DRef.parse(value)) if _is_dref(value) else None
    if not isinstance(value, list) or len(value) < 2 or not isinstance(value[0], str) or not _is_dref(value[0]):
        return None
    path = [item for item in value[1:] if isinstance(item, str) and not _is_dref(item)]
    return Reference(DRef.parse(value[0]), tuple(path)) if len(path) == len(value) - 1 else None


def promise(value: Json) -> Promise | None:
    """Return the promise that ``value`` spells."""
    if not isinstance(value, list) or not value or value[0] != selfref:
        return None
    path = [item for item in value[1:] if isinstance(item, str)]
    return Promise(tuple(path)) if len(path) == len(value) - 1 else None


def promises(value: Json) -> list[Promise]:
    """Return the promises in ``value``, in order."""
    found = (promise(part) for _, part in _walk(value, ()))
    return [one for one in found if one is not None and one.path]


def named_promises(configuration: Mapping[str, Json]) -> dict[str, str]:
    """Return each promised path by its place in the configuration."""
    found = ((steps, promise(part)) for steps, part in _walk(dict(configuration), ()))
    return {role(steps): str(one) for steps, one in found if one is not None}


def dependencies(configuration: Mapping[str, Json]) -> dict[str, tuple[DRef, ...]]:
    """Return each dependency by its role: the place in the configuration where it stands (``runs[0].trace``)."""
    found = ((steps, reference(part)) for steps, part in _walk(dict(configuration), ()))
    return {role(steps): (one.dref,) for steps, one in found if one is not None}


def without_references(value: Json) -> Json:
    """Return ``value`` with :data:`DEPENDENCY` in the place of every DRef."""
    if isinstance(value, str):
        return DEPENDENCY if _is_dref(value) else value
    if isinstance(value, list):
        return [without_references(item) for item in value]
    if isinstance(value, dict):
        return {key: without_references(item) for key, item in value.items()}
    return value


def replace(configuration: Mapping[str, Json], key: str, value: Json) -> dict[str, Json] | None:
    """Return ``configuration`` with ``value`` at ``key`` (``a``, or ``a.b`` in a nested one); None without such a key.

    Raises:
        ConfigError: where a dependency or a promise stands, or where ``value`` cannot be configuration.
    """
    first, _, rest = (key, "", "") if key in configuration else key.partition(".")
    if first not in configuration:
        return None
    old = configuration[first]
    if rest:
        inner = replace(old, rest, value) if isinstance(old, dict) else None
        return None if inner is None else {**configuration, first: inner}
    if names_something(old):
        raise ConfigError(f"{key} cannot be set: it names a dependency or an output")
    return {**configuration, first: _check(from_json(value), key, 0)}


def with_stages(value: Json, known: Mapping[str, Json]) -> Json:
    """Return ``value`` with what is ``known`` of stages in the place of what stood for them.

    Raises:
        ConfigError: for a path into a stage that stands for several.
    """
    if isinstance(value, str):
        return known.get(value, value)
    if isinstance(value, list):
        first = known.get(value[0]) if value and isinstance(value[0], str) else None
        if isinstance(first, list) and len(value) > 1 and isinstance(value[1], str) and value[1] not in known:
            raise ConfigError(f"a path leads into one stage, and {value[0]!r:.60} stands for several by its each=")
        return [with_stages(item, known) for item in value]
    if isinstance(value, dict):
        return {key: with_stages(item, known) for key, item in value.items()}
    return value


def names_something(value: Json) -> bool:
    """Return whether a dependency or a promise stands anywhere in ``value``."""
    return any(reference(part) is not None or promise(part) is not None for _, part in _walk(value, ()))


def role(steps: Sequence[Step]) -> str:
    """Return the place that ``steps`` lead to, as text that no other place has."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.match(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text


def _walk(value: Json, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Json]]:
    """Yield every part of ``value`` with its place; a path of a dependency or a promise is one part."""
    yield steps, value
    if reference(value) is not None or promise(value) is not None:
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*steps, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*steps, key))


def _is_dref(text: str) -> bool:
    if not text.startswith("dref:"):
        return False
    try:
        DRef.parse(text)
    except BadReferenceError:
        return False
    return True


def _check(value: object, place: str, depth: int, stages: dict[str, object] | None = None) -> Json:  # noqa: C901  # one case each
    if depth > _MAXIMAL_DEPTH:
        raise ConfigError(f"{place} is nested more than {_MAXIMAL_DEPTH} deep, or holds itself")
    if value is None or type(value) in (bool, str, int):
        return value  # type: ignore[return-value]  # narrowed by type(), which a subclass cannot pass
    if isinstance(value, (DRef, RRef)):
        return str(value)
    if type(value) is float:
        if not math.isfinite(value):
            raise ConfigError(f"{place} is {value}, which JSON cannot hold; use None, or a text")
        return value
    if type(value) is list:
        return [_check(item, f"{place}[{index}]", depth + 1, stages) for index, item in enumerate(value)]
    if isinstance(value, Config):
        if stages is not None:
            stages.update(value.stages)
        return dict(value.value)
    if type(value) is dict:
        return _check_dict(value, place, depth, stages)
    if stages is not None and is_stage(value):
        stages[str(place_of(value))] = value
        return str(place_of(value))
    raise ConfigError(f"{place} is {_a(type(value))}, which JSON cannot hold; {_instead(value)}")


def _check_dict(value: dict[object, object], place: str, depth: int, stages: dict[str, object] | None) -> Json:
    checked: dict[str, Json] = {}
    for key, item in value.items():
        if type(key) is not str:
            raise ConfigError(f"{place} has the key {key!r}, which JSON would turn into a text; write {str(key)!r}")
        checked[key] = _check(item, f"{place}[{key!r}]", depth + 1, stages)
    if len(checked) == 1 and next(iter(checked)) in _TAGS:
        raise ConfigError(f"{place} has {next(iter(checked))!r} as its only key, which is kept for other uses")
    return checked


def _a(kind: type) -> str:
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _instead(value: object) -> str:
    if isinstance(value, (tuple, set, frozenset, range)):
        return "write a list"
    if isinstance(value, (bytes, bytearray)):
        return "write a text (base64, say)"
    if isinstance(value, Mapping):
        return "write a dict"
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return f"write {kind.__name__}(…)"
    if hasattr(value, "tolist"):
        return "write ….tolist()"
    if hasattr(value, "__fspath__"):
        return "write str(…)"
    return "write what it is made from"


def _check_promise(promised: Promise) -> None:
    for part in promised.path:
        if not part or PurePosixPath(part).is_absolute() or "\\" in part or {"..", ".", ""} & set(part.split("/")):
            raise ConfigError(f"[selfref, {part!r}] leaves the stage's folder; promise a plain relative path")
