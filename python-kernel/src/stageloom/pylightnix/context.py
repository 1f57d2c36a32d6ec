"""Contexts: the realizations that stand for all that a derivation depends on, directly or not."""

from __future__ import annotations

import json
import os

from stageloom.pylightnix.errors import check
from stageloom.pylightnix.references import assert_valid_dref, assert_valid_rref, model_rref
from stageloom.pylightnix.storage import opened
from stageloom.pylightnix.types import Context, DRef, Path, RefPath, RRef, StorageSettings


def mkcontext() -> Context:
    """Return an empty context."""
    return {}


def context_eq(a: Context, b: Context) -> bool:
    """Return whether the same realizations stand for the same derivations."""
    return dict(a) == dict(b)


def context_add(ctx: Context, dref: DRef, rrefs: list[RRef]) -> Context:
    """Return a context with ``rrefs`` for ``dref`` beside what ``ctx`` has, in order of the references."""
    check(
        dref not in ctx,
        f"{dref} stands in the context already, with {ctx.get(dref)}: it cannot be given {rrefs} as well",
    )
    return dict(sorted([(dref, sorted(rrefs)), *ctx.items()]))


def context_deref(context: Context, dref: DRef) -> list[RRef]:
    """Return what stands for ``dref``; raises CheckError where nothing does."""
    check(dref in context, f"{dref} is not in the context: name it in the configuration of what depends on it")
    return context[dref]


def context_derefpath(context: Context, refpath: RefPath, S: StorageSettings | None = None) -> list[Path]:
    """Return the path that ``refpath`` has in each realization that stands for its derivation."""
    from stageloom.pylightnix.graph import rref2path

    return [Path(os.path.join(rref2path(rref, S), *refpath[1:])) for rref in context_deref(context, DRef(refpath[0]))]


def context_serialize(c: Context) -> str:
    """Return a context as ``context.json`` has it."""
    assert_valid_context(c)
    return json.dumps(c, indent=4)


def assert_valid_context(c: Context) -> None:
    """Raise CheckError unless ``c`` maps derivations to lists of realizations."""
    check(isinstance(c, dict), f"a context is a dict, not {c!r:.80}")
    for dref, rrefs in c.items():
        assert_valid_dref(dref)
        check(isinstance(rrefs, list), f"{dref} stands for {rrefs!r:.80}, which is no list of realizations")
        for rref in rrefs:
            assert_valid_rref(rref)


def rrefctx(r: RRef, S: StorageSettings | None = None) -> Context:
    """Return all that a realization was made from, directly or not."""
    storage = opened(S)
    reference = model_rref(r)
    storage.known(r)
    found = storage.folders.context(reference)
    return {DRef(str(dref)): [RRef(str(one)) for one in rrefs] for dref, rrefs in found.items()}
