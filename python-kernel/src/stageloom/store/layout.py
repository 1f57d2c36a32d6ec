"""Where things are in a store's folder."""

from __future__ import annotations

import hashlib
import os
import re

from stageloom.model.classes import dataclass
from stageloom.model.references import DRef, RRef, make_name

#: The folders of a store. Anything else in it is not ours.
FOLDERS = (
    "derivations",
    "records",
    "trees",
    "snapshots",
    "sources",
    "runs",
    "journal",
    "locks",
    "scratch",
    "cache",
    "damaged",
)
#: Folders that others may have made in a store from what is in it; they can be deleted at any time.
VIEWS = ("faces",)
#: The files directly in a store's folder.
FILES = ("format.json", "index.sqlite", "index.sqlite-wal", "index.sqlite-shm")

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z")


def is_reserved(name: str) -> bool:
    """Return whether Windows keeps this file name for a device."""
    return _RESERVED.match(name) is not None


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below ``root``, as text: they are made by the thousand, where ``Path`` is slow."""

    root: str

    def at(self, *parts: str) -> str:
        """Return the path of ``parts`` below the root."""
        return os.path.join(self.root, *parts)

    def derivation(self, dref: DRef) -> str:
        """The canonical plan of a stage."""
        return os.path.join(self.root, "derivations", dref.hash[:2], f"{dref.hash}.json")

    def record(self, rref: RRef) -> str:
        """What was made of what."""
        return os.path.join(self.root, "records", rref.hash[:2], f"{rref.hash}.json")

    def tree(self, tree: str) -> str:
        """The folder of artifacts."""
        return os.path.join(self.root, "trees", tree[:2], tree)

    def manifest(self, tree: str) -> str:
        """The list of a tree's files."""
        return os.path.join(self.root, "trees", tree[:2], f"{tree}.json")

    def source(self, sha256: str) -> str:
        """A source file as runs used it."""
        return os.path.join(self.root, "sources", sha256[:2], sha256)

    def snapshot(self, identity: str) -> str:
        """The list of a snapshot's files."""
        return os.path.join(self.root, "snapshots", identity[:2], f"{identity}.json")

    def run(self, run: str, stage: str) -> str:
        """The provenance of one stage in one run; a run's name begins with its year and month."""
        month = run[:6] if run[:6].isdigit() else "other"
        return os.path.join(self.root, "runs", month, _folder_name(run), _folder_name(stage))


def _folder_name(text: str) -> str:
    """Return ``text`` as a folder name on every system; a hash keeps apart what would fall together."""
    name = make_name(text)[:60].rstrip(".")
    if name == text and name == name.lower() and not is_reserved(name):
        return name
    return f"{name}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
