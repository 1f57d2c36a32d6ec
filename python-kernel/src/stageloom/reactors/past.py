"""The past of reactors: which runs the store holds, what each asked for and what it sent."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stageloom.model.classes import dataclass
from stageloom.model.references import DRef, RRef
from stageloom.model.values import Json
from stageloom.reactors.outlet import Sent, sent_in
from stageloom.reactors.trace import Step, trace_of
from stageloom.store.errors import StoreError
from stageloom.store.found import Found
from stageloom.store.store import Store

_FEW = 20


@dataclass(frozen=True, slots=True)
class PastRun:
    """A visible run of a reactor."""

    found: Found
    reactor: str
    code: str
    steps: Sequence[Step]
    sent: Mapping[str, Sent]

    @property
    def rref(self) -> RRef:
        """Its record."""
        return self.found.rref

    @property
    def dref(self) -> DRef:
        """Its derivation, which holds its trace."""
        return self.found.dref


class Past:
    """The runs in ``store`` of some reactors; of one pipeline file where ``path`` is given."""

    def __init__(self, store: Store, path: str | None = None) -> None:
        self._store = store
        self._path = path
        self._runs: dict[str, list[PastRun]] = {}
        self._of_ingredient: dict[str, list[PastRun]] | None = None
        self._as_of: dict[str, int] = {}

    def renew(self, reactor: str) -> bool:
        """Read the runs of ``reactor`` anew if any process has changed the store; return whether there are others."""
        if self._store.sequence == self._as_of.get(reactor):
            return False
        before = [run.rref for run in self._runs.get(reactor, ())]
        self.load([reactor])
        return before != [run.rref for run in self._runs[reactor]]

    def load(self, reactors: Iterable[str]) -> None:
        """Read the runs of ``reactors`` anew."""
        wanted = list(dict.fromkeys(reactors))
        sequence = self._store.sequence
        if len(wanted) > _FEW:
            every = set(wanted)
            found = [one for one in self._store.history(path=self._path) if one.stage in every]
        else:
            found = [one for name in wanted for one in self._store.history(path=self._path, stage=name)]
        for name in wanted:
            self._runs[name] = []
            self._as_of[name] = sequence
        seen: set[tuple[str, RRef]] = set()
        with _Notes(self._store.cache) as notes:
            known = notes.get([str(one.rref) for one in found])
            for one in found:
                if (one.stage, one.rref) in seen:
                    continue
                seen.add((one.stage, one.rref))
                run = self._run(one, known.get(str(one.rref)), notes)
                if run is not None:
                    self._runs[one.stage].append(run)
        self._of_ingredient = None

    def runs(self, reactor: str, code: str) -> list[PastRun]:
        """Return the visible runs of a reactor with this code, newest first."""
        return [run for run in self._runs.get(reactor, ()) if run.code == code]

    def every(self, reactor: str) -> Sequence[PastRun]:
        """Return the visible runs of a reactor with any code, newest first."""
        return self._runs.get(reactor, ())

    def sending(self, ingredient: str) -> Sequence[PastRun]:
        """Return the runs that sent ``ingredient``, newest first."""
        if self._of_ingredient is None:
            self._of_ingredient = {}
            every = [run for runs in self._runs.values() for run in runs]
            for run in sorted(every, key=lambda one: -one.found.sequence):
                for name in run.sent:
                    self._of_ingredient.setdefault(name, []).append(run)
        return self._of_ingredient.get(ingredient, ())

    def ingredients(self) -> set[str]:
        """Return the names of all ingredients that were ever sent."""
        self.sending("")
        return set(self._of_ingredient or ())

    def _run(self, found: Found, known: Json, notes: _Notes) -> PastRun | None:
        """Return a run as noted, else from its objects; None for one that is damaged, or no run of a reactor."""
        if not isinstance(known, dict):
            try:
                known = _read(self._store, found)
            except (StoreError, ValueError, KeyError, OSError, TypeError, AttributeError):
                return None
            notes.put(str(found.rref), known)
        return _parsed(found, known)


def _read(store: Store, found: Found) -> dict[str, Json]:
    derivation = store.derivation(found.dref)
    if derivation.language != "reactor":
        return {}
    steps = trace_of(derivation)
    hashes = {file.path: file.sha256 for file in store.manifest(found.tree).files}
    sent = sent_in(store.tree(found.tree), hashes)
    return {
        "reactor": derivation.name,
        "code": derivation.code,
        "steps": [[step.kind, list(step.path), step.answer] for step in steps],
        "sent": {name: [one.part, one.type, one.note, one.content] for name, one in sent.items()},
    }


def _parsed(found: Found, known: dict[str, Json]) -> PastRun | None:
    if not known:
        return None
    steps, sent, reactor, code = known["steps"], known["sent"], known["reactor"], known["code"]
    assert isinstance(steps, list)
    assert isinstance(sent, dict)
    trace = tuple(Step(kind, tuple(path), answer) for kind, path, answer in steps)  # type: ignore[misc,str-unpack,arg-type,unused-ignore]  # as noted by _read
    parts = {name: Sent(*fields) for name, fields in sent.items()}  # type: ignore[misc,arg-type,unused-ignore]  # as noted by _read
    return PastRun(found, str(reactor), str(code), trace, parts)


class _Notes:
    """What was read of runs, kept in the store's cache folder: a function of what is in the store, and deletable."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "reactors-1.sqlite"
        self._db: sqlite3.Connection | None = None
        self._new: list[tuple[str, str, int]] = []

    def __enter__(self) -> _Notes:  # noqa: PYI034  # Self is not in 3.10
        try:
            self._db = sqlite3.connect(self._path, timeout=5, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.execute("CREATE TABLE IF NOT EXISTS runs (rref TEXT PRIMARY KEY, body TEXT, crc INTEGER)")
        except sqlite3.Error:
            self._drop()
        return self

    def __exit__(self, *_: object) -> None:
        if self._db is None:
            return
        try:
            if self._new:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", self._new)
                self._db.execute("COMMIT")
            self._db.close()
        except sqlite3.Error:
            self._drop()

    def get(self, rrefs: Sequence[str]) -> dict[str, Json]:
        """Return what is noted of some runs."""
        result: dict[str, Json] = {}
        if self._db is None:
            return result
        try:
            for start in range(0, len(rrefs), 500):
                group = rrefs[start : start + 500]
                query = f"SELECT rref, body, crc FROM runs WHERE rref IN ({','.join('?' * len(group))})"  # noqa: S608  # question marks alone
                for rref, body, crc in self._db.execute(query, group):
                    if zlib.crc32(f"{rref}{body}".encode("utf-8", "replace")) == crc:
                        result[rref] = json.loads(body)
        except (sqlite3.Error, ValueError, TypeError):
            self._drop()
            return {}
        return result

    def put(self, rref: str, body: Json) -> None:
        """Note what was read of a run."""
        text = json.dumps(body, separators=(",", ":"))
        self._new.append((rref, text, zlib.crc32(f"{rref}{text}".encode())))

    def _drop(self) -> None:
        """Do without: what is damaged is deleted and made anew."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
        self._db = None
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()
