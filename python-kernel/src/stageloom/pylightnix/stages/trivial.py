"""A stage of given files, and stages made of others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from stageloom.pylightnix.build import build_outpath, build_wrapper
from stageloom.pylightnix.configuration import cfgdict, mkconfig, plan
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.graph import drefcfg_
from stageloom.pylightnix.matchers import match_only
from stageloom.pylightnix.planning import mkdrv
from stageloom.pylightnix.settings import is_planned, tlregistry
from stageloom.pylightnix.storage import opened
from stageloom.pylightnix.types import Build, Config, Context, DRef, Matcher, Path, RealizeArg, Realizer, Registry
from stageloom.pylightnix.types import StorageSettings as Settings
from stageloom.pylightnix.utils import datahash

_ARTIFACTS = "__artifacts__"


def mknode(r: Registry, cfgdict: dict[str, Any], artifacts: Mapping[str, bytes] = {}, name: str = "mknode") -> DRef:
    """Make a stage whose artifacts are given, by name; their hashes are part of the configuration."""
    config = deepcopy(cfgdict)
    check(_ARTIFACTS not in config, f"the configuration has the key {_ARTIFACTS!r}, which is reserved")
    config["name"] = name
    config[_ARTIFACTS] = {one: datahash([("artifact", data)]) for one, data in artifacts.items()}

    def realize(b: Build) -> None:
        for one, data in artifacts.items():
            with open(os.path.join(build_outpath(b), one), "wb") as file:
                file.write(data)

    return mkdrv(mkconfig(config), match_only(), build_wrapper(realize), r)


def redefine(
    stage: Any,
    new_config: Callable[[dict[str, Any]], Any] = lambda x: None,  # noqa: ARG005  # no change
    new_matcher: Matcher | None = None,
    new_realizer: Realizer | None = None,
) -> Any:
    """Return a stage like ``stage`` with another configuration, matcher or realizer.

    ``new_config`` changes the dict it is given, or returns another one. What other stages of the registry depend on
    stays in it beside the new one.
    """

    def new_stage(*args: Any, r: Registry | None = None, **kwargs: Any) -> DRef:
        registry = tlregistry(r)
        if registry is None:
            raise CheckError("no registry is meant: pass r, or call this within current_registry(mkregistry(S))")
        if is_planned(registry):
            from stageloom.pylightnix.planned import redefine_planned

            engine: Any = registry
            return redefine_planned(
                engine, lambda: stage(*args, r=engine, **kwargs), new_config, new_matcher, new_realizer
            )
        dref: DRef = stage(*args, r=registry, **kwargs)
        check(dref in registry.builders, f"the stage returned {dref!r:.80}, which it did not make in this registry")
        old = registry.builders[dref]
        config = cfgdict(drefcfg_(dref, registry.S))
        other = new_config(config)
        config = cfgdict(other) if isinstance(other, Config) else other if isinstance(other, dict) else config
        made = mkconfig(config)
        storage = opened(registry.S)
        needed = any(dref in storage.plan(one).dependencies for one in registry.builders)
        if plan(made).dref == dref or not needed:
            del registry.builders[dref]
        matcher = old.matcher if new_matcher is None else new_matcher
        return mkdrv(made, matcher, old.realizer if new_realizer is None else new_realizer, registry)

    return new_stage


def realized(stage: Any) -> Any:
    """Return a stage like ``stage`` that fails where it would have to be made."""

    def refuse(S: Settings | None, dref: DRef, context: Context, rarg: RealizeArg) -> list[Path]:  # noqa: ARG001
        raise CheckError(f"{dref} was said to be realized, and is not, in its present context")

    return redefine(stage, new_realizer=refuse)
