"""The journal folded: what its events come to, without the index, for whoever is about to take things away."""

from __future__ import annotations

from sys import intern

from stageloom.model.classes import dataclass, field
from stageloom.model.references import BadReferenceError, RRef
from stageloom.store.journal import Event, Mark, Reading, RewrittenError, Scar
from stageloom.store.ledger import Ledger


@dataclass(slots=True)
class Standing:
    """A realization as of its last run; ``runs`` are run and stage of all of its runs."""

    rref: str
    tree: str
    size: int
    sequence: int
    at: float
    stage: str
    path: str
    runs: set[tuple[str, str]]

    @property
    def record(self) -> str:
        """The record's hash."""
        return self.rref[5:37]

    @property
    def derivation(self) -> str:
        """The derivation's hash."""
        return self.rref[38:70]

    @property
    def names(self) -> tuple[str, str, str]:
        """The hashes of record, derivation and tree."""
        return self.rref[5:37], self.rref[38:70], self.tree


@dataclass(slots=True)
class Fold:
    """All realizations that were not collected, by reference; all pins; and the names of what was collected.

    ``roots`` are those of each workspace, path, variant and stage, with the time when they were said last.
    """

    standing: dict[str, Standing] = field(default_factory=dict)
    pins: set[tuple[str, str]] = field(default_factory=set)
    plans: set[str] = field(default_factory=set)
    collected: set[str] = field(default_factory=set)
    roots: dict[tuple[str, str, str, str], tuple[float, list[str]]] = field(default_factory=dict)
    scars: list[Scar] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    sequence: int = 0

    def take_in(self, reading: Reading) -> None:
        """Go on with what lies after ``marks``; of ``reading`` no events are left, which are the larger of the two."""
        events = reading.events
        events.reverse()
        while events:
            event = events.pop()
            self.sequence = max(self.sequence, event["seq"])
            try:
                self._apply(event)
            except (KeyError, TypeError, ValueError, BadReferenceError):  # each stands or falls alone
                self.scars.append(Scar("", event["seq"], "is an event that this version does not understand"))
        self.scars += reading.scars
        self.marks.update(reading.marks)

    @property
    def pinned(self) -> set[str]:
        """What any workspace has pinned."""
        return {rref for _, rref in self.pins}

    def _apply(self, event: Event) -> None:
        kind = event.get("is")
        if kind == "run":
            self._run(event)
        elif kind == "collect":
            for rref in event["rrefs"]:
                self._collect(rref)
        elif kind == "pin":
            self.pins.add((event["workspace"], event["rref"]))
        elif kind == "unpin":
            self.pins.discard((event["workspace"], event["rref"]))
        elif kind == "plan":
            self.plans.update(event["drefs"])
        elif kind == "unplan":
            self.plans.difference_update(event["drefs"])
        elif kind == "roots":
            for stage, rrefs in event["roots"].items():
                whose = (event["workspace"], event["path"], event["variant"], stage)
                self.roots[whose] = (float(event["at"]), list(rrefs))

    def _run(self, event: Event) -> None:
        rref = event["rref"]
        RRef.parse(rref)
        known = self.standing.get(rref)
        runs = known.runs if known is not None else set()
        # The same few names come again and again.
        run, stage, path = intern(event["run"]), intern(event["stage"]), intern(event["path"])
        runs.add((run, stage))
        self.standing[rref] = Standing(rref, event["tree"], event["size"], event["seq"], event["at"], stage, path, runs)

    def _collect(self, rref: str) -> None:
        gone = self.standing.pop(rref, None)
        if gone is not None:
            self.collected.update(gone.names)


def follow(ledger: Ledger, fold: Fold) -> Fold:
    """Return ``fold`` with what the journal has since; another one where the journal was written anew."""
    known = ledger.sequence()
    try:
        fold.take_in(ledger.read_after(fold.marks))
    except RewrittenError:
        fold = Fold()
        fold.take_in(ledger.read_all())
    # The index may have read a line before it was damaged, or a segment before it was lost: it goes on counting there.
    fold.sequence = max(fold.sequence, known)
    missing = {scar.segment for scar in fold.scars}
    fold.scars += [Scar(name, 0, "is missing") for name in ledger.lost_segments() if name not in missing]
    return fold
