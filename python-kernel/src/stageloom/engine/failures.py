"""Why a run cannot make a stage, as far as it is the run's own saying: the worker says the rest."""

from __future__ import annotations

from typing import Literal

from stageloom.engine.look import Looked
from stageloom.rpc.messages import Failure
from stageloom.store.errors import DamagedError, DiskFullError, StoreError

#: Of a job that no worker could take.
STALE = Failure("code-changed", "No worker could take the job: each had imported another version of a project file")
#: Of a job that nobody wants any more.
CANCELLED = Failure("cancelled", "cancelled")
#: Of a stage that has no derivation.
UNPLANNED = Failure(
    "internal", "It could not be planned", "See the problems of the file: it, or what it depends on, has one."
)


def rivals(name: str, looked: Looked) -> Failure:
    """Return the failure of a stage that takes one realization and has several that differ."""
    told = ", ".join(str(one.rref) for one in looked.rivals)
    message = f"{name} takes only one realization (match_only) and has {len(looked.rivals)} that differ: {told}"
    return Failure("exception", message, "Invalidate all but the one to keep, or take the latest (match_latest).")


def discontent(name: str, made: int) -> Failure:
    """Return the failure of a stage whose matcher asks for more than its realizer makes."""
    message = f"The matcher of {name} asks for another realization, and what was made last ({made}) adds none"
    advice = "Have the realizer make something new, of nothing that changes meanwhile, or the matcher ask for less."
    return Failure("exception", message, advice)


def circular(name: str) -> Failure:
    """Return the failure of a stage that would have to be made before it is made."""
    message = f"{name} is being made right now, and is asked for by what it runs itself"
    advice = "A stage can realize others, but neither itself nor one that depends on it: take the call out."
    return Failure("exception", message, advice)


def senseless(error: Exception) -> Failure:
    """Return the failure of a job whose answer is not what was agreed."""
    return Failure("internal", f"The worker's answer makes no sense: {error}")


def store_failure(error: StoreError) -> Failure:
    """Return what the user hears of a store that cannot do its part."""
    kind: Literal["disk-full", "damaged", "store"] = "store"
    if isinstance(error, DiskFullError):
        kind = "disk-full"
    elif isinstance(error, DamagedError):
        kind = "damaged"
    return Failure(kind, error.message, error.advice)
