"""Whose pins and roots are whose."""

from __future__ import annotations

import os


def workspace_name(root: str | os.PathLike[str], store: str | os.PathLike[str]) -> str:
    """Return the name under which pins of the workspace at ``root`` are kept in ``store``.

    A store within its workspace moves with it, so its name for it does not tell where it lies.
    """
    folder, home = os.path.realpath(root), os.path.realpath(store)
    within = os.path.normcase(home).startswith(os.path.normcase(folder.rstrip(os.sep) + os.sep))
    return "." if within else folder


def home_of(workspace: str, store: str | os.PathLike[str]) -> str:
    """Return the folder of the workspace that :func:`workspace_name` called so, as far as ``store`` tells it."""
    if workspace != ".":
        return workspace
    above = os.path.dirname(os.path.realpath(store))
    return os.path.dirname(above) if os.path.basename(above) == ".stageloom" else above
