"""Archives: zip files that carry realizations with all that they were made from."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from stageloom.model.classes import dataclass
from stageloom.model.references import RRef
from stageloom.store.errors import DamagedError, DiskFullError, StoreError, explained
from stageloom.store.parcel import HEAD, Item, RefusedError, head, is_name, read_head
from stageloom.store.receiving import Received, Receiver, refusal
from stageloom.store.sending import LeftOut, What, items, sendable

if TYPE_CHECKING:
    from stageloom.store.store import Store

_BLOCK = 1 << 20
#: A small object that says it is larger is no small object.
_SMALL = 256 << 20
#: Without a limit of the user's, an archive of more than so many bytes may not grow more than so many times.
_FREE_BYTES, _RATIO = 1 << 30, 200
_BAD = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OverflowError, MemoryError)
# What deflating again would only cost time for.
_PACKED = re.compile(r"\.(png|jpe?g|gif|webp|zip|npz|gz|bz2|xz|zst|parquet|h5|mp4|whl)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Packed:
    """What an archive holds: how many realizations, and the bytes of all objects before packing and of the file.

    ``left_out`` is what was asked for and could not be packed.
    """

    realizations: int
    content: int
    size: int
    left_out: Sequence[LeftOut] = ()


def pack(store: Store, rrefs: Iterable[RRef], path: str, what: What, check: Callable[[], None]) -> Packed:
    """Write an archive of ``rrefs`` and their closure to ``path``, which is replaced; it is whole or not there.

    What lacks something that it was made from is left out.

    Raises:
        NotStoredError, DamagedError: none of them is in the store as it should be.
    """
    wanted = list(dict.fromkeys(rrefs))
    order, left_out = sendable(store, wanted)
    broken = {one.rref for one in left_out}
    roots = [rref for rref in wanted if rref not in broken]
    aside = f"{path}.{os.urandom(4).hex()}.part"
    content = 0
    written: set[str] = set()
    with _writing(path):
        try:
            with zipfile.ZipFile(aside, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                _write(archive, Item.of(HEAD, head(roots)), check)
                for rref in order:
                    for item in items(store, rref, what):
                        check()
                        if item.name not in written:
                            written.add(item.name)
                            content += item.size
                            _write(archive, item, check)
            with open(aside, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(aside, path)
        except BaseException:
            if os.path.lexists(aside):
                os.unlink(aside)
            raise
    return Packed(len(order), content, os.path.getsize(path), left_out)


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = DiskFullError if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)) else StoreError
        raise kind(
            f"The archive {path} could not be written ({error.strerror or error}).", "Name another place for it."
        ) from error


def unpack(store: Store, path: str, *, limit: int | None, check: Callable[[], None]) -> tuple[list[RRef], Received]:
    """Take in all that the archive at ``path`` holds, or nothing; return its roots and what came in.

    Raises:
        RefusedError: it is damaged, or holds what no archive of this package holds.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115  # closed below
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror or error}).", "Name the archive's file.") from None
    with file:
        origin = _Origin(file, path)
        origin.check_size(limit)
        receiver = Receiver(store, origin, path, limit=limit, at_once=True, check=check)
        with explained(store.path):
            return origin.roots, receiver.receive(origin.roots)


def _write(archive: zipfile.ZipFile, item: Item, check: Callable[[], None]) -> None:
    info = zipfile.ZipInfo(item.name)  # with the earliest date: the same realizations make the same archive
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.compress_type = zipfile.ZIP_STORED if _PACKED.search(item.path) else zipfile.ZIP_DEFLATED
    info.file_size = item.size
    with archive.open(info, "w", force_zip64=item.size > (1 << 31) - (1 << 24)) as target:
        if not item.path:
            target.write(item.data)
            return
        state = hashlib.sha256()
        with open(item.path, "rb", buffering=0) as source:
            while block := source.read(_BLOCK):
                state.update(block)
                target.write(block)
                check()
        if item.name.startswith("files/") and state.hexdigest() != item.name[-64:]:
            raise DamagedError(item.path, item.name[-64:], "is not what was stored")


class _Origin:
    """The objects of an archive. Nothing is taken by a name that could not be one of them."""

    advice = "Get it again from where it came; nothing was taken in."

    def __init__(self, file: BinaryIO, place: str) -> None:
        self._place = place
        self._size = os.fstat(file.fileno()).st_size
        try:
            self._zip = zipfile.ZipFile(file)
            entries = self._zip.infolist()
        except (*_BAD, OSError, UnicodeError) as error:
            raise self._refusal(f"it is cut off, or no zip file ({error})") from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            self._check_entry(entry)
            self._entries[entry.filename] = entry
        if HEAD not in self._entries:
            raise RefusedError(f"{place} was not made by Stageloom: it holds no {HEAD}.", "Name another archive.")
        self.roots = read_head(self.read(HEAD), place)

    def check_size(self, limit: int | None) -> None:
        """Refuse what is too large by its own account, before anything is unpacked."""
        total = sum(entry.file_size for entry in self._entries.values())
        if limit is not None and total > limit:
            raise RefusedError(
                f"{self._place} is refused: it would be {total} bytes, more than the {limit} allowed.",
                "Allow more with --max-size, if you trust where it comes from.",
            )
        if limit is None and total > _FREE_BYTES and total > _RATIO * self._size:
            raise RefusedError(
                f"{self._place} is refused: its {self._size} bytes would become {total}.",
                "Allow that with --max-size, if you trust where it comes from.",
            )

    def read(self, name: str) -> bytes:
        """Return a small object."""
        with self.open(name) as source:
            data = source.read(_SMALL + 1)
        if len(data) > _SMALL:
            raise self._refusal(f"{name} is too large")
        return data

    def open(self, name: str) -> BinaryIO:
        """Return a file to read an object from."""
        entry = self._entries.get(name)
        if entry is None:
            raise self._refusal(f"{name} is missing")
        try:
            return cast("BinaryIO", _Checked(self._zip.open(entry), self._refusal))
        except (*_BAD, OSError, UnicodeError) as error:
            raise self._refusal(f"{name} is damaged ({error})") from None

    def _check_entry(self, entry: zipfile.ZipInfo) -> None:
        name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
        raw = getattr(entry, "orig_filename", name)
        if (name != HEAD and not is_name(name)) or raw != name:
            raise self._refusal(f"it holds {raw[:200]!r}, which is no name of an object")
        if name in self._entries:
            raise self._refusal(f"it holds {name} twice")
        if kind not in (0, stat.S_IFREG):
            raise self._refusal(f"{name} is a link, or no regular file")
        if entry.flag_bits & 1:
            raise self._refusal(f"{name} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self._refusal(f"{name} is packed in a way that archives of this package are not")
        if entry.compress_size > self._size:
            raise self._refusal(f"{name} says that it is larger than the archive")

    def _refusal(self, what: str) -> RefusedError:
        return refusal(self._place, what, self.advice)


class _Checked:
    """An entry being read, whose damage is a refusal."""

    def __init__(self, entry: Any, refusal: Callable[[str], RefusedError]) -> None:
        self._entry = entry
        self._refusal = refusal

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes."""
        try:
            data: bytes = self._entry.read(size)
        except (*_BAD, OSError) as error:
            raise self._refusal(f"{self._entry.name} is damaged ({error})") from None
        return data

    def __enter__(self) -> _Checked:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self._entry.close()
