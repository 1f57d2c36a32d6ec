"""Stages made of others, and a stage of given content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stageloom.derivations.manager import Manager as PlannedManager
from stageloom.pylightnix.manual_build import Build, build_outpath, build_wrapper
from stageloom.pylightnix.manual_config import config_dict, mkconfig
from stageloom.pylightnix.manual_manager import Manager
from stageloom.pylightnix.manual_matching import match_only
from stageloom.pylightnix.manual_planned import redefine_planned
from stageloom.pylightnix.manual_realize import mkdrv
from stageloom.pylightnix.manual_references import drefcfg_
from stageloom.pylightnix.manual_types import Config, DRef, Matcher, Realizer, UsageError


def redefine(
    stage: Callable[..., DRef],
    new_config: Callable[[dict[str, Any]], Any] | None = None,
    new_matcher: Matcher | None = None,
    new_realizer: Realizer | None = None,
) -> Callable[..., DRef]:
    """Return ``stage`` with another matcher, realizer or configuration.

    ``new_config`` is given the configuration as a dict; it changes that, or returns another one.
    """

    def redefined(m: Manager | PlannedManager, *args: Any, **kwargs: Any) -> DRef:
        if not isinstance(m, Manager):
            made = partial(stage, m, *args, **kwargs)
            return redefine_planned(m, made, lambda old: _changed(old, new_config), new_matcher, new_realizer)
        dref = stage(m, *args, **kwargs)
        if dref not in m.builders:
            raise UsageError(f"redefine takes a stage function, which returns what mkdrv returned, not {dref!r:.60}")
        old = m.builders.pop(dref)
        config = _changed(config_dict(drefcfg_(dref, m.S)), new_config)
        return mkdrv(m, config, new_matcher or old.matcher, new_realizer or old.realizer)

    redefined.__name__ = getattr(stage, "__name__", "redefined")
    return redefined


def _changed(old: dict[str, Any], new_config: Callable[[dict[str, Any]], Any] | None) -> Config:
    returned = new_config(old) if new_config is not None else None
    if isinstance(returned, Config):
        return returned
    return mkconfig(old if returned is None else returned)


def realized(stage: Callable[..., DRef]) -> Callable[..., DRef]:
    """Return ``stage`` as one that must be there already: realizing it otherwise raises."""

    def refuse(S: Any, dref: DRef, context: Any, arguments: Any) -> list[Any]:  # noqa: ARG001  # a realizer's
        raise UsageError(f"{dref} should be realized already, and its matcher asks for a new realization")

    return redefine(stage, new_realizer=refuse)


def mknode(
    m: Manager, config_dict: Mapping[str, Any], artifacts: Mapping[str, bytes] | None = None, name: str = "mknode"
) -> DRef:
    """Make a stage of a configuration and of files whose content is given."""
    contents = dict(artifacts or {})
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}

    def write(b: Build) -> None:
        for file, content in contents.items():
            path = os.path.join(build_outpath(b), file)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(content)

    config = mkconfig({**config_dict, "name": name, "__artifacts__": digests})
    return mkdrv(m, config, match_only(), build_wrapper(write))
