"""Downloading and unpacking as two stages."""

from __future__ import annotations

import hashlib
import os
from typing import Any
from urllib.request import pathname2url

from stageloom.pylightnix.build import build_outpath, build_wrapper
from stageloom.pylightnix.configuration import mkconfig
from stageloom.pylightnix.errors import CheckError, check
from stageloom.pylightnix.lens import mklens
from stageloom.pylightnix.matchers import match_only
from stageloom.pylightnix.planning import mkdrv
from stageloom.pylightnix.references import selfref
from stageloom.pylightnix.stages.fetch import fetch, filename_of, unpack_into
from stageloom.pylightnix.types import Build, DRef, RefPath, Registry
from stageloom.pylightnix.utils import filehash


def fetchurl2(
    url: str,
    sha256: str | None = None,
    sha1: str | None = None,
    name: str | None = None,
    filename: str | None = None,
    force_download: bool = False,
    r: Registry | None = None,
    **kwargs: Any,
) -> DRef:
    """Make a stage that downloads ``url`` and checks its hash; the configuration promises the file as ``out``.

    The hash of a file of this machine need not be given: it is computed now.
    """
    if sha256 is None and sha1 is None:
        if not os.path.isfile(url):
            raise CheckError("fetchurl2 takes sha256='…', or sha1='…', of what there is to download")
        sha256 = filehash(url)
        url = f"file:{pathname2url(os.path.abspath(url))}"
    check(sha256 is None or sha1 is None, "fetchurl2 takes sha256 or sha1, not both")
    file = filename_of(url, filename)
    kind, wanted = ("sha256", sha256) if sha256 is not None else ("sha1", sha1)
    config = {"name": name or "fetchurl2", kind: wanted, "out": [selfref, file], **kwargs}

    def realize(b: Build) -> None:
        fetch(b, url, os.path.join(build_outpath(b), file), kind, wanted or "", anew=force_download)

    return mkdrv(mkconfig(config), match_only(), build_wrapper(realize), r)


def unpack(
    path: str | None = None,
    refpath: RefPath | None = None,
    name: str | None = None,
    sha256: str | None = None,
    sha1: str | None = None,
    aunpack_args: list[str] = [],  # only read
    r: Registry | None = None,
    **kwargs: Any,
) -> DRef:
    """Make a stage that unpacks an archive: the file ``path``, or one of another stage, ``refpath``.

    ``aunpack_args`` is kept in the configuration and has no other effect: no program is run.
    """
    check((path is None) != (refpath is None), "unpack takes path='…', or refpath=[dref, '…']")
    config: dict[str, Any] = {
        "name": name or "unpack",
        "path": path,
        "refpath": refpath,
        "aunpack_args": list(aunpack_args),
    }
    wanted = {kind: value for kind, value in (("sha1", sha1), ("sha256", sha256)) if value is not None}
    config.update(wanted)
    config.update(kwargs)

    def realize(b: Build) -> None:
        lens = mklens(b)
        archive = lens.get("refpath").syspath if lens.get("refpath").optval is not None else lens.get("path").val
        check(os.path.isfile(archive), f"{archive} is no file")
        for kind, value in wanted.items():
            found = _hash(archive, kind)
            check(found == value, f"{archive} has the {kind} {found}, and {value} was expected")
        unpack_into(archive, build_outpath(b))

    return mkdrv(mkconfig(config), match_only(), build_wrapper(realize), r)


def _hash(path: str, kind: str) -> str:
    state = hashlib.new(kind)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()
