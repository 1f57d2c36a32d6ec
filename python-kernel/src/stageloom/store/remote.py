"""Remotes: any file system that fsspec knows, with the objects of an archive lying in it under their names.

Objects never change, so whoever finds one need not send it again, and a push that was cut off goes on where it stood.
Each is written aside and moved to its place, or put at once where the file system does that whole. A realization's
card comes last: who finds a card finds all that it needs.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from stageloom.model.classes import dataclass
from stageloom.model.references import DRef, RRef
from stageloom.store.errors import StoreError, explained
from stageloom.store.parcel import HEAD, Card, Item, RefusedError, card_name, head, is_head, is_name, read_head
from stageloom.store.receiving import Received, Receiver, refusal
from stageloom.store.sending import LeftOut, What, is_whole, items, sendable

if TYPE_CHECKING:
    from stageloom.store.store import Store

# These put an object whole or not at all, and moving one there means to copy it.
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "oss", "cos", "memory"})
_INCOMING = "incoming"


class RemoteError(StoreError):
    """A remote that can't be reached, read or written."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was sent: realizations, and the bytes of their objects; ``known`` realizations were there already.

    ``mended`` are the names of objects that were damaged there; ``left_out`` is what could not be sent.
    """

    sent: Sequence[RRef]
    known: int
    bytes: int
    mended: Sequence[str] = ()
    left_out: Sequence[LeftOut] = ()


class NoRemotesError(RemoteError):
    """The package that knows remotes, ``package``, is not installed."""

    package = "fsspec"


class Remote:
    """The file system and folder that ``url`` names; ``options`` are those of its file system."""

    def __init__(self, url: str, options: dict[str, Any] | None = None) -> None:
        self.url = url
        self.advice = f"Who has it whole mends it there: stageloom push --check {url}"
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped,unused-ignore]  # it has none
        except ImportError:
            raise NoRemotesError(
                "Remotes need the package fsspec, which is not installed.",
                'Install it: pip install "stageloom[remotes]"',
            ) from None
        with self._told("opened"):
            self._fs, root = url_to_fs(url, **(options or {}))
        self._root = str(root).rstrip("/")
        protocol = self._fs.protocol
        protocols = {protocol} if isinstance(protocol, str) else set(protocol)
        self._whole = not protocols.isdisjoint(_WHOLE)
        self._folders: set[str] = set()

    # --- reading -----------------------------------------------------------------------------------------------------

    def check_head(self) -> None:
        """Raise RefusedError unless this is a remote of a format that can be read."""
        data = self._bytes(HEAD)
        if data is None:
            raise RefusedError(f"There is nothing at {self.url} that Stageloom has pushed.", "Name another remote.")
        read_head(data, self.url)

    def read(self, name: str) -> bytes:
        """Return a small object; raises RefusedError where it is missing."""
        data = self._bytes(name)
        if data is None:
            raise refusal(self.url, f"{name} is missing", self.advice)
        return data

    def open(self, name: str) -> BinaryIO:
        """Return a file to read an object from; raises RefusedError where it is missing."""
        with self._told("read"):
            try:
                return cast("BinaryIO", _Told(self._fs.open(self._at(name), "rb"), self))
            except FileNotFoundError:
                raise refusal(self.url, f"{name} is missing", self.advice) from None

    def has(self, name: str) -> bool:
        """Return whether there is such an object."""
        with self._told("read"):
            return bool(self._fs.exists(self._at(name)))

    def realizations(self, drefs: Iterable[DRef] | None = None) -> list[RRef]:
        """Return what is there of ``drefs``, or all; a file system that can't list has nothing to tell."""
        if drefs is None:
            folders = [posixpath.basename(path.rstrip("/")) for path in self._list("realizations")]
            folders = [name for name in folders if "." not in name]
        else:
            folders = [dref.hash for dref in drefs]
        found: list[RRef] = []
        for folder in folders:
            for path in self._list(f"realizations/{folder}"):
                name = f"realizations/{folder}/{posixpath.basename(path)}"
                if not is_name(name):
                    continue  # something of a desktop's, or of the file system's
                try:
                    card = Card.parse(self.read(name))
                except ValueError as error:
                    raise refusal(self.url, f"{name} is damaged: {error}", self.advice) from None
                if card_name(card.rref) != name:
                    raise refusal(self.url, f"{name} is about another realization", self.advice)
                found.append(card.rref)
        return found

    # --- writing -----------------------------------------------------------------------------------------------------

    def begin(self, *, mend: bool = False) -> bool:
        """Make this a remote, unless it is one; return whether it had to ``mend`` the file that says so."""
        data = self._bytes(HEAD)
        if data is None:
            self.put(Item.of(HEAD, head(())))
            return False
        try:
            read_head(data, self.url)
        except RefusedError:
            if not mend or is_head(data) or not self._list("realizations"):
                raise
            self.replace(Item.of(HEAD, head(())))
            return True
        return False

    def put(self, item: Item) -> int:
        """Write an object unless it is there; return how many bytes were sent."""
        target = self._at(item.name)
        with self._told("written"):
            if self._size(target) == item.size:
                return 0
            if self._whole:
                self._send(item, target)
                return item.size
            aside = self._at(f"{_INCOMING}/{os.urandom(8).hex()}")
            try:
                self._send(item, aside)
                self._folder(posixpath.dirname(target))
                self._move(aside, target, item.size)
            except BaseException:
                self._forget(aside)
                raise
        return item.size

    def replace(self, item: Item) -> None:
        """Write an object whatever is there under its name."""
        target = self._at(item.name)
        with self._told("written"):
            if self._whole:
                self._send(item, target)
                return
            aside = self._at(f"{_INCOMING}/{os.urandom(8).hex()}")
            try:
                self._send(item, aside)
                self._forget(target)  # not every file system moves over a file
                self._folder(posixpath.dirname(target))
                self._move(aside, target, item.size)
            except BaseException:
                self._forget(aside)
                raise

    def _send(self, item: Item, target: str) -> None:
        self._folder(posixpath.dirname(target))
        if item.path:
            self._fs.put_file(item.path, target)
        else:
            self._fs.pipe_file(target, item.data)

    def _move(self, aside: str, target: str, size: int) -> None:
        try:
            self._fs.mv(aside, target)
        except Exception:  # each file system raises its own
            if self._size(target) != size:  # else another writer was there first
                raise
            self._forget(aside)

    def _forget(self, path: str) -> None:
        with suppress(Exception):  # it was not there, or the first failure is the one to tell
            self._fs.rm_file(path)

    def _folder(self, path: str) -> None:
        if path and path not in self._folders:
            self._fs.makedirs(path, exist_ok=True)
            self._folders.add(path)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if self._root else name

    def _size(self, path: str) -> int | None:
        try:
            size = self._fs.info(path).get("size")
        except FileNotFoundError:
            return None
        return int(size) if size is not None else None

    def _bytes(self, name: str) -> bytes | None:
        with self._told("read"):
            try:
                data: bytes = self._fs.cat_file(self._at(name))
            except (FileNotFoundError, KeyError):  # KeyError: fsspec's zip files
                return None
            return data

    def _list(self, name: str) -> list[str]:
        with self._told("listed"):
            try:
                self._fs.invalidate_cache()
                return sorted(self._fs.ls(self._at(name), detail=False))
            except (FileNotFoundError, NotADirectoryError, NotImplementedError):
                return []

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except ImportError as error:
            raise RemoteError(
                f"{self.url} needs a package that is not installed ({error}).", "Install it with pip."
            ) from None
        except Exception as error:  # each file system raises its own
            said = str(error) or type(error).__name__
            raise RemoteError(
                f"{self.url} could not be {what} ({said}).", "Check the address and the rights; then do it again."
            ) from error


class _Told:
    """A remote file being read, whose failures are the remote's."""

    def __init__(self, file: Any, remote: Remote) -> None:
        self._file = file
        self._remote = remote

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes."""
        with self._remote._told("read"):  # noqa: SLF001  # of this module
            data: bytes = self._file.read(size)
        return data

    def __enter__(self) -> _Told:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def push(
    store: Store, remote: Remote, rrefs: Iterable[RRef], what: What, check: Callable[[], None], *, mend: bool = False
) -> Pushed:
    """Send what the remote lacks of ``rrefs`` and their closure; with ``mend``, compare what it has, and put it right.

    What lacks something here that it was made from, and is not there, is left out.
    """
    from stageloom.store.mending import Mender

    mended = [HEAD] if remote.begin(mend=mend) else []
    known: dict[RRef, bool] = {}

    def there(rref: RRef) -> bool:
        if rref not in known:
            check()
            known[rref] = remote.has(card_name(rref))
        return known[rref]

    sent: list[RRef] = []
    content = 0
    mender = Mender(store, remote, what, check)
    order, left_out = sendable(store, rrefs, there)
    for rref in order:
        check()
        if not there(rref):
            for item in items(store, rref, what):
                check()
                content += remote.put(item)
            sent.append(rref)
        elif mend and is_whole(store, rref):
            content += mender.mend(rref)
    return Pushed(sent, len(order) - len(sent), content, [*mended, *mender.mended], left_out)


def pull(store: Store, remote: Remote, rrefs: Iterable[RRef], limit: int | None, check: Callable[[], None]) -> Received:
    """Take in ``rrefs`` and their closure; what was taken in before it was cut off stays."""
    remote.check_head()
    receiver = Receiver(store, remote, remote.url, limit=limit, at_once=False, check=check)
    with explained(store.path):
        return receiver.receive(rrefs)
