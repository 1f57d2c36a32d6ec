"""Taking realizations in: each object is checked against its hash before anything of it becomes visible."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stageloom.model.classes import dataclass
from stageloom.model.objects import Derivation, Record
from stageloom.model.references import DRef, RRef
from stageloom.model.values import canonical_bytes
from stageloom.store.commit import NewRealization, Prepared, Provenance
from stageloom.store.errors import BadNameError, DamagedError, DiskFullError, StoreError
from stageloom.store.objects import parse_derivation, parse_record, snapshot_identity
from stageloom.store.parcel import Card, Origin, RefusedError, card_name, is_sha256, object_name
from stageloom.store.sending import BESIDE, FACE
from stageloom.store.trees import Manifest, TreeFile, check_name

if TYPE_CHECKING:
    from stageloom.store.store import Store

_BLOCK = 1 << 20
# A group that is made visible at once: this many realizations, or bytes.
_GROUP, _GROUP_BYTES = 200, 256 << 20
#: A log or curve longer than this is left where it is.
_LOG = 128 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """What came in: ``added`` realizations, ``bytes`` of artifacts; ``known`` were there already."""

    added: Sequence[RRef]
    known: int
    bytes: int


class Receiver:
    """Takes realizations and all that they need out of ``origin``, called ``place`` in messages.

    ``limit`` is how many bytes may come in; ``at_once`` that they become visible all together or not at all.
    """

    def __init__(
        self, store: Store, origin: Origin, place: str, *, limit: int | None, at_once: bool, check: Callable[[], None]
    ) -> None:
        self._store = store
        self._origin = origin
        self._place = place
        self._limit = limit
        self._at_once = at_once
        self._check = check
        self._records: dict[RRef, Record] = {}
        self._group: list[Prepared] = []
        self._fetched: dict[str, Path] = {}
        self._in_group = 0
        self._added: list[RRef] = []
        self._known: dict[RRef, bool] = {}
        self._bytes = 0
        self._sources: dict[str, bytes] = {}
        self._snapshots: dict[str, bytes] = {}
        self._logs: dict[Path, tuple[Path, Card]] = {}
        self._notes: dict[DRef, tuple[Derivation, str]] = {}

    def receive(self, roots: Iterable[RRef]) -> Received:
        """Take in ``roots`` and their closure; raises RefusedError, DiskFullError and what else a store raises."""
        wanted = list(dict.fromkeys(roots))
        try:
            for rref in self._order(wanted):
                self._check()
                self._take(rref)
                if not self._at_once and (len(self._group) >= _GROUP or self._in_group > _GROUP_BYTES):
                    self._settle()
            self._settle()
        except BaseException:
            self._drop()
            raise
        return Received(self._added, sum(self._known.values()), self._bytes)

    # --- what is needed ----------------------------------------------------------------------------------------------

    def _order(self, roots: Sequence[RRef]) -> list[RRef]:
        """Return what is to come in, each after what it was made from; what is here already counts as known."""
        order: dict[RRef, None] = {}
        named = set(roots)
        waiting = [(rref, False) for rref in reversed(roots)]
        while waiting:
            rref, ready = waiting.pop()
            if rref in order or (not ready and self._is_here(rref, is_root=rref in named)):
                continue
            if ready:
                order[rref] = None
                continue
            self._check()
            waiting.append((rref, True))
            context = self._record(rref).context
            waiting += [(other, False) for others in context.values() for other in others if other not in order]
        return list(order)

    def _is_here(self, rref: RRef, *, is_root: bool) -> bool:
        if rref not in self._known:
            self._known[rref] = self._is_whole(rref, is_root=is_root)
        return self._known[rref]

    def _is_whole(self, rref: RRef, *, is_root: bool) -> bool:
        found = self._store.get(rref)
        if found is None or (is_root and not found.visible) or self._store.check([found.tree]):
            return False
        try:
            self._store.record(rref)
            self._store.derivation(rref.dref)
        except StoreError:
            return False
        return self._store.get(rref) is not None  # collected before it was held, else it stays

    def _record(self, rref: RRef) -> Record:
        if rref not in self._records:
            name = object_name("records", rref.hash)
            record: Record = self._parsed(name, lambda data: parse_record(json.loads(data)))
            if record.rref != rref:
                raise self._refusal(f"{name} is not the record of {rref}")
            self._records[rref] = record
        return self._records[rref]

    def _derivation(self, rref: RRef) -> Derivation:
        name = object_name("derivations", rref.derivation)
        derivation: Derivation = self._parsed(name, lambda data: parse_derivation(json.loads(data)))
        if derivation.dref != rref.dref:
            raise self._refusal(f"{name} is not the derivation of {rref}")
        return derivation

    def _manifest(self, tree: str) -> Manifest:
        name = object_name("trees", tree)
        try:
            manifest = Manifest.parse(self._origin.read(name), tree, name)
            check_paths(manifest)
        except (DamagedError, BadNameError) as error:
            raise self._refusal(error.message.rstrip(".")) from None
        except RecursionError:
            raise self._refusal(f"{name} is damaged") from None
        return manifest

    def _parsed(self, name: str, parse: Callable[[bytes], Any]) -> Any:
        data = self._origin.read(name)
        try:
            return parse(data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._refusal(f"{name} is damaged") from None

    # --- taking in ---------------------------------------------------------------------------------------------------

    def _take(self, rref: RRef) -> None:
        record, derivation = self._record(rref), self._derivation(rref)
        card: Card = self._parsed(card_name(rref), Card.parse)
        if card.rref != rref:
            raise self._refusal(f"{card_name(rref)} is about another realization")
        more = self._beside(card)
        if card.note:
            self._notes[rref.dref] = (derivation, card.note)
        self._take_sources(card)
        provenance = Provenance(card.stage, card.path, card.run, card.at, card.took, more)
        scratch = self._fetched.get(record.tree)
        if scratch is None and not self._has_tree(record.tree):
            scratch = self._fetch(record.tree)
        tree = None if scratch else record.tree
        new = NewRealization(
            derivation, record.context, card.action, provenance, scratch, tree=tree, reads=record.reads
        )
        manifest = self._manifest(record.tree) if scratch else None
        size = manifest.size if manifest else self._store.manifest(record.tree).size
        self._group.append(Prepared(new, rref.dref, rref, record, record.tree, size, manifest))

    def _has_tree(self, tree: str) -> bool:
        try:
            self._store.tree(tree)
        except StoreError:
            return False
        return True

    def _fetch(self, tree: str) -> Path:
        """Bring a tree's files into a folder aside, each checked against its hash."""
        manifest = self._manifest(tree)
        self._count(manifest.size)
        folder = self._store.aside()
        self._fetched[tree] = folder
        for file in manifest.files:
            target = folder.joinpath(*file.path.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            self._copy(object_name("files", file.sha256), file.size, file.sha256, target)
        return folder

    def _copy(self, name: str, size: int, sha256: str, target: Path) -> None:
        state, left = hashlib.sha256(), size
        with self._origin.open(name) as source, target.open("xb") as file:
            while block := source.read(min(_BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    raise self._refusal(f"{name} is longer than the {size} bytes that it should have")
                state.update(block)
                file.write(block)
                self._check()
        if left:
            raise self._refusal(f"{name} is cut off: {left} of {size} bytes are missing")
        if state.hexdigest() != sha256:
            raise self._refusal(f"{name} is damaged: its content is not what its name says")

    def _count(self, size: int) -> None:
        self._bytes += size
        self._in_group += size
        if self._limit is not None and self._bytes > self._limit:
            raise RefusedError(
                f"{self._place} holds more than {self._limit} bytes when unpacked.",
                "Allow more with --max-size, if you trust where it comes from.",
            )
        free = shutil.disk_usage(self._store.path).free
        if size > free:
            raise DiskFullError(
                f"No space is left for the store at {self._store.path}: {size} bytes would come in, {free} are free.",
                "Free space on that disk, or choose another folder for the store.",
            )

    # --- what lies beside --------------------------------------------------------------------------------------------

    def _beside(self, card: Card) -> dict[str, Any]:
        """Bring log and curve to where a run would have written them, and return the facts."""
        facts: dict[str, Any] = {}
        self._check_face(card)
        for name, (size, sha256) in card.beside.items():
            of_face = name.startswith(f"{FACE}/")
            if not of_face and (name not in BESIDE or size > _LOG):
                continue
            target = self._store.path.joinpath(self._store.run_name(card.run, card.stage), *name.split("/"))
            if target.exists() or target in self._logs:
                continue  # what is told here of that run stays
            if of_face:
                self._count(size)
            aside = self._store.aside() / "content"
            self._copy(object_name("files", sha256), size, sha256, aside)
            if name == "stage.json":
                facts = _facts(aside.read_bytes())
                self._store.discard(aside.parent)
            else:
                self._logs[target] = (aside, card)
        return {key: value for key, value in facts.items() if key != "rref"}

    def _check_face(self, card: Card) -> None:
        """Refuse names of a face's files that do not lie below its folder, or not beside each other everywhere."""
        named = [TreeFile(name, *told) for name, told in card.beside.items() if name.startswith(f"{FACE}/")]
        try:
            check_paths(Manifest(tuple(named)))
        except BadNameError as error:
            raise self._refusal(error.message.rstrip(".")) from None

    def _take_sources(self, card: Card) -> None:
        if not card.snapshot:
            return
        name = object_name("snapshots", card.snapshot)
        value = self._parsed(name, json.loads)
        try:
            right = snapshot_identity(value) == card.snapshot
            wanted = dict.fromkeys(value["files"].values())
            right = right and all(map(is_sha256, wanted))
        except (KeyError, TypeError, AttributeError, ValueError):
            right = False
        if not right:
            raise self._refusal(f"{name} is damaged")
        for sha256 in wanted:
            if sha256 in self._sources:
                continue
            content_name = object_name("files", sha256)
            content = self._origin.read(content_name)
            if hashlib.sha256(content).hexdigest() != sha256:
                raise self._refusal(f"{content_name} is damaged: its content is not what its name says")
            self._sources[sha256] = content
        self._snapshots[card.snapshot] = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    # --- making visible ----------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        if not self._group:
            return
        self._store.put_sources(list(self._sources.values()))
        for identity, content in self._snapshots.items():
            self._store.put_snapshot(identity, content)
        for target, (aside, card) in self._logs.items():
            self._store.run_folder(card.run, card.stage)  # which no collection takes from now on
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(aside, target)
            self._store.discard(aside.parent)
        if self._notes:
            plans = {dref: note for dref, (_, note) in self._notes.items()}
            self._store.plan([derivation for derivation, _ in self._notes.values()], plans)
        self._store.settle(self._group)
        self._sources, self._snapshots, self._logs, self._notes = {}, {}, {}, {}
        self._added += [one.rref for one in self._group]
        self._group, self._fetched, self._in_group = [], {}, 0

    def _drop(self) -> None:
        for folder in (*self._fetched.values(), *(aside.parent for aside, _ in self._logs.values())):
            with contextlib.suppress(StoreError, OSError):
                self._store.discard(folder)

    def _refusal(self, what: str) -> RefusedError:
        return refusal(self._place, what, self._origin.advice)


def _facts(data: bytes) -> dict[str, Any]:
    """Return what a run's ``stage.json`` tells; nothing where that could not be kept."""
    try:
        facts = json.loads(data)
        canonical_bytes(facts)
    except (ValueError, TypeError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def refusal(place: str, what: str, advice: str) -> RefusedError:
    """Return the error that nothing is taken from ``place``."""
    return RefusedError(f"{place} is refused: {what}.", advice)


def check_paths(manifest: Manifest) -> None:
    """Raise BadNameError unless all of a tree's files can lie beside each other on every system."""
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for file in manifest.files:
        if type(file.path) is not str or type(file.size) is not int or file.size < 0 or not is_sha256(file.sha256):
            raise BadNameError(str(file.path), "its list of files is damaged")
        check_name(file.path)
        plain = unicodedata.normalize("NFC", file.path).casefold()
        if plain in seen:
            raise BadNameError(file.path, f"{seen[plain]!r} has the same name where capitals don't count")
        seen[plain] = file.path
        parts = plain.split("/")
        folders.update("/".join(parts[:count]) for count in range(1, len(parts)))
    both = folders & seen.keys()
    if both:
        raise BadNameError(seen[min(both)], "it is a file and a folder")
