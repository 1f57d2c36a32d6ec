"""Downloads that go on where they stopped and are checked, and archives unpacked safely: with Python alone."""

from __future__ import annotations

import hashlib
import os
import shutil
from importlib import import_module
from pathlib import Path as SystemPath
from typing import IO

from stageloom.pylightnix.manual_types import PylightnixException

_SECONDS = 60
_MODULES = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}


class FetchError(PylightnixException):
    """A download that failed, has another hash than it should, or cannot be unpacked safely."""


def download(url: str, part: str, kind: str, wanted: str) -> None:
    """Write what ``url`` holds to ``part``, going on where an earlier download stopped."""
    import urllib.error

    begun = os.path.getsize(part) if os.path.exists(part) else 0
    if not begun or _hash(part, kind) != wanted:
        try:
            _transfer(url, part, begun)
        except urllib.error.HTTPError as error:
            if error.code != 416 or not begun:
                raise FetchError(f"{url} could not be downloaded: {error}") from None
            os.unlink(part)  # what was begun is longer than what is there now
            download(url, part, kind, wanted)
            return
        except (urllib.error.URLError, ValueError, TimeoutError, OSError) as error:
            raise FetchError(f"{url} could not be downloaded: {error}") from None
    found = _hash(part, kind)
    if found != wanted:
        os.unlink(part)
        raise FetchError(f"{url} has the {kind} {found}, and {wanted} was expected; nothing of it was kept")


def _transfer(url: str, part: str, begun: int) -> None:
    import urllib.request

    request = urllib.request.Request(url, headers={"Range": f"bytes={begun}-"} if begun else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # the hash says what comes is meant
        goes_on = begun and getattr(answer, "status", None) == 206
        with open(part, "ab" if goes_on else "wb") as out:
            shutil.copyfileobj(answer, out, 1 << 20)
            told = answer.headers.get("Content-Length")
            whole = (begun if goes_on else 0) + int(told) if told is not None else out.tell()
            if out.tell() < whole:
                raise TimeoutError(f"it ended after {out.tell()} of {whole} bytes; try again to go on there")


def _hash(path: str, kind: str) -> str:
    state = hashlib.new(kind)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def unpack_file(path: str, folder: str) -> None:
    """Unpack a tar, zip, gz, bz2 or xz file into ``folder``; a link in it becomes a copy of what it points at.

    Raises:
        FetchError: for a file that is none of these, or where something in it would leave the folder.
    """
    import lzma
    import tarfile
    import zipfile

    try:
        if tarfile.is_tarfile(path):
            _unpack_tar(path, SystemPath(folder))
        elif zipfile.is_zipfile(path):
            _unpack_zip(path, SystemPath(folder))
        else:
            _unpack_single(path)
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, EOFError, OSError, RuntimeError) as error:
        raise FetchError(f"{path} could not be unpacked: {error}") from None


def _unpack_tar(path: str, folder: SystemPath) -> None:
    import tarfile

    links: list[tuple[SystemPath, SystemPath]] = []
    with tarfile.open(path) as archive:
        for member in archive:
            target = _inside(folder, member.name)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif member.issym():
                links.append((target, _inside(folder, os.path.join(os.path.dirname(member.name), member.linkname))))
            elif member.islnk():
                links.append((target, _inside(folder, member.linkname)))
            elif member.isfile():
                source = archive.extractfile(member)
                assert source is not None
                with source:
                    _write(source, target)
                if member.mode & 0o100:
                    target.chmod(0o755)
            else:
                raise FetchError(f"{path} holds {member.name}, which is a device or a pipe")
    _copy_links(links)


def _copy_links(links: list[tuple[SystemPath, SystemPath]]) -> None:
    """Copy what links point at, those that point at links last; one that points at nothing is left out."""
    for _ in range(len(links)):
        left = [(target, source) for target, source in links if not source.exists()]
        for target, source in links:
            if source.is_dir() and source not in target.parents:
                shutil.copytree(source, target, dirs_exist_ok=True)
            elif source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        if len(left) == len(links):
            return
        links = left


def _unpack_zip(path: str, folder: SystemPath) -> None:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            target = _inside(folder, info.filename)
            if info.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            with archive.open(info) as source:
                _write(source, target)
            if info.external_attr >> 16 & 0o100:
                target.chmod(0o755)


def _unpack_single(path: str) -> None:
    base, suffix = os.path.splitext(path)
    if suffix not in _MODULES:
        raise FetchError(f"{path} is no archive that can be unpacked; pass mode='' to keep the file as it is")
    with import_module(_MODULES[suffix]).open(path, "rb") as source:
        _write(source, SystemPath(base))


def _write(source: IO[bytes], target: SystemPath) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)


def _inside(folder: SystemPath, name: str) -> SystemPath:
    """Return where ``name`` of an archive goes; raises FetchError where that is outside of ``folder``."""
    plain = os.path.normpath(name.replace("\\", "/"))
    if os.path.isabs(plain) or plain.split(os.sep)[0] == ".." or (len(plain) > 1 and plain[1] == ":"):
        raise FetchError(f"the archive holds {name!r}, which would leave the stage's folder")
    return folder / plain
