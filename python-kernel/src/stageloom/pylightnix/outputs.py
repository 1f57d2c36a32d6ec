"""Outputs checked against promises, and realizers and matchers of outputs made plain."""

from __future__ import annotations

from stageloom.pylightnix.realizations import check_promises
from stageloom.pylightnix.storage import opened
from stageloom.pylightnix.types import (
    Context,
    DRef,
    Matcher,
    MatcherO,
    Output,
    Path,
    RealizeArg,
    Realizer,
    RealizerO,
    RRef,
    StorageSettings,
)


def output_validate(dref: DRef, o: Output[Path], S: StorageSettings | None = None) -> list[Path]:
    """Return the folders of ``o``; raises PromiseException where one lacks what the configuration promises."""
    check_promises(opened(S).plan(dref), o.val)
    return o.val


def output_realizer(f: RealizerO) -> Realizer:
    """Return a realizer that checks the promises of what ``f`` gives."""

    def realizer(S: StorageSettings | None, dref: DRef, ctx: Context, ra: RealizeArg) -> list[Path]:
        return output_validate(dref, f(S, dref, ctx, ra), S)

    return realizer


def output_matcher(r: MatcherO) -> Matcher:
    """Return a matcher of plain lists."""

    def matcher(S: StorageSettings | None, rrefs: list[RRef]) -> list[RRef] | None:
        chosen = r(S, Output(rrefs))
        return chosen.val if chosen is not None else None

    return matcher
