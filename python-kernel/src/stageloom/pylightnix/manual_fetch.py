"""A stage that downloads a file, checks its hash and unpacks it, with nothing but Python."""

from __future__ import annotations

import os
import shutil
from typing import Any
from urllib.parse import unquote, urlparse

from stageloom.derivations.configuration import selfref
from stageloom.pylightnix.download import download, unpack_file
from stageloom.pylightnix.manual_build import Build, build_cattrs, build_outpath, build_wrapper
from stageloom.pylightnix.manual_config import mkconfig
from stageloom.pylightnix.manual_manager import Manager
from stageloom.pylightnix.manual_matching import match_only
from stageloom.pylightnix.manual_realize import mkdrv
from stageloom.pylightnix.manual_storage import fstmpdir
from stageloom.pylightnix.manual_types import DRef, UsageError


def fetchurl(
    m: Manager,
    url: str,
    sha256: str | None = None,
    sha1: str | None = None,
    mode: str = "unpack,remove",
    name: str | None = None,
    filename: str | None = None,
    force_download: bool = False,
    check_promises: bool = True,
    **kwargs: Any,
) -> DRef:
    """Make a stage that downloads ``url``, checks its hash, and unpacks it where ``mode`` says so.

    ``mode`` holds the words ``unpack`` and ``remove`` (the archive, once unpacked). Without ``unpack`` the
    configuration promises the file as ``out_path``. ``kwargs`` is more configuration. An interrupted download is taken
    up again unless ``force_download``.

    Raises:
        UsageError: without a hash, or with two, or without a name for the file.
    """
    del check_promises  # a promise is always checked
    file = filename or os.path.basename(unquote(urlparse(url).path))
    if not file or file != os.path.basename(file):
        raise UsageError(f"{url} does not tell a file's name: pass filename='…'")
    if (sha256 is None) == (sha1 is None):
        raise UsageError(f"fetchurl takes sha256='…' (or sha1='…') of what {url} holds")
    kind, wanted = ("sha256", sha256) if sha256 is not None else ("sha1", sha1)
    config = {**kwargs, "name": name or "fetchurl", "url": url, kind: wanted, "mode": mode}
    if "unpack" not in mode:
        config["out_path"] = [selfref, file]

    def fetch(b: Build) -> None:
        asked: Any = build_cattrs(b)
        folder = build_outpath(b)
        part = os.path.join(folder if force_download else fstmpdir(b.S), f"{b.dref.partition(':')[2]}.part")
        download(asked.url, part, kind, wanted or "")
        full = os.path.join(folder, file)
        shutil.move(part, full)
        if "unpack" in asked.mode:
            unpack_file(full, folder)
            if "remove" in asked.mode:
                os.unlink(full)

    return mkdrv(m, mkconfig(config), match_only(), build_wrapper(fetch))
