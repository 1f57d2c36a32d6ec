"""Derivations made and registered, and closures: plans of all that a stage needs."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any, cast

from stageloom.pylightnix.configuration import assert_rref_deps, assert_valid_config, cfgsp, plan
from stageloom.pylightnix.errors import CheckError, ConfigError, WrongFaceError, check
from stageloom.pylightnix.references import isdref
from stageloom.pylightnix.settings import is_planned, tlregistry
from stageloom.pylightnix.storage import opened
from stageloom.pylightnix.types import Closure, Config, Derivation, DRef, Matcher, Realizer, Registry, StorageSettings

_log = logging.getLogger(__name__)


def mkdrv_(c: Config, S: StorageSettings | None = None) -> DRef:
    """Instantiate a configuration in a storage, and return its derivation's reference."""
    dref = _added(c, S)
    opened(S).flush()
    return dref


def mkdrv(
    config: Config,
    matcher: Matcher,
    realizer: Realizer,
    r: Registry | None = None,
    *,
    made_by: Callable[..., Any] | None = None,
) -> DRef:
    """Make a derivation, put it into the registry ``r``, else the one that is meant, and return its reference.

    ``made_by`` is the function that a decorator makes a stage of.

    Raises:
        WrongFaceError: where it is called in the manual's way, the registry first.
        CheckError: where an argument is not what it has to be, or no registry is meant.
    """
    if hasattr(config, "builders"):
        raise WrongFaceError(
            "mkdrv(m, config, matcher, realizer)", "the registry comes last: mkdrv(config, matcher, realizer, r)"
        )
    check(callable(matcher), f"a matcher is a function of S and realizations, not {matcher!r:.80}")
    check(callable(realizer), f"a realizer is what build_wrapper returns, not {realizer!r:.80}")
    registry = tlregistry(r)
    if registry is None:
        raise CheckError("no registry is meant: pass r, or call this within current_registry(mkregistry(S))")
    if is_planned(registry):
        from stageloom.pylightnix.planned import add_planned

        check_config(config)
        return add_planned(cast("Any", registry), config, matcher, realizer, made_by)
    dref = _added(config, registry.S)
    if dref in registry.builders:
        _log.warning("%s is made twice in one registry: the second matcher and realizer count", dref)
    registry.builders[dref] = Derivation(dref, matcher, realizer)
    return dref


def mkclosure(result: Any, r: Registry) -> Closure:
    """Return the plan of the derivations that stand in ``result``."""
    targets = list(_drefs(result))
    check(targets, f"the stage returned {result!r:.80}, in which no derivation stands: return what mkdrv returned")
    assert_have_realizers(r, targets)
    opened(r.S).flush()
    return Closure(result, targets, list(r.builders.values()), r.S)


def instantiate(
    stage: Any, *args: Any, S: StorageSettings | None = None, r: Registry | None = None, **kwargs: Any
) -> tuple[Any, Closure]:
    """Call a stage function with a registry, or take a value with derivations in it; return it with its plan.

    Raises:
        WrongFaceError: where the stage function takes a manager, as in the manual.
        CheckError: where it is called by a stage function with that one's registry, or ``S`` is not the registry's.
    """
    r = tlregistry(r)
    if r is None:
        r = Registry(S)
    elif S is not None:
        check(r.S == S, f"the storage {S} is not that of the registry, {r.S}")
    check(not r.in_instantiate, "instantiate was called by a stage function: pass r on and call the stage itself")
    if not callable(stage):
        return stage, mkclosure(stage, r)
    _check_stage(stage)
    r.in_instantiate = True
    try:
        result = stage(*args, r=r, **kwargs)
    finally:
        r.in_instantiate = False
    return result, mkclosure(result, r)


def assert_valid_closure(closure: Closure) -> None:
    """Raise CheckError unless ``closure`` is a plan with derivations, its targets among them."""
    check(isinstance(closure, Closure), f"a plan is what instantiate returns, not {closure!r:.80}")
    check(closure.derivations, "the plan is empty")
    known = {one.dref for one in closure.derivations}
    check(known.issuperset(closure.targets), "the plan lacks a derivation that it is for")


def assert_have_realizers(r: Registry, drefs: list[DRef]) -> None:
    """Raise CheckError where ``r`` lacks one of ``drefs``, or something they depend on."""
    storage = opened(r.S)
    seen: set[DRef] = set()
    pending = list(drefs)
    while pending:
        dref = pending.pop()
        if dref in seen:
            continue
        seen.add(dref)
        check(dref in r.builders, f"{dref} is not of this registry: make it with the one that its dependants have")
        pending.extend(storage.plan(dref).dependencies)


def unpack_closure(arg: Closure | tuple[Any, Closure]) -> tuple[Any, Closure]:
    """Return result and plan of what :func:`instantiate` returned, or of the plan alone."""
    if isinstance(arg, Closure):
        return arg.result, arg
    check(
        isinstance(arg, tuple) and len(arg) == 2 and isinstance(arg[1], Closure),
        f"this takes what instantiate returns, not {arg!r:.80}",
    )
    return arg[0], arg[1]


def _added(config: Config, S: StorageSettings | None) -> DRef:
    check_config(config)
    made = plan(config)
    opened(S).add(made)
    return made.dref


def check_config(config: Config) -> None:
    """Raise CheckError unless a derivation can be made of ``config``."""
    check(isinstance(config, Config), f"a configuration is what mkconfig returns, not {config!r:.80}")
    assert_valid_config(config)
    assert_rref_deps(config)
    for key, promise in cfgsp(config):
        for part in promise[1:]:
            pieces = part.replace("\\", "/").split("/")
            if not part or part.startswith(("/", "\\")) or ".." in pieces:
                raise ConfigError(f"{key} promises {part!r}, which leaves the stage's folder: name a file in it")


def _drefs(value: Any) -> Iterator[DRef]:
    if isinstance(value, str):
        if isdref(value):
            yield DRef(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _drefs(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _drefs(item)


def _check_stage(stage: Callable[..., Any]) -> None:
    try:
        parameters = inspect.signature(stage, follow_wrapped=False).parameters
    except (TypeError, ValueError):
        return
    if "r" in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return
    name = getattr(stage, "__name__", "the stage")
    if next(iter(parameters), "") in ("m", "manager"):
        raise WrongFaceError(f"{name}(m, …)", "a stage function takes the registry as its parameter r")
    raise CheckError(f"{name} has no parameter r: a stage function takes the registry by that name")
