"""What function stages name that no function is."""

from __future__ import annotations

from stageloom.engine.want import Want
from stageloom.functions.declaration import Declaration


def wants_of(stage: Declaration) -> dict[str, Want]:
    """Return the parameters that must be stages and are no functions of this language, and those bound to a name."""
    needed = {
        one.name: Want(one.name, one.span, needed=True)
        for one in stage.parameters
        if one.role == "dependency" and not one.stages
    }
    if not stage.bound:
        return needed
    bound = (one for one in stage.parameters if one.source == "bind" and not one.static and one.text.isidentifier())
    return {**needed, **{one.name: Want(one.text, one.span) for one in bound if one.role == "configuration"}}
