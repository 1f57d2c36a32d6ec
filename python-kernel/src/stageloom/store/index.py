# ruff: noqa: S608  # what is put into queries here are this module's own column names
"""The index: a function of the journal, in SQLite, that answers in microseconds and can be deleted at any time.

A realization is *visible* if it has a run after its last invalidation that was not undone: ``sequence > hidden``.
SQLite does not notice a flipped bit inside a row, so each row that decides what is served carries a checksum.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, TypeAlias

from stageloom.model.references import RRef
from stageloom.store.found import Found
from stageloom.store.journal import Event, Mark, Reading, Scar
from stageloom.store.meter import Meter
from stageloom.store.trees import Stats
from stageloom.store.unmade import Unmade

#: Raise it when the tables change: an index of another version is made anew.
VERSION = 8

_TABLES = """
CREATE TABLE realizations (rref TEXT PRIMARY KEY, key TEXT, tree TEXT, action TEXT, sequence INTEGER, hidden INTEGER,
    at REAL, took REAL, size INTEGER, run TEXT, stage TEXT, path TEXT, kept INTEGER, reads TEXT, crc INTEGER);
CREATE INDEX realizations_key ON realizations (key, sequence);
CREATE INDEX realizations_tree ON realizations (tree);
CREATE TABLE runs (sequence INTEGER PRIMARY KEY, rref TEXT, action TEXT, at REAL, took REAL, run TEXT, stage TEXT,
    path TEXT, kept INTEGER, crc INTEGER);
CREATE INDEX runs_action ON runs (action, sequence);
CREATE INDEX runs_stage ON runs (path, stage, sequence);
CREATE TABLE invalidations (sequence INTEGER PRIMARY KEY, undone INTEGER);
CREATE TABLE hides (rref TEXT, sequence INTEGER, PRIMARY KEY (rref, sequence)) WITHOUT ROWID;
CREATE INDEX hides_sequence ON hides (sequence);
CREATE TABLE gone (action TEXT, rref TEXT, PRIMARY KEY (action, rref)) WITHOUT ROWID;
CREATE TABLE pins (workspace TEXT, rref TEXT, PRIMARY KEY (workspace, rref)) WITHOUT ROWID;
CREATE TABLE unmade (key TEXT PRIMARY KEY, sequence INTEGER, how TEXT, at REAL, run TEXT, stage TEXT, path TEXT,
    crc INTEGER) WITHOUT ROWID;
CREATE TABLE plans (dref TEXT PRIMARY KEY, sequence INTEGER, note TEXT);
CREATE TABLE roots (workspace TEXT, path TEXT, variant TEXT, stage TEXT, at REAL, rrefs TEXT,
    PRIMARY KEY (workspace, path, variant, stage)) WITHOUT ROWID;
CREATE TABLE segments (name TEXT PRIMARY KEY, offset INTEGER, identity TEXT, last INTEGER, crc INTEGER) WITHOUT ROWID;
CREATE TABLE scars (segment TEXT, offset INTEGER, what TEXT, PRIMARY KEY (segment, offset)) WITHOUT ROWID;
CREATE TABLE checked (tree TEXT PRIMARY KEY, stats TEXT, crc INTEGER) WITHOUT ROWID;
CREATE TABLE contents (sha256 TEXT PRIMARY KEY, tree TEXT, path TEXT) WITHOUT ROWID;
CREATE TABLE damaged (identity TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_COLUMNS = "rref, key, tree, action, sequence, hidden, at, took, size, run, stage, path, kept, reads, crc"
_RUN_COLUMNS = "sequence, rref, action, at, took, run, stage, path, kept, crc"
_AT_ONCE = 500
# The tables that follow from the journal alone.
_FACTS = ("realizations", "runs", "unmade", "invalidations", "hides", "gone", "pins", "roots", "scars")
#: Answers kept in memory until the tables change: an editor asks for the same ones again and again.
_MOST_FINDS = 200_000

#: The columns above, as SQLite returns them.
Row: TypeAlias = tuple[Any, ...]

_NO_READS: Mapping[str, str] = MappingProxyType({})


class IndexDamagedError(Exception):
    """What the index says is not what was written into it: make it anew."""


def _crc(row: Sequence[object]) -> int:
    return zlib.crc32(repr(row).encode("utf-8", "surrogatepass"))


def _check(row: Row) -> None:
    if _crc(row[:-1]) != row[-1]:
        raise IndexDamagedError(str(row[0]))


def _sealed(row: Sequence[object]) -> tuple[object, ...]:
    return (*row, _crc(tuple(row)))


class Index:
    """The tables in ``path``, or in memory where that is None. Not thread-safe: its store sees to that."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._named: dict[str, set[str]] = {}
        self._finds: dict[tuple[str, str], tuple[Found, ...]] = {}
        self._lasts: dict[tuple[str, str], Mapping[str, Found]] = {}
        self._db = sqlite3.connect(path or ":memory:", timeout=10, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def forget(self) -> None:
        """Drop what was kept in memory: another process has changed the tables."""
        self._forget()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes of the block, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        self._forget()
        try:
            yield
        except BaseException:
            self._forget()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- following the journal ---------------------------------------------------------------------------------------

    def marks(self) -> dict[str, Mark]:
        """Return how far each segment was read."""
        return {name: Mark(offset, identity) for name, offset, identity, _ in self._segments()}

    def sequence(self) -> int:
        """Return the sequence number of the last event known."""
        return max((last for _, _, _, last in self._segments()), default=0)

    def apply(self, reading: Reading) -> None:
        """Take in what the journal said, in a transaction of the caller's."""
        before = self.sequence()
        scars = [(scar.segment, scar.offset, scar.what) for scar in reading.scars]
        for event in reading.events:
            try:
                self._apply(event)
            except (KeyError, TypeError, ValueError):  # noqa: PERF203  # each event stands or falls alone
                scars.append(("", event["seq"], "is an event that this version does not understand"))
        last = max((event["seq"] for event in reading.events), default=0)
        self._db.executemany(
            "INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?)",
            [_sealed((name, mark.offset, mark.identity, max(before, last))) for name, mark in reading.marks.items()],
        )
        self._db.executemany("INSERT OR IGNORE INTO scars VALUES (?, ?, ?)", scars)

    def _segments(self) -> list[tuple[str, int, str, int]]:
        rows = self._db.execute("SELECT name, offset, identity, last, crc FROM segments").fetchall()
        for row in rows:
            _check(row)
        return [row[:4] for row in rows]

    def _apply(self, event: Event) -> None:
        kind, sequence = event.get("is"), event["seq"]
        if kind == "run":
            self._apply_run(event)
        elif kind == "invalidate":
            self._db.execute("INSERT OR IGNORE INTO invalidations VALUES (?, 0)", (sequence,))
            self._db.executemany(
                "INSERT OR IGNORE INTO hides VALUES (?, ?)", [(rref, sequence) for rref in event["rrefs"]]
            )
            self._rehide(event["rrefs"])
        elif kind == "undo":
            self._db.execute("UPDATE invalidations SET undone = 1 WHERE sequence = ?", (event["of"],))
            self._rehide(self._hidden_by(event["of"]))
        elif kind == "pin":
            self._db.execute("INSERT OR IGNORE INTO pins VALUES (?, ?)", (event["workspace"], event["rref"]))
        elif kind == "unpin":
            self._db.execute("DELETE FROM pins WHERE workspace = ? AND rref = ?", (event["workspace"], event["rref"]))
        elif kind == "unmade":
            self._apply_unmade(event)
        elif kind == "collect":
            self._apply_collect(event["rrefs"])
        else:
            self._apply_said(kind, event)

    def _apply_said(self, kind: object, event: Event) -> None:
        """Take in what is planned, and what pipelines stand on."""
        if kind == "plan":
            notes = event.get("notes", {})
            plans = [(dref, event["seq"], notes.get(dref, "")) for dref in event["drefs"]]
            self._db.executemany("INSERT OR IGNORE INTO plans VALUES (?, ?, ?)", plans)
        elif kind == "unplan":
            self._db.executemany("DELETE FROM plans WHERE dref = ?", [(dref,) for dref in event["drefs"]])
        elif kind == "roots":
            whose = (event["workspace"], event["path"], event["variant"])
            rows = [(*whose, stage, float(event["at"]), " ".join(rrefs)) for stage, rrefs in event["roots"].items()]
            self._db.executemany("INSERT OR REPLACE INTO roots VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _apply_unmade(self, event: Event) -> None:
        later = "SELECT 1 FROM realizations WHERE key = ? AND sequence > ?"
        if self._db.execute(later, (event["key"], event["seq"])).fetchone() is None:
            row = (event["key"], event["seq"], event["how"], float(event["at"]))
            self._db.execute(
                "INSERT OR REPLACE INTO unmade VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                _sealed((*row, event["run"], event["stage"], event["path"])),
            )

    def _apply_run(self, event: Event) -> None:
        rref, sequence = event["rref"], event["seq"]
        times = (float(event["at"]), float(event["took"]))
        names = (event["run"], event["stage"], event["path"], int(event["kept"]))
        self._db.execute(
            f"INSERT OR REPLACE INTO runs ({_RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _sealed((sequence, rref, event["action"], *times, *names)),
        )
        known = self._db.execute("SELECT sequence, hidden FROM realizations WHERE rref = ?", (rref,)).fetchone()
        if known is not None and known[0] > sequence:
            return
        key = rref[38:70] + event["context"]
        reads = json.dumps(event["reads"], separators=(",", ":")) if event.get("reads") else ""
        hiding = self._hiding(rref)
        row = (rref, key, event["tree"], event["action"], sequence, hiding, *times, event["size"], *names, reads)
        self._db.execute("DELETE FROM unmade WHERE key = ? AND sequence < ?", (key, sequence))
        self._db.execute(
            f"INSERT OR REPLACE INTO realizations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _sealed(row),
        )

    def _apply_collect(self, rrefs: Sequence[str]) -> None:
        """Forget realizations, but for the actions of those that were invalidated: older copies stay out of sight."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS collecting (rref TEXT PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("DELETE FROM collecting")
        self._db.executemany("INSERT OR IGNORE INTO collecting VALUES (?)", [(rref,) for rref in rrefs])
        among = "rref IN (SELECT rref FROM collecting)"
        hidden = f"{among} AND rref IN (SELECT rref FROM hides)"
        self._db.execute(f"INSERT OR IGNORE INTO gone SELECT DISTINCT action, rref FROM runs WHERE {hidden}")
        trees = f"tree IN (SELECT tree FROM realizations WHERE {among})"
        others = f"tree NOT IN (SELECT tree FROM realizations WHERE NOT {among} AND {trees})"
        self._db.execute(f"DELETE FROM checked WHERE {trees} AND {others}")
        for table in ("realizations", "runs"):
            self._db.execute(f"DELETE FROM {table} WHERE {among}")

    def _hiding(self, rref: str) -> int:
        """Return the sequence number of the last invalidation of ``rref`` that stands, or 0."""
        found = self._db.execute(
            "SELECT max(sequence) FROM hides JOIN invalidations USING (sequence) WHERE rref = ? AND undone = 0", (rref,)
        )
        return found.fetchone()[0] or 0

    def _hidden_by(self, sequence: int) -> list[str]:
        return [row[0] for row in self._db.execute("SELECT rref FROM hides WHERE sequence = ?", (sequence,))]

    def _rehide(self, rrefs: Iterable[str]) -> None:
        for rref in rrefs:
            row = self._db.execute(f"SELECT {_COLUMNS} FROM realizations WHERE rref = ?", (rref,)).fetchone()
            if row is not None:
                sealed = _sealed((*row[:5], self._hiding(rref), *row[6:14]))
                self._db.execute(
                    "UPDATE realizations SET hidden = ?, crc = ? WHERE rref = ?", (sealed[5], sealed[14], rref)
                )

    # --- looking up --------------------------------------------------------------------------------------------------

    def find_many(self, keys: Sequence[str], workspace: str) -> dict[str, list[Found]]:
        """Return, for each key that has any, the visible and undamaged realizations in order of sequence.

        What is pinned in the workspace comes last, as if it were the latest.
        A key is a derivation's hash followed by the context key.
        """
        known = self._finds
        missing = [key for key in keys if (key, workspace) not in known]
        damaged, pinned = self.damaged(), self._pinned(workspace)
        if len(known) + len(missing) > _MOST_FINDS:
            known.clear()
            missing = list(keys)
        for start in range(0, len(missing), _AT_ONCE):
            part = missing[start : start + _AT_ONCE]
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM realizations WHERE key IN ({','.join('?' * len(part))}) ORDER BY sequence",
                part,
            )
            result: dict[str, list[Found]] = {key: [] for key in part}
            for row in rows:
                found = _found(row, pinned)
                if found.visible and not (damaged and _is_damaged(found, damaged)):
                    result[row[1]].append(found)
            for key, answers in result.items():
                if pinned:
                    answers.sort(key=lambda found: found.pinned)
                known[key, workspace] = tuple(answers)
        return {key: list(kept) for key in keys if (kept := known[key, workspace])}

    def unmade(self, key: str) -> Unmade | None:
        """Return the last try at that key, a derivation's hash and a context's, if nothing came of it nor since."""
        row = self._db.execute("SELECT * FROM unmade WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        _check(row)
        _, sequence, how, at, run, stage, path, _ = row
        return Unmade(how, sequence, at, run, stage, path)

    def find_action(self, action: str, workspace: str, accept: Callable[[Found], bool]) -> Found | None:
        """Return the last visible realization of the work ``action`` that is ``accept``-ed.

        None of them counts that is older than an invalidation of any: who invalidates asks for the work to be done
        anew, not for another context's copy of it.
        """
        query = f"SELECT {_RUN_COLUMNS} FROM runs WHERE action = ? ORDER BY sequence DESC"
        runs = self._db.execute(query, (action,)).fetchall()
        if not runs:
            return None
        damaged, pinned = self.damaged(), self._pinned(workspace)
        rows = {rref: self._row(rref) for rref in {run[1] for run in runs}}
        barrier = max(row[5] for row in rows.values())
        if action in self._names("gone", "SELECT action FROM gone"):
            gone = self._db.execute("SELECT rref FROM gone WHERE action = ?", (action,)).fetchall()
            barrier = max(barrier, *(self._hiding(row[0]) for row in gone))
        for run in runs:
            _check(run)
            found = _found(rows[run[1]], pinned)
            if run[0] > barrier and found.visible and found.tree not in damaged and accept(found):
                return found
        return None

    def get(self, rref: str, workspace: str) -> Found | None:
        """Return a realization, visible or not."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM realizations WHERE rref = ?", (rref,)).fetchone()
        return None if row is None else _found(row, self._pinned(workspace))

    def has_derivation(self, dref_hash: str) -> bool:
        """Return whether there is a realization of it, visible or not."""
        query = "SELECT 1 FROM realizations WHERE key >= ? AND key < ? LIMIT 1"
        return self._db.execute(query, (dref_hash, dref_hash + "g")).fetchone() is not None

    def history(self, path: str | None, stage: str | None, *, hidden: bool, workspace: str) -> list[Found]:
        """Return each realization once per pipeline and stage that ran it, as of its last run there, newest first."""
        where = [f"{name} = ?" for name, value in (("path", path), ("stage", stage)) if value is not None]
        query = (
            f"SELECT {_RUN_COLUMNS} FROM runs WHERE sequence IN (SELECT max(sequence) FROM runs"
            f"{' WHERE ' + ' AND '.join(where) if where else ''} GROUP BY path, stage, rref) ORDER BY sequence DESC"
        )
        pinned, result = self._pinned(workspace), []
        for run in self._db.execute(query, [value for value in (path, stage) if value is not None]).fetchall():
            _check(run)
            found = _found(self._row(run[1]), pinned, run)
            if hidden or found.visible:
                result.append(found)
        return result

    def lasts(self, path: str, workspace: str) -> Mapping[str, Found]:
        """Return, by stage, the realization of its last run in a pipeline, visible or not."""
        known = self._lasts.get((path, workspace))
        if known is None:
            pinned = self._pinned(workspace)
            query = (
                f"SELECT {_RUN_COLUMNS} FROM runs WHERE sequence IN"
                " (SELECT max(sequence) FROM runs WHERE path = ? GROUP BY stage)"
            )
            known = {}
            for run in self._db.execute(query, (path,)).fetchall():
                _check(run)
                known[run[6]] = _found(self._row(run[1]), pinned, run)
            self._lasts[path, workspace] = known
        return known

    def plans(self) -> list[str]:
        """Return the derivations that were planned and not taken back, in order."""
        return [row[0] for row in self._db.execute("SELECT dref FROM plans ORDER BY sequence, rowid")]

    def plan_note(self, dref: str) -> str | None:
        """Return what was noted when a derivation was planned; None for one that is not among :meth:`plans`."""
        row = self._db.execute("SELECT note FROM plans WHERE dref = ?", (dref,)).fetchone()
        return None if row is None else row[0]

    def not_planned(self, drefs: Sequence[str]) -> list[str]:
        """Return which of ``drefs`` are not among :meth:`plans`."""
        query = "SELECT 1 FROM plans WHERE dref = ?"
        return [dref for dref in drefs if self._db.execute(query, (dref,)).fetchone() is None]

    def roots(self, workspace: str, path: str, variant: str) -> dict[str, tuple[float, list[str]]]:
        """Return, by stage, when a workspace said last what a pipeline of its stands on, and what."""
        query = "SELECT stage, at, rrefs FROM roots WHERE workspace = ? AND path = ? AND variant = ?"
        return {row[0]: (row[1], row[2].split()) for row in self._db.execute(query, (workspace, path, variant))}

    def realizations(self, dref_hash: str, workspace: str) -> list[Found]:
        """Return the visible and undamaged realizations of a derivation in any context, in order of sequence."""
        damaged, pinned = self.damaged(), self._pinned(workspace)
        query = f"SELECT {_COLUMNS} FROM realizations WHERE key >= ? AND key < ? ORDER BY sequence"
        found = (_found(row, pinned) for row in self._db.execute(query, (dref_hash, dref_hash + "g")))
        return [one for one in found if one.visible and not (damaged and _is_damaged(one, damaged))]

    def size(self) -> int:
        """Return how many bytes all trees hold together."""
        return (
            self._db.execute("SELECT sum(size) FROM (SELECT DISTINCT tree, size FROM realizations)").fetchone()[0] or 0
        )

    def has_tree(self, tree: str) -> bool:
        """Return whether a realization has it."""
        return self._db.execute("SELECT 1 FROM realizations WHERE tree = ? LIMIT 1", (tree,)).fetchone() is not None

    def last_invalidation(self) -> int:
        """Return the sequence number of the last invalidation that stands, or 0."""
        return self._db.execute("SELECT max(sequence) FROM invalidations WHERE undone = 0").fetchone()[0] or 0

    def stands(self, sequence: int) -> bool:
        """Return whether ``sequence`` is an invalidation that was not undone."""
        row = self._db.execute("SELECT 1 FROM invalidations WHERE sequence = ? AND undone = 0", (sequence,)).fetchone()
        return row is not None

    def hidden_by(self, sequence: int, workspace: str) -> list[Found]:
        """Return what the invalidation ``sequence`` named."""
        found = (self.get(rref, workspace) for rref in self._hidden_by(sequence))
        return [one for one in found if one is not None]

    def is_made_by(self, reading: Reading, meter: Meter) -> bool:
        """Return whether this is what the whole journal comes to, but for what follows from other things."""
        fresh = Index(None)
        events = reading.events
        try:
            with fresh.transaction():
                for start in range(0, len(events), _AT_ONCE):
                    fresh.apply(Reading(events[start : start + _AT_ONCE]))
                    meter.step(0)
                fresh.apply(Reading([], reading.scars, reading.marks))
            return all(self._same(fresh, table, meter) for table in _FACTS)
        finally:
            fresh.close()

    def _same(self, other: Index, table: str, meter: Meter) -> bool:
        columns = [row[1] for row in self._db.execute(f"PRAGMA table_info({table})")]
        keys = [row[1] for row in self._db.execute(f"PRAGMA table_info({table})") if row[5]] or columns
        query = f"SELECT * FROM {table} ORDER BY {', '.join(keys)}"
        pairs = zip_longest(self._db.execute(query), other._db.execute(query))  # of this class
        for number, (own, its) in enumerate(pairs):
            if own != its:
                return False
            if number % _AT_ONCE == 0:
                meter.step(0)
        return True

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Show the tables within the block as they are now, whatever others write meanwhile."""
        self._db.execute("BEGIN")
        try:
            self.sequence()  # the first look is what it sees
            yield
        finally:
            self._db.execute("COMMIT")

    def scars(self) -> list[Scar]:
        """Return the journal's damaged lines that were passed over."""
        return [Scar(*row) for row in self._db.execute("SELECT segment, offset, what FROM scars")]

    # --- what this host knows about the objects ----------------------------------------------------------------------

    def checked(self, trees: Sequence[str]) -> dict[str, Stats]:
        """Return the file stats under which the content of each of ``trees`` was found right, where it was."""
        result: dict[str, Stats] = {}
        for start in range(0, len(trees), _AT_ONCE):
            part = trees[start : start + _AT_ONCE]
            query = f"SELECT tree, stats, crc FROM checked WHERE tree IN ({','.join('?' * len(part))})"
            for row in self._db.execute(query, part):
                if _crc(row[:2]) == row[2]:
                    result[row[0]] = json.loads(row[1])
        return result

    def set_checked(self, tree: str, stats: Stats) -> None:
        """Remember that ``tree`` is right while its files have ``stats``."""
        row = (tree, json.dumps(stats, separators=(",", ":")))
        self._db.execute("INSERT OR REPLACE INTO checked VALUES (?, ?, ?)", _sealed(row))

    def contents(self, hashes: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return for each of these contents, where one is known, the tree and the path of a stored file that has it."""
        query = "SELECT tree, path FROM contents WHERE sha256 = ?"
        found = ((sha256, self._db.execute(query, (sha256,)).fetchone()) for sha256 in hashes)
        return {sha256: (row[0], row[1]) for sha256, row in found if row is not None}

    def set_contents(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Remember stored files: content, tree, path."""
        self._db.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", rows)

    def damaged(self) -> set[str]:
        """Return the hashes of trees, records and derivations found damaged and not stored again since."""
        return self._names("damaged", "SELECT identity FROM damaged")

    def set_damaged(self, identities: Iterable[str], *, damaged: bool) -> None:
        """Remember, or forget, damage."""
        query = "INSERT OR IGNORE INTO damaged VALUES (?)" if damaged else "DELETE FROM damaged WHERE identity = ?"
        self._db.executemany(query, [(identity,) for identity in identities])
        self._forget()

    def _row(self, rref: str) -> Row:
        row: Row | None = self._db.execute(f"SELECT {_COLUMNS} FROM realizations WHERE rref = ?", (rref,)).fetchone()
        if row is None:
            raise IndexDamagedError(rref)
        return row

    def _pinned(self, workspace: str) -> set[str]:
        return self._names(f"pins {workspace}", "SELECT rref FROM pins WHERE workspace = ?", workspace)

    def _forget(self) -> None:
        self._named.clear()
        self._finds.clear()
        self._lasts.clear()

    def _names(self, key: str, query: str, *values: str) -> set[str]:
        if key not in self._named:
            self._named[key] = {row[0] for row in self._db.execute(query, values)}
        return self._named[key]

    def _prepare(self) -> None:
        self._db.execute("PRAGMA temp_store = MEMORY")
        if self.path is not None:
            # A power cut may lose the end of the index, never its order; the journal has what was lost.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
        if self._version() == 0:
            with self.transaction():
                if self._version() == 0:
                    for statement in filter(str.strip, _TABLES.split(";")):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {VERSION}")
        if self._version() != VERSION:
            raise IndexDamagedError(f"version {self._version()}")

    def _version(self) -> int:
        version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
        return version


def _found(row: Row, pinned: set[str], run: Row | None = None) -> Found:
    _check(row)
    rref, key, tree, action, sequence, hidden, at, took, size, name, stage, path, kept, reads, _ = row
    reference = RRef(rref[5:37], rref[38:70], rref[71:])
    visible = sequence > hidden
    if run is not None:
        sequence, _, action, at, took, name, stage, path, kept, _ = run
    return Found(
        reference, reference.dref, tree, key[32:], action, sequence, at, took, size, name, stage, path,
        visible, rref in pinned, bool(kept), json.loads(reads) if reads else _NO_READS,
    )  # fmt: skip  # in the order of the fields: keywords cost a third of a warm look-up


def _is_damaged(found: Found, damaged: set[str]) -> bool:
    return not damaged.isdisjoint((found.tree, found.rref.hash, found.dref.hash))
