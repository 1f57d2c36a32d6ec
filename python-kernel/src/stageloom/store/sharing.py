"""Equal files of different trees share their space: by reflink where the file system can, by hard link if allowed."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from stageloom.store.files import Files
from stageloom.store.holds import Holds
from stageloom.store.layout import Layout
from stageloom.store.ledger import Ledger
from stageloom.store.trees import Manifest, TreeFile, hash_file

#: Smaller files are not worth the look-up.
SMALLEST = 64 * 1024
#: Says which of the ways is taken, where nobody else does; another text that is not empty means hard links, too.
LINK_VARIABLE = "STAGELOOM_STORE_LINK"
#: Shared blocks where the file system can; else hard links, too; or nothing is shared.
Way: TypeAlias = Literal["reflink", "hardlink", "copy"]
# Linux: share these blocks if they are equal, which the kernel compares itself.
_FIDEDUPERANGE = 0xC0189436
_AT_ONCE = 16 << 20


def way(asked: Way | Literal[""]) -> Way:
    """Return the way that is ``asked`` for, else the environment's, else what the file system does by itself."""
    said = asked or os.environ.get(LINK_VARIABLE, "")
    if said in ("reflink", "hardlink", "copy"):
        return cast("Way", said)
    return "hardlink" if said else "reflink"


class Sharing:
    """Shares files about to be stored with equal ones that are."""

    def __init__(self, layout: Layout, files: Files, ledger: Ledger, holds: Holds, way: Way) -> None:
        self._layout = layout
        self._files = files
        self._ledger = ledger
        self._holds = holds
        self._link = way == "hardlink"
        self._clones = way != "copy" and sys.platform.startswith("linux")

    def share(self, folder: str, manifest: Manifest) -> int:
        """Share what is below ``folder``, not yet part of the store, where possible; return how many bytes are."""
        large = {file.sha256: file for file in manifest.files if file.size >= SMALLEST}
        if not large or not (self._link or self._clones):
            return 0
        known = self._ledger.ask(lambda index: index.contents(list(large)))
        shared = 0
        for sha256, (tree, path) in known.items():
            self._holds.hold_to_read([tree])
            old = os.path.join(self._layout.tree(tree), *path.split("/"))
            new = os.path.join(folder, *large[sha256].path.split("/"))
            try:
                shared += large[sha256].size if self._share(old, new, large[sha256]) else 0
            except OSError:  # what cannot be shared is stored twice
                continue
        return shared

    def note(self, manifests: Mapping[str, Manifest]) -> None:
        """Remember the files of stored trees, for equal ones to come."""
        large = [
            (file.sha256, tree, file.path)
            for tree, manifest in manifests.items()
            for file in manifest.files
            if file.size >= SMALLEST
        ]
        if large and (self._link or self._clones):
            self._ledger.note(lambda index: index.set_contents(large))

    def _share(self, old: str, new: str, file: TreeFile) -> bool:
        if self._clones and self._clone(old, new, file.size):
            return True
        return self._link and self._hard_link(old, new, file.sha256)

    def _clone(self, old: str, new: str, size: int) -> bool:
        import fcntl

        source = os.open(old, os.O_RDONLY)
        try:
            target = self._files.open(new, os.O_RDWR)
            try:
                for start in range(0, size, _AT_ONCE):
                    length = min(_AT_ONCE, size - start)
                    asked = struct.pack("=QQHHIqQQiI", start, length, 1, 0, 0, target, start, 0, 0, 0)
                    answer = fcntl.ioctl(source, _FIDEDUPERANGE, asked)
                    status = struct.unpack("=QQHHIqQQiI", answer)[8]
                    if status != 0:  # negative: not possible; 1: they differ, one of them is damaged
                        self._clones = self._clones and status == 1
                        return False
            finally:
                os.close(target)
        except OSError:
            self._clones = False
            return False
        finally:
            os.close(source)
        return True

    def _hard_link(self, old: str, new: str, sha256: str) -> bool:
        if hash_file(old) != sha256:
            return False
        aside = f"{new}.{os.urandom(4).hex()}"
        self._files.link(old, aside)
        self._files.rename(aside, new)
        return True
