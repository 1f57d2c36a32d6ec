"""The disk a store is on. SQLite and locks need one of this host; on a network the index stays in a local cache."""

from __future__ import annotations

import hashlib
import os
import sys

_NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "fuse.sshfs")
)


def network_kind(path: str) -> str:
    """Return the kind of network file system that ``path`` is on, ``""`` where it is none or cannot be told."""
    if sys.platform == "win32":
        return "network share" if path.startswith("\\\\") else ""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            return kind_from(file.read(), os.path.realpath(path))
    except OSError:
        return ""


def kind_from(mounts: str, path: str) -> str:
    """Return what :func:`network_kind` does, from the text of Linux's table of mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) > 2:
            point = fields[1].replace("\\040", " ")
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best):
                best, kind = point, fields[2]
    return kind if kind in _NETWORK else ""


def local_index(root: str) -> str:
    """Return where this host keeps the index of the store at ``root``; makes the folder."""
    base = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_CACHE_HOME")
    folder = os.path.join(base or os.path.expanduser(os.path.join("~", ".cache")), "stageloom", "index")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, hashlib.sha256(os.path.realpath(root).encode()).hexdigest()[:32] + ".sqlite")
