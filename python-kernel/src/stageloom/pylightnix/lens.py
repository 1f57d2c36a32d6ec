"""Lenses: ways into configurations, references, builds and plans by attribute."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from stageloom.pylightnix.build import build_config, build_context, build_outpaths
from stageloom.pylightnix.configuration import cfgdict
from stageloom.pylightnix.context import context_add, rrefctx
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.graph import dref2path, drefcfg, rref2path
from stageloom.pylightnix.references import isdref, isrefpath, isrref, refuse_realized, rref2dref
from stageloom.pylightnix.types import Build, Closure, Context, DRef, Path, RefPath, Registry, RRef, StorageSettings


class LensContext(NamedTuple):
    """What a lens resolves references by."""

    S: StorageSettings | None
    build_path: Path | None
    context: Context | None
    closure: Closure | None


class Lens:
    """A place in a configuration, or in those of what it depends on; attributes are lenses on what lies in it."""

    def __init__(self, ctx: LensContext, start: Any, steps: list[str]) -> None:
        self.ctx = ctx
        self.start = start
        self.steps = steps

    def __getattr__(self, key: str) -> Lens:
        if key.startswith("__") and key.endswith("__") and key != "__artifacts__":
            raise AttributeError(key)  # Python's own questions, by copy or inspect
        return self.get(key)

    def get(self, key: str) -> Lens:
        """Return a lens on what lies under ``key``."""
        place = lens_repr(self, key)
        value = val2dict(traverse(self, place), self.ctx)
        if value is None:
            raise CheckError(f"{place}: there is nothing with keys at {lens_repr(self, '')}")
        check(key in value, f"{place}: there is no such key; there are {', '.join(map(str, value)) or 'none'}")
        return Lens(self.ctx, self.start, [*self.steps, key])

    def __repr__(self) -> str:
        return f"<{lens_repr(self, '')}>"

    @property
    def optval(self) -> Any:
        """The value here, None among others."""
        return traverse(self, lens_repr(self, "optval"))

    @property
    def val(self) -> Any:
        """The value here, which is not None."""
        value = traverse(self, lens_repr(self, "val"))
        check(value is not None, f"{lens_repr(self, 'val')} is None: take optval where it may be")
        return value

    @val.setter
    def val(self, value: Any) -> None:
        mutate(self, value, lens_repr(self, "val"))

    @property
    def refpath(self) -> RefPath:
        """The path into a stage that stands here."""
        value: RefPath = traverse(self, lens_repr(self, "refpath"))
        check(isrefpath(value), f"{lens_repr(self, 'refpath')}: {value!r:.80} is no path into a stage")
        return value

    @property
    def dref(self) -> DRef:
        """The derivation that stands here, or whose realization does."""
        value = traverse(self, lens_repr(self, "dref"))
        if isrref(value):
            return rref2dref(RRef(value))
        if isinstance(value, Build):
            return value.dref
        check(isdref(value), f"{lens_repr(self, 'dref')}: {value!r:.80} is no derivation")
        return DRef(value)

    @property
    def syspath(self) -> Path:
        """The path on disk of what stands here."""
        return val2path(traverse(self, lens_repr(self, "syspath")), self.ctx)

    @property
    def contents(self) -> str:
        """The text of the file that stands here."""
        path = self.syspath
        check(os.path.isfile(path), f"{lens_repr(self, 'contents')}: {path} is no file")
        with open(path, encoding="utf-8") as file:
            return file.read()

    @property
    def rref(self) -> RRef:
        """The realization that stands here, or that stands for the derivation here."""
        return val2rref(traverse(self, lens_repr(self, "rref")), self.ctx)

    @property
    def closure(self) -> Closure:
        """The plan of the derivation that stands here, from the plan that the lens was made of."""
        value = traverse(self, lens_repr(self, "closure"))
        if isinstance(value, Closure):
            return value
        check(isdref(value), f"{lens_repr(self, 'closure')}: {value!r:.80} is no derivation")
        if self.ctx.closure is None:
            raise CheckError(f"{lens_repr(self, 'closure')}: the lens was not made of a plan")
        return Closure([DRef(value)], [DRef(value)], self.ctx.closure.derivations, self.ctx.S)


def mklens(
    x: Any,
    o: Path | None = None,
    b: Build | None = None,
    rref: RRef | None = None,
    ctx: Context | None = None,
    closure: Closure | None = None,
    build_output_idx: int = 0,
    S: StorageSettings | None = None,
    r: Registry | None = None,
) -> Lens:
    """Return a lens on a reference, a build, a plan or a dict.

    References in it are resolved by the context ``ctx``, or that of the build ``b``, the realization ``rref``, or ``x``
    itself; promises by the output folder ``o``, or the build's, the one of number ``build_output_idx``.
    """
    refuse_realized(x)
    build = b if b is not None else x if isinstance(x, Build) else None
    if S is None:
        S = build.S if build is not None else x.S if isinstance(x, Closure) else r.S if r is not None else None
    if ctx is None:
        if build is not None:
            ctx = build_context(build)
        elif rref is not None:
            ctx = rrefctx(rref, S)
        elif isrref(x):
            ctx = context_add(rrefctx(RRef(x), S), rref2dref(RRef(x)), [RRef(x)])
    if o is None and build is not None and build.outpaths is not None:
        o = build_outpaths(build)[build_output_idx]
    if closure is None and isinstance(x, Closure):
        closure = x
    return Lens(LensContext(S, o, ctx, closure), x, [])


def val2dict(v: Any, ctx: LensContext) -> dict[str, Any] | None:
    """Return the keys and values that ``v`` leads to; None where it leads to none."""
    if isdref(v):
        return cfgdict(drefcfg(DRef(v), ctx.S))
    if isrref(v):
        return cfgdict(drefcfg(rref2dref(RRef(v)), ctx.S))
    if isrefpath(v):
        return _json_at(val2path(v, ctx))
    if isinstance(v, Build):
        return cfgdict(build_config(v))
    if isinstance(v, dict):
        return v
    if isinstance(v, Closure):
        return val2dict(_target(v), ctx)
    return None


def val2rref(v: Any, ctx: LensContext) -> RRef:
    """Return the realization that ``v`` is, or that stands for it."""
    if isinstance(v, Closure):
        return val2rref(_target(v), ctx)
    if isdref(v):
        return _chosen(DRef(v), ctx)
    check(isrref(v), f"{v!r:.80} is no realization")
    return RRef(v)


def val2path(v: Any, ctx: LensContext) -> Path:
    """Return the path on disk of what ``v`` refers to."""
    if isdref(v):
        if ctx.context is not None and v in ctx.context:
            return rref2path(_chosen(DRef(v), ctx), ctx.S)
        return dref2path(DRef(v), ctx.S)
    if isrref(v):
        return rref2path(RRef(v), ctx.S)
    if isrefpath(v):
        if ctx.context is not None and v[0] not in ctx.context and ctx.build_path is not None:
            return Path(os.path.join(ctx.build_path, *v[1:]))
        return Path(os.path.join(rref2path(_chosen(DRef(v[0]), ctx), ctx.S), *v[1:]))
    if isinstance(v, Closure):
        return val2path(_target(v), ctx)
    check(isinstance(v, Build), f"{v!r:.80} has no path on disk")
    if ctx.build_path is None:
        raise CheckError("the build has no output folders yet: set nouts, or call build_markstart")
    return ctx.build_path


def traverse(l: Lens, hint: str) -> Any:  # upstream's
    """Return the value that a lens leads to; ``hint`` names it in errors."""
    value = l.start
    for step in l.steps:
        inner = val2dict(value, l.ctx)
        if inner is None or step not in inner:
            raise CheckError(f"{hint}: there is nothing at {step}")
        value = inner[step]
    return value


def mutate(l: Lens, v: Any, hint: str) -> None:  # upstream's
    """Put ``v`` where a lens on a dict leads to."""
    check(l.steps, f"{hint}: name the key to set")
    value = l.start
    for step in l.steps[:-1]:
        check(isinstance(value, dict) and step in value, f"{hint}: only what lies in a dict can be set")
        value = value[step]
    check(isinstance(value, dict), f"{hint}: only what lies in a dict can be set")
    value[l.steps[-1]] = v


def lens_repr(l: Lens, accessor: str) -> str:  # upstream's
    """Return how a lens is spelled."""
    return ".".join(["mklens(x)", *map(str, l.steps), *([accessor] if accessor else [])])


def _target(closure: Closure) -> DRef:
    check(len(set(closure.targets)) == 1, "a lens takes a plan for one derivation")
    return closure.targets[0]


def _chosen(dref: DRef, ctx: LensContext) -> RRef:
    if ctx.context is None:
        raise CheckError(f"{dref} cannot be resolved without a context: make the lens of a realization or a build")
    check(dref in ctx.context, f"{dref} is not in the context of this lens")
    found = ctx.context[dref]
    check(len(found) == 1, f"{len(found)} realizations stand for {dref}: a lens takes one")
    return found[0]


def _json_at(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError) as error:
        raise CheckError(f"{path} is no JSON file that a lens could look into ({error})") from error
    if not isinstance(value, dict):
        raise CheckError(f"{path} holds {type(value).__name__}, and no dict that a lens could look into")
    return value
