"""The fingerprint of a stage's code: of its function and of every project definition that it reaches."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import cast

from stageloom.model.classes import dataclass
from stageloom.rpc.messages import Problem
from stageloom.tracking.blobs import Blobs
from stageloom.tracking.cache import ALGORITHM, Cache
from stageloom.tracking.evidence import Evidence
from stageloom.tracking.reach import Node, Reach
from stageloom.tracking.snapshot import Snapshot
from stageloom.tracking.sources import BadSourceError, many_objects, parsed, readable
from stageloom.tracking.summary import Summary, bodies_changed, broken, summarize

#: What importing a file does, and a whole file, as names of parts.
EFFECTS = "<import>"
WHOLE = "<all>"


#: The files that this process read last, by content: nobody changes a summary.
_summaries: dict[str, Summary] = {}
_MOST_SUMMARIES = 64


def _remember(sha256: str, summary: Summary) -> Summary:
    while len(_summaries) >= _MOST_SUMMARIES:
        _summaries.pop(next(iter(_summaries)), None)
    _summaries[sha256] = summary
    return summary


class UnknownCodeError(LookupError):
    """A name that the file doesn't define."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``digest`` (32 hex digits) of all code that was reached; ``unresolved`` says what had to count as a whole."""

    digest: str
    unresolved: tuple[str, ...] = ()


class Code:
    """The code of one snapshot.

    ``blobs`` is where its contents are read, those of the snapshot by default; ``cache`` is a folder in which what
    follows from a content is kept between processes; without ``write`` it is kept in this process. Not safe for use by
    several threads at once. ``evidence`` hears what a plan of this code rests on beside it.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        blobs: Blobs | None = None,
        cache: Path | None = None,
        *,
        write: bool = True,
        evidence: Evidence | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.evidence = evidence if evidence is not None else Evidence()
        self.cache = Cache(cache, write=write)
        self._blobs = blobs if blobs is not None else snapshot.blobs
        self._summaries: dict[str, Summary] = {}
        self._problems: dict[str, Problem] = {}
        self._tables: dict[str, dict[str, Fingerprint]] = {}
        self._started: dict[tuple[str, str], list[Node]] = {}
        self._above: dict[str, dict[Node, list[str]]] = {}
        self._before: tuple[Mapping[str, Mapping[str, Fingerprint]], set[Node]] | None = None
        self._reach = Reach(snapshot.files, snapshot.modules, self._summary)

    def fingerprint(self, path: str, qualname: str) -> Fingerprint:
        """Return the fingerprint of the function, or class, ``qualname`` in the file at ``path``.

        For a function that ``@stage`` decorates, that decorator and the defaults of its parameters don't count: they
        are the plan.

        Raises:
            UnknownCodeError: if the file has no such definition, or isn't in the snapshot.
        """
        known = self._table(path).get(qualname)
        return known if known is not None else self._compute(path, qualname)

    def alone(self, path: str, qualname: str) -> Fingerprint:
        """Return the fingerprint of a definition without what importing its file does, which may be a whole program.

        Raises:
            UnknownCodeError: as :meth:`fingerprint` does.
        """
        return self._of([node for node in self._starts(path, qualname) if node.kind != "imports"])

    def parts(self, path: str, qualname: str) -> Mapping[str, str]:
        """Return ``rel.py:name`` and own digest for every definition that ``qualname`` reaches.

        What importing a file does is its part ``<import>``, a file that counts whole is its part ``<all>``.
        """
        result = {}
        for node in self._reach.reached(self._starts(path, qualname)):
            name = {"effects": EFFECTS, "module": WHOLE}.get(node.kind, node.name)
            if name:
                result[f"{node.path}:{name}"] = self._reach.own(node)
        return result

    def text_of(self, part: str) -> str:
        """Return the source of a part that :meth:`parts` names, decorators included; empty if there is none."""
        path, _, name = part.rpartition(":")
        if path not in self.snapshot.files:
            return ""
        text = readable(self._blobs.source(self.snapshot.files[path]))
        if name == WHOLE:
            return text
        summary = self._summary(path)
        definitions = summary.effects if name == EFFECTS else summary.bindings.get(name, ())
        lines = text.split("\n")
        places = sorted({one.lines for one in definitions if one.lines != (0, 0)})
        return "\n".join("\n".join(lines[first - 1 : last]) + "\n" for first, last in places)

    def imports_of(self, part: str) -> tuple[str, ...]:
        """Return the import statements behind the names that a part's text refers to."""
        path, _, name = part.rpartition(":")
        if path not in self.snapshot.files:
            return ()
        summary = self._summary(path)
        definitions = summary.effects if name == EFFECTS else summary.bindings.get(name, ())
        lines = readable(self._blobs.source(self.snapshot.files[path])).split("\n")
        names = {str(reference[0]) for one in definitions for part_ in one.parts for reference in part_[1]}
        places = {
            one.lines for name in names for one in summary.bindings.get(name, ()) if one.kind in ("import", "guard")
        }
        return tuple("\n".join(lines[first - 1 : last]) for first, last in sorted(places))

    def problems(self) -> tuple[Problem, ...]:
        """Return the syntax errors in the snapshot's files. A file with one counts whole."""
        for path in self.snapshot.files:
            self._summary(path)
        return tuple(self._problems[path] for path in sorted(self._problems))

    # --- computing ---------------------------------------------------------------------------------------------------

    def _summary(self, path: str) -> Summary:
        summary = self._summaries.get(path)
        if summary is None:
            summary = self._summaries[path] = self._read(path)
        return summary

    def _read(self, path: str) -> Summary:
        sha256 = self.snapshot.files[path]
        known = _summaries.get(sha256)
        if known is not None:
            return known
        with many_objects():
            packed = self.cache.get("summary", sha256)
            if packed is not None:
                return _remember(sha256, Summary.unpack(packed))
        content = self._blobs.source(sha256)
        try:
            with many_objects():
                found = parsed(content, path)
                summary = summarize(found)
        except BadSourceError as error:
            self._problems[path] = error.problem
            return broken(content)  # not kept: another Python may be able to read it
        except RecursionError:
            return broken(content)
        if found.before is None:  # what is being edited here is of use to nobody else: its fingerprints are
            self.cache.put("summary", sha256, summary.pack())
        return _remember(sha256, summary)

    def _starts(self, path: str, qualname: str) -> list[Node]:
        known = self._started.get((path, qualname))
        if known is None:
            known = self._started[path, qualname] = self._find_starts(path, qualname)
        return known

    def _find_starts(self, path: str, qualname: str) -> list[Node]:
        if path not in self.snapshot.files:
            raise UnknownCodeError(f"{path} is not among the files of this snapshot")
        found = self._reach.find(path, qualname.partition(".")[0])
        if not found:
            raise UnknownCodeError(f"{path} defines no {qualname!r}")
        own = [node._replace(kind="stage") if node.kind == "definition" else node for node in found]
        paths = dict.fromkeys((path, *(node.path for node in own)))
        return [*own, *(Node("imports", one) for one in paths)]

    def _compute(self, path: str, qualname: str) -> Fingerprint:
        return self._of(self._starts(path, qualname))

    def _of(self, starts: list[Node]) -> Fingerprint:
        reach = self._reach
        digests = [reach.digest(node) for node in starts]
        own = [digest for node, digest in zip(starts, digests, strict=True) if node.kind != "imports"]
        effects = sorted({digest for node, digest in zip(starts, digests, strict=True) if node.kind == "imports"})
        text = "\n".join((f"stageloom/code/{ALGORITHM}", *own, "|", *(one for one in effects if one)))
        notes = {note for node in starts for note in reach.notes(node)}
        return Fingerprint(hashlib.sha256(text.encode("ascii")).hexdigest()[:32], tuple(sorted(notes)))

    def _table(self, path: str) -> dict[str, Fingerprint]:
        """Return the fingerprints of all stages in a file, which are kept together."""
        table = self._tables.get(path)
        if table is None:
            key = f"{self.snapshot.id}\n{path}"
            packed = self.cache.get("fingerprints", key)
            if packed is not None:
                table = {
                    name: Fingerprint(*fields)
                    for name, fields in cast(dict[str, tuple[str, tuple[str, ...]]], packed).items()
                }
            elif path not in self.snapshot.files:
                table = {}
            else:
                with many_objects():
                    table = self._make_table(path)
                if not self._problems:
                    # what an edit made of it is asked for by others only where it is run
                    self.cache.put_later("fingerprints", key, partial(_pack_table, table))
                    if not (self._before and self._before[0]):
                        self.cache.settle()
            self._tables[path] = table
        return table

    def _make_table(self, path: str) -> dict[str, Fingerprint]:
        key = (str(self.snapshot.root), self.snapshot.entry)
        if self._before is None:
            last = _latest.get(key)
            self._before = (last is not None and self._follow(last)) or ({}, set())
        _latest.pop(key, None)
        while len(_latest) >= _MOST_LATEST:
            _latest.pop(next(iter(_latest)), None)
        _latest[key] = self
        tables, changed = self._before
        known = tables.get(path)
        if known is None:
            return {name: self._compute(path, name) for name in self._reach.stage_names(path)}
        above = self._above.get(path)
        if above is None:
            above = self._above[path] = {}
            for name in known:
                for node in self._starts(path, name):
                    above.setdefault(node, []).append(name)
        table = dict(known)
        for name in dict.fromkeys(name for node in changed for name in above.get(node, ())):
            table[name] = self._compute(path, name)
        return table

    def _follow(self, last: Code) -> tuple[Mapping[str, Mapping[str, Fingerprint]], set[Node]] | None:
        """Take over what ``last`` knew of the same files before some functions' own code changed, and say which."""
        old, new = last.snapshot, self.snapshot
        if last is self or list(old.files) != list(new.files) or old.folders != new.folders:
            return None
        if last._problems or self._reach.known or any(one.broken for one in last._summaries.values()):
            return None
        tables, started = last._tables.copy(), last._started.copy()
        changed: set[Node] = set()
        moved = False
        for path, sha256 in new.files.items():
            if sha256 == old.files[path]:
                continue
            before, after = last._summaries.get(path), self._summary(path)
            told = bodies_changed(before, after) if before is not None and not after.broken else None
            if told is None:
                return None
            changed.update(Node("stage", path, name) for name in told[0])
            changed.update(Node("definition", path, name) for name in told[0])
            moved = moved or told[1]
        above = self._reach.follow(last._reach, changed, moved=moved)
        if above is None:
            return None
        self._started, self._above = started, last._above
        return tables, above


def _pack_table(table: Mapping[str, Fingerprint]) -> object:
    return {name: (one.digest, one.unresolved) for name, one in table.items()}


#: This process's, by root and entry: with every key in an editor all but one function are as they were.
_latest: dict[tuple[str, str], Code] = {}
_MOST_LATEST = 4
