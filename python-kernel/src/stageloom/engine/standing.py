"""The standing answer: that all of a pipeline is cached, kept with everything that this rests on.

A command that would find nothing to do finds that out by looking whether what the last one looked at is as it was: the
project's files and folders, the inputs, this program, the store's journal, the trees. What is in any doubt is found out
the long way. Imports little: it is most of such a command's time.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib

from stageloom._version import STORE_FORMAT, VERSION
from stageloom.tracking.evidence import own_files, renewed, same_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from stageloom.engine.language import Pipeline, Target
    from stageloom.store.found import Found
    from stageloom.store.store import Store
    from stageloom.tracking.evidence import FilesOf

#: Raise it when the form below changes: an answer of another form is passed over.
_FORM = 2
_MAGIC = b"stageloom standing\n"
_CHECKED = 8
_MOST = 50


class StandingAnswer:
    """A pipeline of which these stages are cached.

    ``names`` are all its stages, dependencies first, ``functions`` what each is written in and ``needs`` the places of
    those it depends on. ``made`` holds when each cached one was made, how many bytes it has, how long it took and
    whether it is pinned.
    """

    def __init__(self, body: tuple[Any, ...], root: str) -> None:
        self.names: Sequence[str] = body[0]
        self.functions: Sequence[str] = body[1]
        self.needs: Sequence[Sequence[int]] = body[2]
        self.made: Sequence[tuple[float, int, float, bool] | None] = body[3]
        self._tree_of: Sequence[int] = body[4]
        self._trees: Sequence[tuple[str, tuple[tuple[str, tuple[int, ...]], ...]]] = body[5]
        self._root = root

    def closure(self, targets: Iterable[str]) -> list[int]:
        """Return the places of ``targets``, by a stage's or function's name, all when empty, and of all they need.

        Raises:
            LookupError: for a name that there isn't.
        """
        wanted = set(self.named(targets))
        if len(wanted) < len(self.names):
            pending = list(wanted)
            for at in pending:
                more = [one for one in self.needs[at] if one not in wanted]
                wanted.update(more)
                pending.extend(more)
        return sorted(wanted)

    def told(self, places: Sequence[int]) -> list[int]:
        """Return ``places`` in the order in which a run tells of them: what is ready first, then what waited for it."""
        missing = {at: len(self.needs[at]) for at in places}
        dependants: dict[int, list[int]] = {at: [] for at in places}
        for at in places:
            for needed in self.needs[at]:
                dependants[needed].append(at)
        pending = [at for at in reversed(places) if not missing[at]]
        result = []
        while pending:
            at = pending.pop()
            result.append(at)
            ready = []
            for one in dependants[at]:
                missing[one] -= 1
                if not missing[one]:
                    ready.append(one)
            pending.extend(reversed(ready))
        return result

    def named(self, targets: Iterable[str]) -> list[int]:
        """Return the places of ``targets`` alone, in order."""
        result: set[int] = set()
        for name in targets:
            found = [self.names.index(name)] if name in self.names else _places(self.functions, name)
            if not found:
                raise LookupError(name)
            result.update(found)
        return sorted(result) if result else list(range(len(self.names)))

    def holds(self, places: Iterable[int]) -> bool:
        """Return whether the stages at ``places`` are cached, and the files of their trees as they were."""
        made, tree_of = self.made, self._tree_of
        trees: dict[int, None] = {}
        for at in places:
            if made[at] is None:
                return False
            trees[tree_of[at]] = None
        return all(self._is_unchanged(*self._trees[at]) for at in trees)

    def tree(self, place: int) -> str:
        """Return the folder of the tree of a stage that is cached."""
        return self._root + self._trees[self._tree_of[place]][0]

    def _is_unchanged(self, folder: str, entries: tuple[tuple[str, tuple[int, ...]], ...]) -> bool:
        """Return what ``store.trees.unchanged`` does, for the stats that it knows."""
        stat, place = os.stat, self._root + folder
        try:
            for path, was in entries:
                now = stat(place + path, follow_symlinks=False)
                if len(was) == 2:
                    if (now.st_mtime_ns, now.st_ino) != was or not _is_folder(now.st_mode):
                        return False
                elif (now.st_size, now.st_mtime_ns, now.st_ino, was[3] and now.st_ctime_ns) != was:
                    return False
        except OSError:
            return False
        return True


def recall(store: str, root: str, path: str, sets: Sequence[str], files_of: FilesOf) -> StandingAnswer | None:
    """Return what stands for the pipeline at ``path`` below ``root``, if what it rests on is as it was.

    Of the trees only :meth:`StandingAnswer.holds` tells.
    """
    place = _place(store, root, path, sets)
    try:
        with open(place, "rb") as file:
            data = file.read()
    except OSError:
        return None
    kept = _unsealed(data)
    if kept is None or kept[0] != _key(root, path, sets) or not same_files(kept[1]):
        return None
    evidence = renewed(kept[3], files_of)
    if evidence is None or _store_state(store) != kept[2]:
        return None
    if evidence is not kept[3]:
        _write(place, (*kept[:3], evidence, *kept[4:]))
    return StandingAnswer(kept[4], f"{store}{os.sep}trees{os.sep}")


def keep(store: Store, pipeline: Pipeline, sets: Sequence[str], chosen: Mapping[str, Any], files_of: FilesOf) -> bool:
    """Keep that the realizations ``chosen``, by stage and as references, stand for ``pipeline``; return whether.

    ``sets`` are the words that set parameters. All that is looked at was looked at before: it is looked at again, so
    that the answer is of one moment.
    """
    if pipeline.problems or pipeline.evidence.doubts or store.readonly or not _told(pipeline):
        return False
    root = str(pipeline.snapshot.root)
    evidence = renewed(pipeline.evidence.pack(), files_of)
    keys = _keys(pipeline.targets, chosen)
    if evidence is None or not keys:
        return False
    before = _store_state(str(store.path))
    found = dict(zip(keys, store.find_many(list(keys.values())), strict=True))
    if before is None or any(not those or those[-1].rref != chosen[name] for name, those in found.items()):
        return False
    latest = {name: those[-1] for name, those in found.items()}
    reading = [one for one in latest.values() if one.reads]
    if reading:
        evidence = _with_reads(pipeline, reading, files_of)
        if evidence is None:
            return False
    stats = store.stats_of([one.tree for one in latest.values()])
    if len(stats) < len({one.tree for one in latest.values()}) or _store_state(str(store.path)) != before:
        return False
    places = {name: at for at, name in enumerate(pipeline.targets)}
    trees = {tree: at for at, tree in enumerate(stats)}
    targets = pipeline.targets.values()
    body = (
        tuple(pipeline.targets),
        tuple(target.function for target in targets),
        tuple(
            tuple({places[one]: None for names in target.dependencies.values() for one in names}) for target in targets
        ),
        tuple(_made(latest[name]) if name in latest else None for name in places),
        tuple(trees[latest[name].tree] if name in latest else -1 for name in places),
        tuple((f"{tree[:2]}{os.sep}{tree}", _entries(known)) for tree, known in stats.items()),
    )
    own = own_files()
    kept = (_key(root, pipeline.path, sets), own, before, evidence, body)
    place = _place(str(store.path), root, pipeline.path, sets)
    if not own or not _write(place, kept):
        return False
    _prune(os.path.dirname(place))
    return True


def _made(found: Found) -> tuple[float, int, float, bool]:
    return found.at, found.size, found.took, found.pinned


def _with_reads(pipeline: Pipeline, reading: Sequence[Found], files_of: FilesOf) -> tuple[Any, ...] | None:
    """Return the evidence with what realizations were seen to read, where that is as it was."""
    from stageloom.engine.observed import Observed

    observed = Observed(pipeline)
    if not all(observed.holds(one) for one in reading) or pipeline.evidence.doubts:
        return None
    return renewed(pipeline.evidence.pack(), files_of)


def _told(pipeline: Pipeline) -> bool:
    """Return whether all that these plans rest on was told as evidence."""
    for target in pipeline.targets.values():
        if target.language != "function" or target.guessed or target.alias or not _is_plain(target):
            return False
        if target.derivation is not None:
            known = {*target.dependencies, *(one.name for one in target.parameters)}
            if not (known.issuperset(target.derivation.configuration) and _are_inputs(target, pipeline)):
                return False
    return True


def _is_plain(target: Target) -> bool:
    """Return whether the latest realization stands for it, its code counts, and no other language has a part in it."""
    alone = not (target.reach or target.across or target.senders)
    return target.match == "latest" and target.count == target.outputs == 1 and alone and target.late is None


def _are_inputs(target: Target, pipeline: Pipeline) -> bool:
    assert target.derivation is not None
    told = pipeline.evidence.inputs
    return all(told.get(name) == sha256 for name, sha256 in target.derivation.inputs.items())


def _keys(targets: Mapping[str, Target], chosen: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return under which key each chosen stage is looked up; empty where one's dependencies are not chosen."""
    from stageloom.model.objects import context_key

    keys: dict[str, tuple[str, str]] = {}
    for name, target in targets.items():
        if name not in chosen:
            continue
        needed = [one for names in target.dependencies.values() for one in names]
        if target.dref is None or any(one not in chosen for one in needed):
            return {}
        context = {targets[one].dref: (chosen[one],) for one in needed}
        keys[name] = (target.dref.hash, context_key(context))  # type: ignore[arg-type]  # what is chosen has a derivation
    return keys


def _entries(stats: Mapping[str, Sequence[int]]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((f"/{path}" if path else "", tuple(known)) for path, known in stats.items())


def _places(names: Sequence[str], name: str) -> list[int]:
    return [at for at, one in enumerate(names) if one == name]


def _is_folder(mode: int) -> bool:
    return mode & 0o170000 == 0o040000


def _key(root: str, path: str, sets: Sequence[str]) -> tuple[Any, ...]:
    return (_FORM, VERSION, STORE_FORMAT, sys.version_info[:3], sys.platform, root, path, tuple(sets))


def _place(store: str, root: str, path: str, sets: Sequence[str]) -> str:
    text = "\n".join((root, path, *sets)).encode("utf-8", "surrogatepass")
    return os.path.join(store, "cache", "standing", f"{zlib.crc32(text):08x}{zlib.adler32(text):08x}")


def _store_state(store: str) -> tuple[Any, ...] | None:
    """Return what changes with what the store answers: format, journal, which file the index is, what is damaged."""
    import sqlite3

    index = os.path.join(store, "index.sqlite")
    try:
        with open(os.path.join(store, "format.json"), "rb") as file:
            form = file.read(200)
        with os.scandir(os.path.join(store, "journal")) as entries:
            sizes = tuple(sorted((one.name, os.stat(one.path).st_size) for one in entries))
        status = os.stat(index)
        database = sqlite3.connect(index, timeout=1, isolation_level=None)
        try:
            damaged = tuple(sorted(row[0] for row in database.execute("SELECT identity FROM damaged")))
        finally:
            database.close()
    except (OSError, sqlite3.Error):
        return None
    return (form, sizes, status.st_ino, status.st_dev, damaged)


# --- on disk ---------------------------------------------------------------------------------------------------------


def _sums(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big") + zlib.adler32(body).to_bytes(4, "big")


def _unsealed(data: bytes) -> tuple[Any, ...] | None:
    start = len(_MAGIC) + _CHECKED
    body = memoryview(data)[start:]
    # marshal must not be fed what it did not write
    if not data.startswith(_MAGIC) or data[len(_MAGIC) : start] != _sums(body):  # type: ignore[arg-type]  # a buffer
        return None
    try:
        kept: tuple[Any, ...] = marshal.loads(body)  # noqa: S302  # checked above
    except (ValueError, EOFError, TypeError):
        return None
    return kept


def _prune(folder: str) -> None:
    """Remove the oldest answers where there are many: each set of parameters has one of its own."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(((one.stat().st_mtime, one.path) for one in entries), reverse=True)
        for _, path in found[_MOST:]:
            os.unlink(path)
    except OSError:
        pass  # another process removes them, too


def _write(place: str, value: tuple[Any, ...]) -> bool:
    body = marshal.dumps(value, 4)
    temporary = f"{place}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(_MAGIC + _sums(body) + body)
        os.replace(temporary, place)
    except OSError:
        return False
    return True
