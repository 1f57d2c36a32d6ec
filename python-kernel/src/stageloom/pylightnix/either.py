"""Errors as results: a stage that fails has a realization that says so, and so has what depends on it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from stageloom.pylightnix.context import context_deref
from stageloom.pylightnix.errors import check
from stageloom.pylightnix.graph import drefdeps1, rref2path
from stageloom.pylightnix.outputs import output_validate
from stageloom.pylightnix.planning import mkdrv, unpack_closure
from stageloom.pylightnix.realizing import LENIENT, realize, realize1
from stageloom.pylightnix.storage import opened
from stageloom.pylightnix.types import (
    Closure,
    Config,
    Context,
    DRef,
    Matcher,
    MatcherO,
    Output,
    Path,
    RealizeArg,
    Realizer,
    RealizerO,
    Registry,
    RRef,
    StorageSettings,
)
from stageloom.pylightnix.utils import tryread, writestr

_REF = TypeVar("_REF")

#: The text of an exception.
ExceptionText = str

_STATUS = "either_status.txt"


class Either(Generic[_REF]):
    """Either ``right``, a result, or ``left``, folders or realizations as a failure left them, and its text."""

    def __init__(self, right: Output[_REF] | None = None, left: tuple[list[_REF], ExceptionText] | None = None) -> None:
        check((right is None) != (left is None), "an Either is a result or a failure, and not both")
        self.right = right
        self.left = left


def mkright(o: Output[_REF]) -> Either[_REF]:
    """Return a result."""
    return Either(o, None)


def mkleft(paths: list[Path], exc: ExceptionText) -> Either[Path]:
    """Return a failure, written into each of its folders."""
    for folder in paths:
        check(not os.path.lexists(os.path.join(folder, _STATUS)), f"{folder} has a {_STATUS}, a name that is reserved")
        writestr(os.path.join(folder, _STATUS), exc)
    return Either(None, (paths, exc))


def either_paths(e: Either[_REF]) -> list[_REF]:
    """Return the folders, or realizations, of a result or a failure."""
    if e.right is not None:
        return e.right.val
    assert e.left is not None
    check(e.left[0], "the failure has left no folder")
    return e.left[0]


def either_isRight(e: Either[Any]) -> bool:
    """Return whether it is a result."""
    return e.right is not None


def either_isLeft(e: Either[Any]) -> bool:
    """Return whether it is a failure."""
    return e.left is not None


def either_status(e: Either[Any]) -> ExceptionText | None:
    """Return the text of a failure, None of a result."""
    return e.left[1] if e.left is not None else None


def either_loadR(rrefs: list[RRef], S: StorageSettings | None = None) -> Either[RRef]:
    """Return realizations as a result, or as a failure if one of them says so."""
    texts = [text for rref in rrefs if (text := tryread(os.path.join(rref2path(rref, S), _STATUS))) is not None]
    return Either(None, (rrefs, "\n".join(texts))) if texts else Either(Output(rrefs), None)


def either_validate(dref: DRef, e: Either[Path], S: StorageSettings | None = None) -> list[Path]:
    """Return the folders; raises PromiseException where a result lacks what the configuration promises."""
    return output_validate(dref, e.right, S) if e.right is not None else either_paths(e)


def either_realizer(f: RealizerO) -> Realizer:
    """Return a realizer that makes a failure of what ``f`` raises, and of a dependency's failure its own."""

    def attempt(S: StorageSettings | None, dref: DRef, ctx: Context, ra: RealizeArg) -> Either[Path]:
        for needed in sorted(drefdeps1([dref], S)):
            before = either_loadR(context_deref(ctx, needed), S)
            if before.left is not None:
                return mkleft([Path(opened(S).store.scratch())], before.left[1])
        try:
            return mkright(f(S, dref, ctx, ra))
        except Exception:  # noqa: BLE001  # whatever it is: that is what it is for
            return mkleft([Path(opened(S).store.scratch())], traceback.format_exc())

    def realizer(S: StorageSettings | None, dref: DRef, ctx: Context, ra: RealizeArg) -> list[Path]:
        return either_validate(dref, attempt(S, dref, ctx, ra), S)

    setattr(realizer, LENIENT, True)
    return realizer


def either_matcher(m: MatcherO) -> Matcher:
    """Return a matcher that asks ``m`` of results, and takes failures as they are."""

    def matcher(S: StorageSettings | None, rrefs: list[RRef]) -> list[RRef] | None:
        found = either_loadR(rrefs, S)
        if found.right is None:
            return either_paths(found)
        chosen = m(S, found.right)
        return chosen.val if chosen is not None else None

    return matcher


def mkdrvE(config: Config, matcher: MatcherO, realizer: RealizerO, m: Registry | None = None) -> DRef:
    """Make a derivation whose failures are results; see :func:`mkdrv`."""
    return mkdrv(config, either_matcher(matcher), either_realizer(realizer), m)


def realizeE(
    closure: Closure | tuple[Any, Closure],
    force_rebuild: Sequence[DRef] | bool = (),
    assert_realized: Sequence[DRef] = (),
    realize_args: Mapping[DRef, RealizeArg] = {},
) -> Either[RRef]:
    """Realize a plan for one derivation with one realization, a result or a failure."""
    _, plan = unpack_closure(closure)
    return either_loadR([realize1(closure, force_rebuild, assert_realized, realize_args)], plan.S)


def realizeManyE(
    closure: Closure | tuple[Any, Closure],
    force_rebuild: Sequence[DRef] | bool = (),
    assert_realized: Sequence[DRef] = (),
    realize_args: Mapping[DRef, RealizeArg] = {},
) -> Either[RRef]:
    """Realize a plan for one derivation, results or failures."""
    _, plan, context = realize(closure, force_rebuild, assert_realized, realize_args)
    check(len(context) == 1, f"the plan is for {len(context)} derivations: take realize")
    return either_loadR(next(iter(context.values())), plan.S)
