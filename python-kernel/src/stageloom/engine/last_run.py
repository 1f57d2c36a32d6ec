"""How the last run of a stage ended that made nothing: kept in the run's folder, found by the work that it was."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from stageloom.engine.provenance import read_stage, write_stage
from stageloom.model.references import DRef
from stageloom.model.values import Json
from stageloom.rpc.messages import Failure, LastRun
from stageloom.rpc.mismatch import WireError
from stageloom.rpc.wire import decode, encode
from stageloom.store.errors import StoreError
from stageloom.store.store import Store
from stageloom.store.unmade import Unmade

_FAILURE = "failure"


def keep(store: Store, dref: DRef, context: str, unmade: Unmade, facts: Mapping[str, Json], why: Failure) -> None:
    """Keep how a try at ``dref`` in the context with that key ended; a store that can't take it loses it, no more."""
    with contextlib.suppress(StoreError):
        folder = store.run_folder(unmade.run, unmade.stage)
        write_stage(folder, {**facts, "ended": unmade.how, _FAILURE: encode(why)})
        store.note_unmade(dref, context, unmade)


def last_run(store: Store, dref: DRef, context: str) -> LastRun | None:
    """Return how the last try at ``dref`` in the context with that key ended, if it made nothing and nothing did since.

    None, too, where what was kept of it is gone.
    """
    unmade = store.unmade(dref, context)
    if unmade is None:
        return None
    folder = store.run_folder(unmade.run, unmade.stage, make=False)
    facts = read_stage(folder)
    try:
        failure: Failure = decode(Failure, facts.get(_FAILURE))
    except WireError:
        return None
    took = facts.get("took")
    return LastRun(
        is_=unmade.how,
        run=unmade.run,
        stage=unmade.stage,
        at=unmade.at,
        took=float(took) if isinstance(took, (int, float)) else 0.0,
        failure=failure,
        folder=str(folder),
    )
