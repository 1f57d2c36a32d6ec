"""The store: what other rooms see of everything in this one."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeVar

from stageloom.model.classes import replace
from stageloom.model.objects import Derivation, Record
from stageloom.model.references import DRef, RRef
from stageloom.model.values import canonical_bytes
from stageloom.store import objects
from stageloom.store.commit import NewRealization, Prepared, Publisher, prepare
from stageloom.store.disk import local_index, network_kind
from stageloom.store.errors import (
    DamagedError,
    NotStoredError,
    StoreError,
    StoreReadOnlyError,
    StoreUnwritableError,
    explained,
)
from stageloom.store.files import Files
from stageloom.store.folder import prepare_folder
from stageloom.store.found import Found
from stageloom.store.holds import Holds
from stageloom.store.index import Index
from stageloom.store.journal import Event, Scar
from stageloom.store.layout import Layout
from stageloom.store.ledger import Ledger
from stageloom.store.locks import Lock, OpenFile, acquire
from stageloom.store.meter import Check, Meter, Tell, unchecked, untold
from stageloom.store.parts import Parts
from stageloom.store.scratch import Scratch
from stageloom.store.sharing import Sharing, Way, way
from stageloom.store.shelf import Shelf
from stageloom.store.trees import Manifest, Stats, stats
from stageloom.store.unmade import Unmade
from stageloom.store.verify import Damage, confirmed, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stageloom.store.archive import Packed
    from stageloom.store.gc import Collected, Policy
    from stageloom.store.receiving import Received
    from stageloom.store.remote import Pushed, Remote
    from stageloom.store.repair import Repaired
    from stageloom.store.roots import Owner

_Answer = TypeVar("_Answer")


def lock_key(dref: DRef, context_key: str, instance: int = 0) -> str:
    """Return the key for :meth:`Store.lock` under which one realization of ``dref`` is made."""
    return f"{dref.hash}/{context_key}/{instance}"


def new_run(now: float) -> str:
    """Return a name for a run that begins ``now``: in order of time, and its folder's month can be told from it."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{os.urandom(4).hex()}"


class Store:
    """Realizations on disk. Threads may share one; a forked child opens its own.

    ``path`` is its folder. ``readonly`` says that nothing can be written, ``warnings`` why, in sentences to show.
    """

    def __init__(
        self, layout: Layout, files: Files, lock: OpenFile | None, refusal: StoreError | None,
        clock: Callable[[], float], workspace: str, link: Way,
    ) -> None:  # fmt: skip
        self.path = Path(layout.root)
        self.readonly = refusal is not None
        self.warnings = (str(refusal),) if isinstance(refusal, StoreUnwritableError) else ()
        self._layout = layout
        self._files = files
        self._refusal = refusal
        self._clock = clock
        self._workspace = workspace
        self._pid = os.getpid()
        self._scratch = Scratch(layout.at("scratch"), files)
        self._holds = Holds(layout, files, self._scratch, writable=not self.readonly)
        self._publisher = Publisher(layout, files, self._scratch)
        index = None if self.readonly else layout.at("index.sqlite")
        if index is not None and (kind := network_kind(layout.root)):
            index = local_index(layout.root)
            self.warnings = (
                f"The store at {layout.root} is on a network file system ({kind}): use it from one host at a time.",
            )
        self._ledger = Ledger(layout, files, lock, index)
        self._shelf = Shelf(layout, self._ledger, self._publisher, self._holds, writable=not self.readonly)
        self._sharing = Sharing(layout, files, self._ledger, self._holds, link)
        self._parts = Parts(
            layout, files, self._ledger, self._shelf, self._publisher, self._scratch, self._holds, clock
        )

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        readonly: bool = False,
        clock: Callable[[], float] = time.time,
        workspace: str = "",
        files: Files | None = None,
        link: Way | Literal[""] = "",
    ) -> Store:
        """Open the store in the folder ``path``, which is made where it is missing and ``create`` is true.

        A store that exists and cannot be written is opened for reading, with a warning. ``workspace`` is whose pins
        ``Found.pinned`` tells. ``link`` is how equal files share their space: ``reflink``, where the file system can;
        ``hardlink``, where it knows no better way; ``copy``, not at all. By default the environment decides
        (``STAGELOOM_STORE_LINK``).

        Raises:
            StoreMissingError: there is none, and none is to be made.
            StoreFormatError: its format is newer, or the folder holds something else.
            StoreUnwritableError, DiskFullError: it had to be made, and could not.
        """
        layout = Layout(os.path.abspath(os.fspath(path)))
        files = files or Files()
        prepare_folder(layout, files, create=create and not readonly)
        refusal: StoreError | None = None
        lock: OpenFile | None = None
        if readonly:
            refusal = StoreReadOnlyError(
                f"The store at {layout.root} was opened for reading.", "Open it for writing to change it."
            )
        else:
            try:
                with explained(layout.root):
                    lock = OpenFile(files, layout.at("locks", "store.lock"), os.O_RDWR | os.O_CREAT)
            except StoreUnwritableError as error:
                refusal = error
        if lock is None:
            try:
                lock = OpenFile(files, layout.at("locks", "store.lock"), os.O_RDONLY)
            except OSError:
                lock = None  # nobody has ever written there, or it may not be read: reading goes without
        try:
            return cls(layout, files, lock, refusal, clock, workspace, way(link))
        except BaseException:
            if lock is not None:
                lock.close()
            raise

    def close(self) -> None:
        """Give back segment, index and locks; harmless when done twice."""
        if os.getpid() == self._pid:
            self._ledger.close()
            self._holds.close()
            self._scratch.close()

    def __enter__(self) -> Store:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- looking up --------------------------------------------------------------------------------------------------

    def find(self, dref: DRef, context_key: str) -> list[Found]:
        """Return the visible realizations of ``dref`` in that context, in order of sequence: the latest is last.

        What is pinned in the workspace that the store was opened for comes after all others.
        """
        return self.find_many([(dref.hash, context_key)])[0]

    def find_many(self, keys: Sequence[tuple[str, str]]) -> list[list[Found]]:
        """Return what :meth:`find` does, for each pair of a derivation's hash and a context key."""
        texts = [dref_hash + context_key for dref_hash, context_key in keys]
        found = self._ask(lambda index: index.find_many(texts, self._workspace))
        return [found.get(text, []) for text in texts]

    def find_action(self, action: str, accept: Callable[[Found], bool] = lambda _: True) -> Found | None:
        """Return the last visible realization of the work with this action key, of whatever derivation and context.

        Only one that is ``accept``-ed.
        """
        return self._ask(lambda index: index.find_action(action, self._workspace, accept))

    def get(self, rref: RRef) -> Found | None:
        """Return a realization, visible or hidden; None if it never ran here."""
        return self._ask(lambda index: index.get(str(rref), self._workspace))

    def history(self, path: str | None = None, stage: str | None = None, *, hidden: bool = False) -> list[Found]:
        """Return realizations as of their last run in a pipeline (relative path) and stage, newest first."""
        return self._ask(lambda index: index.history(path, stage, hidden=hidden, workspace=self._workspace))

    def last(self, path: str, stage: str) -> Found | None:
        """Return the realization of the last run of a stage in a pipeline (relative path), visible or hidden."""
        return self._ask(lambda index: index.lasts(path, self._workspace).get(stage))

    def lasts(self, path: str) -> Mapping[str, Found]:
        """Return what :meth:`last` does for all stages of a pipeline, by name, as of one moment."""
        return self._ask(lambda index: dict(index.lasts(path, self._workspace)))

    def unmade(self, dref: DRef, context_key: str) -> Unmade | None:
        """Return the last try at ``dref`` in that context, if it made nothing and nothing was made there since."""
        return self._ask(lambda index: index.unmade(dref.hash + context_key))

    def note_unmade(self, dref: DRef, context_key: str, unmade: Unmade) -> int:
        """Say that a try made nothing; its run's folder tells the rest. Returns the event's sequence number."""
        known: Event = {"how": unmade.how, "run": unmade.run, "stage": unmade.stage, "path": unmade.path}
        return self._append_one({"is": "unmade", "key": dref.hash + context_key, "at": unmade.at, **known})

    def derivation(self, dref: DRef) -> Derivation:
        """Return the plan of a stage; raises NotStoredError, DamagedError."""

        def known(index: Index) -> bool:
            return index.has_derivation(dref.hash)

        path = self._layout.derivation(dref)
        return self._noting(lambda: objects.read_derivation(self._layout, dref), path, dref.hash, known)

    def record(self, rref: RRef) -> Record:
        """Return what was made of what; raises NotStoredError, DamagedError."""

        def known(index: Index) -> bool:
            return index.get(str(rref), "") is not None

        path = self._layout.record(rref)
        return self._noting(lambda: objects.read_record(self._layout, rref), path, rref.hash, known)

    def planned(self) -> list[DRef]:
        """Return the derivations that :meth:`plan` was given, in order."""
        return [DRef.parse(text) for text in self._ask(lambda index: index.plans())]

    def plan_note(self, dref: DRef) -> str | None:
        """Return what :meth:`plan` was told of a derivation; None for one that is not among :meth:`planned`."""
        return self._ask(lambda index: index.plan_note(str(dref)))

    def realizations(self, dref: DRef) -> list[Found]:
        """Return the visible realizations of ``dref`` in any context, in order of sequence."""
        return self._ask(lambda index: index.realizations(dref.hash, self._workspace))

    @property
    def sequence(self) -> int:
        """The sequence number of the last event of any process; cheap to poll."""
        self._own_process()
        return self._ledger.sequence()

    @property
    def size(self) -> int:
        """How many bytes the trees hold together."""
        return self._ask(lambda index: index.size())

    @property
    def scars(self) -> list[Scar]:
        """Damaged lines of the journal, which are passed over."""
        return self._ask(lambda index: index.scars())

    # --- trees -------------------------------------------------------------------------------------------------------

    def tree(self, tree: str) -> Path:
        """Return a tree's folder after a check: by size, time and inode, and by content where these differ.

        Raises:
            NotStoredError: the store never held it.
            DamagedError: a file is missing, changed or added. It is not found again until its stage was realized anew.
        """
        self._own_process()
        return Path(self._shelf.open(tree))

    def check(self, trees: Iterable[str]) -> dict[str, StoreError]:
        """Return what :meth:`tree` would raise for some of ``trees``; many cost less so than one by one."""
        self._own_process()
        return self._shelf.check(trees)

    def stats_of(self, trees: Sequence[str]) -> Mapping[str, Stats]:
        """Return under which stats of their files ``trees`` were found right, for those that were."""
        self._own_process()
        return self._shelf.stats_of(trees)

    def manifest(self, tree: str) -> Manifest:
        """Return the files of a tree; raises NotStoredError, DamagedError. Does not look at the files themselves."""
        self._own_process()
        return self._shelf.manifest(tree)

    def lend(self, tree: str, folder: str | os.PathLike[str]) -> Path:
        """Give each file of a tree a second name below ``folder``, and return the tree's own folder.

        The two are one file on disk where the file system allows, else a copy. Raises what :meth:`tree` does.
        """
        source = self.tree(tree)
        with explained(self._layout.root):
            self._shelf.lend(tree, os.fspath(folder))
        return source

    # --- changing ----------------------------------------------------------------------------------------------------

    def commit(self, group: Sequence[NewRealization]) -> list[Found]:
        """Store realizations durably and say what they are, in the same order; a group costs little more than one.

        Raises:
            DiskFullError, StoreUnwritableError, StoreReadOnlyError: nothing of the group is visible.
            BadNameError, MissingFileError: a scratch folder holds what a tree cannot.
            DamagedError, NotStoredError: a tree that was named is not there.
        """
        self._writing()
        with explained(self._layout.root):
            self._holds.hold(new.tree for new in group if new.tree is not None)
            prepared = [prepare(new, self._shelf.size) for new in group]
        return self.settle(prepared)

    def place(self, new: NewRealization) -> Prepared:
        """Put what was made in its place, so that others can read it there, and say what it will be.

        Neither durable nor visible before :meth:`settle`; what is never settled is harmless. Raises what
        :meth:`commit` does.
        """
        self._writing()
        with explained(self._layout.root):
            if new.tree is not None:
                self._holds.hold([new.tree])
            one = prepare(new, self._shelf.size)
            self._holds.hold((one.tree, one.dref.hash, one.rref.hash))
            self._share([one])
            self._publisher.place(one)
            if one.manifest is None:
                return one
            found = stats(self._layout.tree(one.tree))
        self._shelf.remember({one.tree: found})
        return replace(one, placed=found)

    def settle(self, prepared: Sequence[Prepared]) -> list[Found]:
        """Make what was placed durable and visible, in one group, as :meth:`commit` does; it can be tried again."""
        self._writing()
        if not prepared:
            return []
        with explained(self._layout.root):
            self._holds.hold(name for one in prepared for name in (one.tree, one.dref.hash, one.rref.hash))
            self._holds.hold(self.run_name(one.new.provenance.run, one.new.provenance.stage) for one in prepared)
            self._write_provenance(prepared)
            self._share([one for one in prepared if one.placed is None])
            self._publisher.publish(prepared)
            checked = {
                one.tree: one.placed or stats(self._layout.tree(one.tree))
                for one in prepared
                if one.manifest is not None
            }
            self._ledger.append(
                lambda _, first: self._runs(prepared, first), lambda index: _note_stored(index, prepared, checked)
            )
            self._publisher.tidy(prepared)
        self._sharing.note({one.tree: one.manifest for one in prepared if one.manifest is not None})
        self._shelf.remember(checked)
        found = self._ask(lambda index: [index.get(str(one.rref), self._workspace) for one in prepared])
        return [one for one in found if one is not None]

    def plan(self, derivations: Iterable[Derivation], notes: Mapping[DRef, str] | None = None) -> None:
        """Store derivations that nothing realizes yet, durably; those that are planned already cost a look-up.

        ``notes`` are kept beside those that are new: see :meth:`plan_note`.
        """
        self._own_process()
        wanted = {str(one.dref): one for one in derivations}
        new = self._ask(lambda index: index.not_planned(list(wanted)))
        if not new:
            return
        self._writing()
        plans = {dref: wanted[dref] for dref in new}
        told = {str(dref): note for dref, note in (notes or {}).items() if str(dref) in plans}
        with explained(self._layout.root):
            self._holds.hold(one.dref.hash for one in plans.values())
            self._publisher.write(
                {self._layout.derivation(one.dref): canonical_bytes(one.as_json()) for one in plans.values()}
            )
        self._append(
            lambda _, sequence: [
                {"seq": sequence, "is": "plan", "drefs": list(plans), "notes": told, "at": self._clock()}
            ]
        )
        self._ledger.note(lambda index: index.set_damaged([one.dref.hash for one in plans.values()], damaged=False))

    def unplan(self, drefs: Iterable[DRef]) -> None:
        """Take plans back; what was realized of them is not touched."""
        self._writing()
        gone = [str(dref) for dref in drefs]
        self._append(lambda _, sequence: [{"seq": sequence, "is": "unplan", "drefs": gone, "at": self._clock()}])

    def note_roots(self, of: Owner, roots: Mapping[str, Sequence[RRef]]) -> bool:
        """Say, by stage, what a pipeline stands on, for collections from other workspaces; costs a look-up if known.

        Returns whether it was said. What cannot be said is not: it is no part of anybody's work.
        """
        from stageloom.store.roots import events

        if self.readonly or not roots:
            return False
        told = {stage: [str(rref) for rref in rrefs] for stage, rrefs in roots.items()}
        now = self._clock()
        try:
            if not self._ask(lambda index: events(index, 0, of, told, now)):
                return False
            self._append(lambda index, sequence: events(index, sequence, of, told, now))
        except StoreError:
            return False
        return True

    def invalidate(self, rrefs: Iterable[RRef]) -> int:
        """Hide realizations; return the event's sequence number, 0 if none of them was visible."""
        self._writing()
        wanted = list(dict.fromkeys(map(str, rrefs)))
        written: list[int] = []

        def make(index: Index, sequence: int) -> list[Event]:
            found = [index.get(rref, self._workspace) for rref in wanted]
            visible = [str(one.rref) for one in found if one is not None and one.visible]
            written[:] = [sequence] if visible else []
            return [{"seq": sequence, "is": "invalidate", "rrefs": visible, "at": self._clock()}] if visible else []

        self._append(make)
        return written[0] if written else 0

    def undo(self, sequence: int = 0) -> tuple[int, list[RRef]]:
        """Undo the invalidation with this sequence number, the last that stands when it is 0.

        Returns its sequence number, 0 if there was none, and what is visible again.
        """
        self._writing()
        undone: list[int] = []
        before: list[Found] = []

        def make(index: Index, new: int) -> list[Event]:
            of = sequence or index.last_invalidation()
            undone[:], before[:] = [], []
            if not of or not index.stands(of):
                return []
            undone.append(of)
            before.extend(one for one in index.hidden_by(of, self._workspace) if not one.visible)
            return [{"seq": new, "is": "undo", "of": of, "at": self._clock()}]

        self._append(make)
        if not undone:
            return 0, []
        now = self._ask(lambda index: [index.get(str(one.rref), self._workspace) for one in before])
        return undone[0], [one.rref for one in now if one is not None and one.visible]

    def pin(self, rref: RRef, workspace: str) -> int:
        """Pin a realization for a workspace; return the event's sequence number."""
        return self._append_one({"is": "pin", "rref": str(rref), "workspace": workspace, "at": self._clock()})

    def unpin(self, rref: RRef, workspace: str) -> int:
        """Take a pin away; return the event's sequence number."""
        return self._append_one({"is": "unpin", "rref": str(rref), "workspace": workspace, "at": self._clock()})

    def lock(self, key: str, *, wait: float | None = None) -> Lock:
        """Return the lock of ``key``, held; see :func:`lock_key`. Waits ``wait`` seconds, for ever when None.

        Raises:
            LockedError: someone else held it all the time. Locks of the dead are free.
        """
        self._writing()
        name = hashlib.sha256(key.encode("utf-8")).hexdigest()[:32]
        with explained(self._layout.root):
            return acquire(self._files, self._layout.at("locks", f"{name}.lock"), wait=wait)

    # --- what lies beside realizations -------------------------------------------------------------------------------

    def scratch(self) -> Path:
        """Return a new, empty folder on the store's disk; unless committed it is removed some days from now."""
        self._writing()
        with explained(self._layout.root):
            return Path(self._scratch.folder())

    def aside(self) -> Path:
        """Return a new, empty folder on the store's disk that goes with this process, whatever becomes of it."""
        self._writing()
        with explained(self._layout.root):
            path = self._scratch.path()
            self._files.mkdir(path)
        return Path(path)

    def discard(self, scratch: Path) -> None:
        """Remove a scratch folder that nobody will want to look at."""
        self._writing()
        with explained(self._layout.root):
            self._files.remove(os.fspath(scratch))

    def run_name(self, run: str, stage: str) -> str:
        """Return the path, below the store's, of what lies beside a stage's realization in a run."""
        return self._layout.run(run, stage)[len(self._layout.root) + 1 :]

    def run_folder(self, run: str, stage: str, *, make: bool = True) -> Path:
        """Return the folder for log, curve and ``stage.json`` of a stage in a run; made if the store is writable."""
        path = self._layout.run(run, stage)
        if make and not self.readonly:
            with explained(self._layout.root):
                self._holds.hold([path[len(self._layout.root) + 1 :]])
                self._files.mkdir(path)
        return Path(path)

    def put_source(self, content: bytes) -> str:
        """Keep a source file and return its SHA-256, the name to ask for it."""
        return self.put_sources([content])[0]

    def put_sources(self, contents: Sequence[bytes]) -> list[str]:
        """Keep source files in one group."""
        self._writing()
        names = [hashlib.sha256(content).hexdigest() for content in contents]
        with explained(self._layout.root):
            self._holds.hold(names)
            self._publisher.write(dict(zip(map(self._layout.source, names), contents, strict=True)))
        return names

    def source(self, sha256: str) -> bytes:
        """Return a kept source file; raises NotStoredError, DamagedError."""
        return objects.read_source(self._layout, sha256)

    def put_snapshot(self, identity: str, content: bytes) -> None:
        """Keep the list of a snapshot's files under its identity; planners and workers read it there.

        One that is there and right stays, whatever workspace it is of: that is no part of its identity.
        """
        self._writing()
        with explained(self._layout.root):
            self._holds.hold([identity])
            if objects.is_snapshot(self._layout, identity):
                return
            self._publisher.write({self._layout.snapshot(identity): content})

    def snapshot(self, identity: str) -> bytes:
        """Return what was kept of a snapshot; raises NotStoredError."""
        try:
            with open(self._layout.snapshot(identity), "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise NotStoredError(f"The store holds no snapshot {identity}.") from None

    @property
    def cache(self) -> Path:
        """The folder for what code derives from contents; it may be deleted at any time."""
        return self.path / "cache"

    def verify(self, *, check: Check = unchecked, tell: Tell = untold) -> list[Damage]:
        """Read everything and return what is damaged; what is concerned is not found until realized again.

        ``check`` is called now and then; what it raises ends the verification, and nothing has changed. ``tell`` hears
        how many objects of how many were read.
        """
        self._own_process()
        meter = Meter(check, tell)
        damages = verify(self._layout, self._ledger.read_all(), meter)
        if damages:
            damages = confirmed(self._layout, damages, self._ledger.read_all(), check)
        for name in self._ledger.lost_segments():
            damages.append(Damage("journal", self._layout.at("journal", name), "is missing"))
        if not self._ledger.index_is_right(meter):
            index = self._layout.at("index.sqlite")
            damages.append(Damage("index", index, "is not what the journal says"))
        bad = [damage.identity for damage in damages if damage.kind in ("tree", "record", "derivation")]
        if bad:
            self._ledger.note(lambda index: index.set_damaged(bad, damaged=True))
        return damages

    def repair(self, damages: Sequence[Damage]) -> Repaired:
        """Move what :meth:`verify` found damaged aside, forget the realizations that it cost, mend what can be."""
        from stageloom.store.repair import repair

        self._writing()
        with explained(self._layout.root):
            return repair(self._parts, damages)

    def let_go(self) -> None:
        """Say that nothing of what was looked up and opened so far is in use any more: it may be collected."""
        with explained(self._layout.root):
            self._holds.let_go()

    def gc(
        self, policy: Policy | None = None, *, delete: bool = False, check: Check = unchecked, tell: Tell = untold
    ) -> Collected:
        """Collect garbage, or only say what would go; see :mod:`stageloom.store.gc`.

        What is pinned stays, and what a process uses that is alive: this one too, unless it called :meth:`let_go`.
        ``check`` is called now and then; what it raises ends the collection, which the next one finishes. ``tell``
        hears how much of what lies in the store was gone through.
        """
        from stageloom.store.gc import Policy, collect

        if delete:
            self._writing()
        self._own_process()
        with explained(self._layout.root):
            return collect(self._parts, policy or Policy(), delete=delete, meter=Meter(check, tell))

    # --- carrying ----------------------------------------------------------------------------------------------------

    def pack(
        self,
        rrefs: Iterable[RRef],
        path: str | os.PathLike[str],
        *,
        sources: bool = True,
        logs: bool = True,
        check: Check = unchecked,
    ) -> Packed:
        """Write a zip archive of ``rrefs`` and all that they were made from, whole or not at all.

        What lacks some of what it was made from is left out.

        Raises:
            NotStoredError, DamagedError: none of them is here as it should be.
        """
        from stageloom.store.archive import pack
        from stageloom.store.sending import What

        self._own_process()
        return pack(self, rrefs, os.fspath(path), What(sources, logs), check)

    def unpack(
        self, path: str | os.PathLike[str], *, max_size: int | None = None, check: Check = unchecked
    ) -> tuple[list[RRef], Received]:
        """Take in an archive, all of it or nothing; return what it was made for, and what came in.

        Raises:
            RefusedError: it is damaged, of a newer format, larger than ``max_size``, or no archive of this package.
        """
        from stageloom.store.archive import unpack

        self._writing()
        return unpack(self, os.fspath(path), limit=max_size, check=check)

    def push(
        self,
        remote: Remote,
        rrefs: Iterable[RRef],
        *,
        sources: bool = True,
        logs: bool = True,
        mend: bool = False,
        check: Check = unchecked,
    ) -> Pushed:
        """Send what ``remote`` lacks of ``rrefs`` and all that they were made from; what lacks some of it is left out.

        With ``mend`` all that is there of them is read, and put right where it was damaged.

        Raises:
            RemoteError, RefusedError: it can't be written, or is none.
            NotStoredError, DamagedError: none of them is here as it should be.
        """
        from stageloom.store.remote import push
        from stageloom.store.sending import What

        self._own_process()
        return push(self, remote, rrefs, What(sources, logs), check, mend=mend)

    def pull(
        self, remote: Remote, rrefs: Iterable[RRef], *, max_size: int | None = None, check: Check = unchecked
    ) -> Received:
        """Take in ``rrefs``, with all that they were made from, as far as it is not here; each object is checked.

        Raises:
            RemoteError, RefusedError: it can't be read, or holds what is damaged.
        """
        from stageloom.store.remote import pull

        self._writing()
        return pull(self, remote, rrefs, max_size, check)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _ask(self, question: Callable[[Index], _Answer]) -> _Answer:
        self._own_process()
        return self._ledger.ask(question)

    def _own_process(self) -> None:
        if os.getpid() != self._pid:
            raise StoreError("This store was opened before the process forked.", "Open the store in the child.")

    def _writing(self) -> None:
        self._own_process()
        if self._refusal is not None:
            raise self._refusal

    def _noting(self, read: Callable[[], _Answer], path: str, identity: str, known: Callable[[Index], bool]) -> _Answer:
        try:
            return read()
        except NotStoredError:
            if not self._ask(known):
                raise
            failure = DamagedError(path, identity, "is missing")
        except DamagedError as error:
            failure = error
        self._ledger.note(lambda index: index.set_damaged([identity], damaged=True))
        raise failure

    def _append(self, make: Callable[[Index, int], list[Event]]) -> None:
        with explained(self._layout.root):
            self._ledger.append(make)

    def _append_one(self, event: Event) -> int:
        self._writing()
        written: list[int] = []

        def make(_: Index, sequence: int) -> list[Event]:
            written[:] = [sequence]
            return [{"seq": sequence, **event}]

        self._append(make)
        return written[0]

    def _runs(self, prepared: Sequence[Prepared], first: int) -> list[Event]:
        now = self._clock()
        return [one.event(first + number, now) for number, one in enumerate(prepared)]

    def _share(self, prepared: Sequence[Prepared]) -> None:
        for one in prepared:
            if one.manifest is not None and one.new.scratch is not None and os.path.isdir(one.new.scratch):
                self._sharing.share(os.fspath(one.new.scratch), one.manifest)

    def _write_provenance(self, prepared: Sequence[Prepared]) -> None:
        for one in prepared:
            made = one.new.provenance
            if made.more:
                folder = self._layout.run(made.run, made.stage)
                self._files.mkdir(folder)
                temporary = self._scratch.path()
                self._files.create(temporary, canonical_bytes({"rref": str(one.rref), **made.more}), sync=False)
                self._files.rename(temporary, os.path.join(folder, "stage.json"))


def _note_stored(index: Index, prepared: Sequence[Prepared], checked: Mapping[str, Stats]) -> None:
    for tree, found in checked.items():
        index.set_checked(tree, found)
    index.set_damaged({name for one in prepared for name in (one.dref.hash, one.rref.hash)}, damaged=False)
    index.set_damaged(checked, damaged=False)
