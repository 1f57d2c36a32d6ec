"""Stages that download a file, or take one of this machine, check its hash and unpack it: with Python alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any
from urllib.parse import unquote, urlparse

from stageloom.pylightnix.build import build_cattrs, build_outpath, build_wrapper
from stageloom.pylightnix.configuration import mkconfig
from stageloom.pylightnix.download import download, unpack_file
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.matchers import match_only
from stageloom.pylightnix.planning import mkdrv
from stageloom.pylightnix.references import selfref
from stageloom.pylightnix.settings import fstmpdir
from stageloom.pylightnix.types import Build, DRef, Registry
from stageloom.pylightnix.utils import filehash

_SUFFIXES = (".gz", ".bz2", ".xz", ".tar", ".tgz", ".tbz2", ".txz", ".zip")


def fetchurl(
    url: str,
    sha256: str | None = None,
    sha1: str | None = None,
    mode: str = "unpack,remove",
    name: str | None = None,
    filename: str | None = None,
    force_download: bool = False,
    check_promises: bool = True,  # noqa: ARG001  # upstream's: promises are checked in any case
    r: Registry | None = None,
    **kwargs: Any,
) -> DRef:
    """Make a stage that downloads ``url``, checks its hash, and unpacks it where ``mode`` says so.

    ``mode`` holds the words ``unpack`` and ``remove`` (the archive, once unpacked). Without ``unpack`` the
    configuration promises the file as ``out_path``. An interrupted download is taken up again unless
    ``force_download``. ``kwargs`` is more configuration.
    """
    file = filename_of(url, filename)
    check((sha256 is None) != (sha1 is None), "fetchurl takes sha256='…', or sha1='…', of what there is to download")
    kind, wanted = ("sha256", sha256) if sha256 is not None else ("sha1", sha1)
    config = {**kwargs, "name": name or "fetchurl", "url": url, kind: wanted, "mode": mode}
    if "unpack" not in mode:
        config["out_path"] = [selfref, file]

    def realize(b: Build) -> None:
        c = build_cattrs(b)
        full = os.path.join(build_outpath(b), file)
        fetch(b, c.url, full, kind, wanted or "", anew=force_download)
        _after(full, c.mode)

    return mkdrv(mkconfig(config), match_only(), build_wrapper(realize), r)


def fetchlocal(
    sha256: str,
    path: str | None = None,
    envname: str | None = None,
    mode: str = "unpack,remove",
    name: str | None = None,
    filename: str | None = None,
    check_promises: bool = True,  # noqa: ARG001  # upstream's: promises are checked in any case
    r: Registry | None = None,
    **kwargs: Any,
) -> DRef:
    """Make a stage that copies the file ``path``, or the one that the variable ``envname`` names; see fetchurl."""
    check((path is None) != (envname is None), "fetchlocal takes path='…', or envname='…'")
    if envname is not None:
        check(envname in os.environ, f"the environment has no variable {envname}")
    source = path if path is not None else os.environ[envname or ""]
    file = filename or os.path.basename(source)
    check(file and file == os.path.basename(file), f"{source!r:.120} does not tell a file's name: pass filename='…'")
    config = {**kwargs, "name": name or "fetchlocal"}
    config.update({"path": path} if path is not None else {"envname": envname})
    config.update({"sha256": sha256, "mode": mode})
    if "unpack" not in mode:
        config["out_path"] = [selfref, file]

    def realize(b: Build) -> None:
        full = os.path.join(build_outpath(b), file)
        check(os.path.isfile(source), f"{source!r:.120} is no file")
        shutil.copyfile(source, full)
        found = filehash(full)
        check(found == sha256, f"{source} has the sha256 {found}, and {sha256} was expected")
        _after(full, mode)

    return mkdrv(mkconfig(config), match_only(), build_wrapper(realize), r)


def fetch(b: Build, url: str, target: str, kind: str, wanted: str, *, anew: bool) -> None:
    """Download ``url`` to ``target``; what an earlier try has left is gone on with."""
    part = f"{target}.part"
    if not anew:
        folder = os.path.join(fstmpdir(b.S), "fetch")
        os.makedirs(folder, exist_ok=True)
        part = os.path.join(folder, f"{kind}-{wanted}.part")
    download(url, part, kind, wanted)
    shutil.move(part, target)


def unpack_into(archive: str, folder: str) -> None:
    """Unpack an archive into ``folder``; one with several entries at its top into a folder of its own name.

    Raises:
        CheckError: where an entry would hide what is there already.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="_unpack") as aside:
        name = os.path.basename(archive)
        copy = os.path.join(aside, name)
        content = os.path.join(aside, "content")
        os.mkdir(content)
        try:
            os.link(archive, copy)
        except OSError:
            shutil.copyfile(archive, copy)
        before = set(os.listdir(aside))
        unpack_file(copy, content)
        for single in set(os.listdir(aside)) - before:  # a compressed file that holds no archive
            os.rename(os.path.join(aside, single), os.path.join(content, single))
        entries = os.listdir(content)
        if len(entries) == 1:
            source, entry = os.path.join(content, entries[0]), entries[0]
        else:
            source, entry = content, _stem(name)
        target = os.path.join(folder, entry)
        if os.path.lexists(target) and not os.path.samefile(target, archive):
            raise CheckError(f"{archive} holds {entry}, which is there already")
        if os.path.lexists(target):
            os.unlink(target)
        os.rename(source, target)


def filename_of(url: str, given: str | None) -> str:
    """Return the name of the file that a download is stored as; raises CheckError where there is none."""
    file = given or os.path.basename(unquote(urlparse(url).path))
    check(file and file == os.path.basename(file), f"{url!r:.120} does not tell a file's name: pass filename='…'")
    return file


def _after(full: str, mode: str) -> None:
    if "unpack" not in mode:
        return
    unpack_into(full, os.path.dirname(full))
    if "remove" in mode and os.path.isfile(full):
        os.unlink(full)


def _stem(name: str) -> str:
    """Return the name of an archive without what says how it is packed."""
    stem = name
    while os.path.splitext(stem)[1] in _SUFFIXES:
        stem = os.path.splitext(stem)[0]
    return stem if stem != name else f"{name}-content"
