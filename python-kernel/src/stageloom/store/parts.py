"""What a store is made of, for the modules that do a store's larger works."""

from __future__ import annotations

from collections.abc import Callable

from stageloom.model.classes import dataclass
from stageloom.store.commit import Publisher
from stageloom.store.files import Files
from stageloom.store.holds import Holds
from stageloom.store.layout import Layout
from stageloom.store.ledger import Ledger
from stageloom.store.scratch import Scratch
from stageloom.store.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one open store. ``clock`` tells seconds since the epoch."""

    layout: Layout
    files: Files
    ledger: Ledger
    shelf: Shelf
    publisher: Publisher
    scratch: Scratch
    holds: Holds
    clock: Callable[[], float]
