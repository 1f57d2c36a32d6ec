"""Stages out of plain functions: arguments are configuration, dependencies come as objects with attributes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

from stageloom.pylightnix.build import build_wrapper
from stageloom.pylightnix.configuration import mkconfig
from stageloom.pylightnix.context import context_deref, context_derefpath
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.graph import drefcfg
from stageloom.pylightnix.matchers import match_latest
from stageloom.pylightnix.planning import mkdrv, unpack_closure
from stageloom.pylightnix.realizing import realize
from stageloom.pylightnix.references import isdref, isrefpath
from stageloom.pylightnix.settings import is_planned, tlregistry
from stageloom.pylightnix.source import pyobjhash
from stageloom.pylightnix.types import FUNCTION, Build, Closure, Context, DRef, Matcher, Path, Registry, StorageSettings

_SOURCE = "__source__"


class Attrs:
    """A realization, its configuration as attributes; ``_rref`` is its reference."""

    _rref: Any

    def __repr__(self) -> str:
        return f"Attrs({', '.join(f'{key}={value!r:.60}' for key, value in vars(self).items())})"


class Placeholder:
    """Stands, in the arguments of a decorator, for a dependency that is given when the stage is called."""


def unroll(  # noqa: C901  # one case a kind of value
    ctx: Context,
    dref: DRef,
    b: Build | None,
    rindex: int,
    max_depth: int | None = None,
    always_multiref: bool = False,
    S: StorageSettings | None = None,
) -> Attrs:
    """Return the configuration of ``dref`` as attributes: paths on disk for paths, and for dependencies their own.

    ``rindex`` is the number of the realization, or of the output folder of ``b``; ``max_depth`` says how many steps
    back dependencies are taken apart, which are references beyond. One that has one realization stands for itself,
    several, or any with ``always_multiref``, are a list.
    """

    def visit(value: Any) -> Any:
        if isdref(value):
            rrefs = context_deref(ctx, DRef(value))
            found: list[Any] = list(rrefs)
            if max_depth is None or max_depth > 0:
                deeper = None if max_depth is None else max_depth - 1
                found = [
                    _of(rref, unroll(ctx, DRef(value), None, number, deeper, always_multiref, S))
                    for number, rref in enumerate(rrefs)
                ]
            return found[0] if len(found) == 1 and not always_multiref else found
        if isrefpath(value):
            return _path(value)
        if isinstance(value, dict):
            return {key: visit(item) for key, item in value.items()}
        return [visit(item) for item in value] if isinstance(value, list) else value

    def _path(value: list[Any]) -> Any:
        if value[0] != dref:
            return list(context_derefpath(ctx, value, S))
        if dref in ctx:
            return context_derefpath(ctx, value, S)[rindex]
        if b is None or b.outpaths is None:
            raise CheckError(f"{dref} has neither a realization in the context nor an output folder")
        return Path(os.path.join(b.outpaths.val[rindex], *value[1:]))

    attrs = Attrs()
    for key, value in drefcfg(dref, S).val.items():
        setattr(attrs, key, visit(value))
    return attrs


def unrollR(
    sr: Any,
    ctx: Context,
    max_depth: int | None = None,
    always_multiref: bool = False,
    S: StorageSettings | None = None,
) -> Any:
    """Return what a stage returned, each derivation in it taken apart; see :func:`unroll`."""
    if isinstance(sr, str) and isdref(sr):
        rrefs = context_deref(ctx, DRef(sr))
        from stageloom.pylightnix.context import rrefctx

        found = []
        for number, rref in enumerate(rrefs):
            whole = {**rrefctx(rref, S), **ctx}
            found.append(_of(rref, unroll(whole, DRef(sr), None, number, max_depth, always_multiref, S)))
        return found[0] if len(found) == 1 and not always_multiref else found
    if isinstance(sr, dict):
        return {key: unrollR(item, ctx, max_depth, always_multiref, S) for key, item in sr.items()}
    if isinstance(sr, (list, tuple)):
        return type(sr)(unrollR(item, ctx, max_depth, always_multiref, S) for item in sr)
    return sr


def realizeU(
    arg: Closure | tuple[Any, Closure],
    *args: Any,
    max_depth: int | None = None,
    always_multiref: bool = False,
    **kwargs: Any,
) -> Any:
    """Realize a plan, and return what the stage returned, each derivation in it taken apart; see :func:`unroll`."""
    result, closure = unpack_closure(arg)
    _, _, context = realize((result, closure), *args, **kwargs)
    return unrollR(result, context, max_depth, always_multiref, closure.S)


def autodrv_(
    kwargs: dict[str, Any],
    nouts: int = 1,
    matcher: Matcher | None = None,
    always_multiref: bool = False,
    sourcedeps: list[Any] = [],  # only read
) -> Callable[[Callable[..., Any]], DRef]:
    """Make a derivation of a function of the build and a list with the attributes for each output folder.

    ``kwargs`` is the configuration, with the registry as ``r``. The function's code counts, and that of ``sourcedeps``.
    """

    def decorate(f: Callable[..., Any]) -> DRef:
        registry = _registry(kwargs)
        config = {key: value for key, value in kwargs.items() if key != "r" and not _is_registry(value)}
        config = {key: value(r=registry) if callable(value) else value for key, value in config.items()}
        config[_SOURCE] = pyobjhash([f, *sourcedeps])

        def make(b: Build) -> None:
            assert b.outpaths is not None
            every = []
            for number, _ in enumerate(b.outpaths.val):
                attrs = unroll(b.context, b.dref, b, number, None, always_multiref, b.S)
                delattr(attrs, _SOURCE)
                if nouts > 1 or always_multiref:
                    attrs.rindex = number  # type: ignore[attr-defined]  # one more attribute
                every.append(attrs)
            f(b, every)

        realizer = build_wrapper(make, nouts=nouts)
        counted = next((one for one in sourcedeps if callable(one)), f)
        setattr(realizer, FUNCTION, counted)
        return mkdrv(mkconfig(config), matcher or match_latest(nouts), realizer, registry, made_by=counted)

    return decorate


def autodrv(*args: Any, sourcedeps: list[Any] = [], **kwargs: Any) -> Callable[[Callable[..., Any]], DRef]:
    """Make a derivation of a function: the arguments, as ``autodrv(**locals())``, are its configuration.

    ``nouts``, ``matcher`` and ``always_multiref`` are those of :func:`autodrv_`. The function is called for each output
    folder with ``build``, the configuration, and ``rindex`` where there are several.
    """

    def decorate(f: Callable[..., Any]) -> DRef:
        options, config = _split(dict(args[0]) if args else {}, kwargs)
        return autodrv_(config, sourcedeps=[f, *sourcedeps], **options)(_for_each(f))

    return decorate


def autostage_(
    nouts: int = 1,
    matcher: Matcher | None = None,
    always_multiref: bool = False,
    sourcedeps: list[Any] = [],  # only read
    **decokw: Any,
) -> Callable[[Callable[..., Any]], Callable[..., DRef]]:
    """Make a stage of a function of the build and a list of attributes; see :func:`autodrv_`, :func:`autostage`."""

    def decorate(f: Callable[..., Any]) -> Callable[..., DRef]:
        def stage(r: Registry | None = None, **stagekw: Any) -> DRef:
            config = {**decokw, **stagekw}
            missing = [key for key, value in config.items() if isinstance(value, Placeholder)]
            check(not missing, f"{_name(f)} needs {', '.join(missing)}: pass a derivation")
            given = r if r is not None else decokw.get("r")
            config["r"] = given
            return autodrv_(config, nouts, matcher, always_multiref, [*sourcedeps])(f)

        stage.__name__ = stage.__qualname__ = _name(f)
        stage.__doc__ = f.__doc__
        stage.__module__ = f.__module__
        stage.__wrapped__ = f  # type: ignore[attr-defined]  # for those who look for the source
        return stage

    return decorate


def autostage(*args: Any, sourcedeps: list[Any] = [], **kwargs: Any) -> Any:  # only read
    """Make a stage of a function: the decorator's arguments are its configuration, with their defaults.

    The function is called with them by name, and with ``build``: a promise is the path to write to, a derivation an
    object with its configuration as attributes, paths on disk for its promises, or a list where there are several
    realizations. ``nouts`` says how many realizations are made at once, each by a call with its number as ``rindex``;
    ``matcher`` chooses among them, the latest by default; ``always_multiref`` has every dependency be a list; ``r`` is
    the registry, else given when the stage is called, or the one that is meant. What a stage is called with overrides
    and adds to its configuration. The function's code counts, and that of ``sourcedeps``.
    """
    if len(args) == 1 and callable(args[0]) and not kwargs:
        return autostage()(args[0])
    check(not args, "autostage takes arguments by name")

    def decorate(f: Callable[..., Any]) -> Callable[..., DRef]:
        options, config = _split({}, kwargs)
        stage = autostage_(**options, sourcedeps=[f, *sourcedeps], **config)(_for_each(f))
        stage.__name__ = stage.__qualname__ = _name(f)
        stage.__doc__ = f.__doc__
        stage.__module__ = f.__module__
        stage.__wrapped__ = f  # type: ignore[attr-defined]  # for those who look for the source
        return stage

    return decorate


def autostage2(*args: Any, sourcedeps: list[Any] = [], **kwargs: Any) -> Any:  # only read
    """Make a stage of a function whose defaults are its configuration; it is given what its parameters name.

    Beside configuration and dependencies these are ``build`` and ``rindex``. For the rest see :func:`autostage`.
    """
    if len(args) == 1 and callable(args[0]) and not kwargs:
        return autostage2()(args[0])
    check(not args, "autostage2 takes arguments by name")

    def decorate(f: Callable[..., Any]) -> Callable[..., DRef]:
        parameters = inspect.signature(f).parameters
        defaults = {key: one.default for key, one in parameters.items() if one.default is not one.empty}
        taken = None if any(one.kind is one.VAR_KEYWORD for one in parameters.values()) else set(parameters)

        def call(**given: Any) -> Any:
            return f(**{key: value for key, value in given.items() if taken is None or key in taken})

        options, config = _split(defaults, kwargs)
        stage = autostage_(**options, sourcedeps=[f, *sourcedeps], **config)(_for_each(call))
        stage.__name__ = stage.__qualname__ = _name(f)
        stage.__doc__ = f.__doc__
        stage.__module__ = f.__module__
        stage.__wrapped__ = f  # type: ignore[attr-defined]  # for those who look for the source
        return stage

    return decorate


def _for_each(f: Callable[..., Any]) -> Callable[..., None]:
    def each(build: Build, every: list[Attrs]) -> None:
        for attrs in every:
            f(build=build, **vars(attrs))

    return each


def _split(first: dict[str, Any], kwargs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return options of the decorators, and configuration."""
    whole = {**first, **kwargs}
    options: dict[str, Any] = {key: kwargs[key] for key in ("nouts", "matcher", "always_multiref") if key in kwargs}
    return options, {key: value for key, value in whole.items() if key not in options}


def _registry(kwargs: dict[str, Any]) -> Registry:
    given = [value for value in kwargs.values() if _is_registry(value)]
    registry = given[0] if given else tlregistry(None)
    if registry is None:
        raise CheckError("no registry is meant: pass r, or call this within current_registry(mkregistry(S))")
    return registry


def _is_registry(value: Any) -> bool:
    return isinstance(value, Registry) or is_planned(value)


def _of(rref: Any, attrs: Attrs) -> Attrs:
    attrs._rref = rref  # noqa: SLF001  # its own
    return attrs


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", "stage")
