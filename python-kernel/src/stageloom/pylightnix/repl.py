"""Realizing by hand: a plan that stops before a derivation, to be continued or cancelled from a prompt."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from stageloom.pylightnix.build import build_markstart, build_markstop, mkbuildargs
from stageloom.pylightnix.configuration import references
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.planning import unpack_closure
from stageloom.pylightnix.realizations import mkrealization
from stageloom.pylightnix.realizing import realizeSeq
from stageloom.pylightnix.references import isdref
from stageloom.pylightnix.types import (
    Build,
    BuildArgs,
    Closure,
    Context,
    Derivation,
    DRef,
    Path,
    RealizeArg,
    RealizeSeqGen,
    RRef,
    StorageSettings,
)
from stageloom.pylightnix.utils import dirrm

ERR_INVALID_RH = "there is no realization by hand under way: begin one by repl_realize"
ERR_INACTIVE_RH = "this realization by hand has ended, or was cancelled"


class ReplHelper:
    """A plan under way. ``dref``, ``context``, ``drv`` and ``rarg`` are those of the derivation it stands before.

    ``context`` is what stands for the plan's derivations once it has ended, and ``gen`` is None.
    """

    def __init__(self, gen: RealizeSeqGen, result: Any = None) -> None:
        self.gen: RealizeSeqGen | None = gen
        self.S: StorageSettings | None = None
        self.dref: DRef | None = None
        self.context: Context | None = None
        self.drv: Derivation | None = None
        self.result = result
        self.rarg: RealizeArg | None = None


#: What stands where no helper is named.
PYLIGHTNIX_REPL_HELPER: ReplHelper | None = None


def repl_realize(
    arg: Closure | tuple[Any, Closure],
    force_interrupt: Sequence[DRef] | bool = True,
    realize_args: Mapping[DRef, RealizeArg] = {},
) -> ReplHelper:
    """Realize a plan up to the first derivation in ``force_interrupt``; True stands for those it is for."""
    global PYLIGHTNIX_REPL_HELPER  # noqa: PLW0603  # upstream's
    result, closure = unpack_closure(arg)
    if isinstance(force_interrupt, bool):
        force_interrupt = closure.targets if force_interrupt else []
    check(
        isinstance(force_interrupt, (list, tuple)), f"force_interrupt is a list of derivations, not {force_interrupt}"
    )
    rh = ReplHelper(realizeSeq(closure, list(force_interrupt), realize_args=realize_args), result)
    PYLIGHTNIX_REPL_HELPER = rh
    _step(rh, first=True)
    return rh


def repl_continueAll(
    out_paths: list[Path] | None = None, out_rrefs: list[RRef] | None = None, rh: ReplHelper | None = None
) -> Context | None:
    """Go on, and return what stands for the plan's derivations, None where it stopped again; see repl_continue."""
    rh = _active(rh)
    _, context = repl_continue(out_paths, out_rrefs, rh)
    return context if rh.gen is None else None


def repl_continue(
    out_paths: list[Path] | None = None, out_rrefs: list[RRef] | None = None, rh: ReplHelper | None = None
) -> tuple[Any, Context]:
    """Go on with the folders, or realizations, made by hand, or by the realizer where there are none.

    Returns what the stage returned, and the context of where it stopped again, or at the end what stands for each
    derivation of the plan.
    """
    rh = _active(rh)
    assert rh.dref is not None
    assert rh.context is not None
    check(out_paths is None or out_rrefs is None, "give folders or realizations, not both")
    rrefs = out_rrefs
    if out_paths is not None:
        rrefs = [mkrealization(rh.dref, rh.context, path, rh.S) for path in out_paths]
    _step(rh, rrefs)
    return rh.result, rh.context


def repl_continueMany(
    out_paths: list[Path] | None = None, out_rrefs: list[RRef] | None = None, rh: ReplHelper | None = None
) -> list[RRef] | None:
    """Go on, and return what stands for the plan's one derivation, None where it stopped again; see repl_continue."""
    rh = _active(rh)
    repl_continue(out_paths, out_rrefs, rh)
    return repl_rrefs(rh)


def repl_continue1(
    out_paths: list[Path] | None = None, out_rrefs: list[RRef] | None = None, rh: ReplHelper | None = None
) -> RRef | None:
    """Go on, and return the realization of the plan's one derivation, None where it stopped again."""
    rh = _active(rh)
    repl_continue(out_paths, out_rrefs, rh)
    return repl_rref(rh)


def repl_result(rh: ReplHelper) -> Any:
    """Return what the stage returned with realizations in the place of derivations; None before the end."""
    if rh.gen is not None or rh.context is None:
        return None
    drefs = [dref for _, dref in references([rh.result])]
    return None if any(dref not in rh.context for dref in drefs) else _filled(rh.result, rh.context)


def repl_rrefs(rh: ReplHelper) -> list[RRef] | None:
    """Return what stands for the plan's one derivation; None before the end."""
    drefs = {dref for _, dref in references([rh.result])}
    check(len(drefs) == 1, f"the plan is for {len(drefs)} derivations: take repl_result")
    if rh.gen is not None or rh.context is None:
        return None
    return rh.context.get(drefs.pop())


def repl_rref(rh: ReplHelper) -> RRef | None:
    """Return the one realization of the plan's one derivation; None before the end."""
    rrefs = repl_rrefs(rh)
    if rrefs is None:
        return None
    check(len(rrefs) == 1, f"the matcher chose {len(rrefs)} realizations: take repl_rrefs")
    return rrefs[0]


def repl_cancel(rh: ReplHelper | None = None) -> None:
    """End a realization by hand; what it made so far is stored."""
    rh = _active(rh)
    assert rh.gen is not None
    with contextlib.suppress(StopIteration):
        while True:
            rh.gen.send((None, True))
    rh.gen = None
    rh.context = None


def repl_buildargs(rh: ReplHelper | None = None) -> BuildArgs:
    """Return what a :class:`Build` of the derivation it stands before is made from."""
    rh = _active(rh)
    assert rh.dref is not None
    assert rh.context is not None
    return mkbuildargs(rh.S, rh.dref, rh.context, "AUTO", "AUTO", {}, rh.rarg or {})


def repl_build(rh: ReplHelper | None = None, nouts: int | None = 1) -> Build:
    """Return a :class:`Build` of the derivation it stands before, as its realizer would get one."""
    b = Build(repl_buildargs(rh))
    if nouts is not None:
        build_markstart(b, nouts)
    return b


def repl_continueBuild(b: Build, rh: ReplHelper | None = None) -> RRef | None:
    """Go on with what was written into the folders of ``b``; see repl_continue1."""
    build_markstop(b)
    return repl_continue1(b.outpaths.val if b.outpaths is not None else [], rh=rh)


def repl_cancelBuild(b: Build, rh: ReplHelper | None = None) -> None:
    """End a realization by hand, and remove the folders of ``b``."""
    repl_cancel(rh)
    for folder in b.outpaths.val if b.outpaths is not None else []:
        dirrm(folder)


def _active(rh: ReplHelper | None) -> ReplHelper:
    found = rh if rh is not None else PYLIGHTNIX_REPL_HELPER
    if found is None:
        raise CheckError(ERR_INVALID_RH)
    check(found.gen is not None and found.dref is not None, ERR_INACTIVE_RH)
    return found


def _step(rh: ReplHelper, rrefs: list[RRef] | None = None, *, first: bool = False) -> None:
    assert rh.gen is not None
    try:
        rh.S, rh.dref, rh.context, rh.drv, rh.rarg = next(rh.gen) if first else rh.gen.send((rrefs, False))
    except StopIteration as done:
        rh.gen = None
        rh.context = done.value
    except BaseException:
        rh.gen = None  # it raised: there is nothing to go on with
        rh.context = None
        raise


def _filled(value: Any, context: Context) -> Any:
    if isinstance(value, str) and isdref(value):
        return context[DRef(value)]
    if isinstance(value, dict):
        return {key: _filled(item, context) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_filled(item, context) for item in value)
    return value
