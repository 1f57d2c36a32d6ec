"""A name by which a stage may mean one of another language."""

from __future__ import annotations

from stageloom.model.classes import dataclass
from stageloom.rpc.messages import Span


@dataclass(frozen=True, slots=True)
class Want:
    """A name that no stage of its own language has, by which another may be meant.

    ``span`` is where it stands. A stage is ``needed`` where nothing else can be meant, nor an ingredient else.
    """

    name: str
    span: Span | None = None
    needed: bool = False
