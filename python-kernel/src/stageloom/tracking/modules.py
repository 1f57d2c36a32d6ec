"""Which files of the project a module's name stands for: the rule by which Python finds them, on relative paths.

Folders and files are named relative to the project's root, with ``/``; the root itself is ``""``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence

from stageloom.model.classes import dataclass

OWN_PACKAGE = "stageloom"


@dataclass(frozen=True, slots=True)
class Found:
    """What a dotted name stands for.

    ``files`` run when it is imported, outermost package first. ``file`` is the module itself, None for a package
    without ``__init__.py``, whose submodules lie in ``folders``; a plain module has no folders.
    """

    files: tuple[str, ...]
    file: str | None
    folders: tuple[str, ...]


def join(folder: str, name: str) -> str:
    """Return the path of ``name`` in ``folder``."""
    return f"{folder}/{name}" if folder else name


def parent(path: str) -> str:
    """Return the folder of ``path``."""
    return path.rpartition("/")[0]


def module_name(path: str, folders: Sequence[str]) -> str:
    """Return the name under which the file at ``path`` is imported, where modules are looked for in ``folders``.

    A file that no ``import`` could name, or that a module of the standard library would hide, gets a name of its own.
    """
    for folder in folders:
        if not folder or path.startswith(f"{folder}/"):
            inner = path[len(folder) + 1 :] if folder else path
            parts = inner.removesuffix(".py").removesuffix("/__init__").split("/")
            if all(part.isidentifier() for part in parts) and parts[0] not in sys.stdlib_module_names:
                return ".".join(parts)
    return "project_" + re.sub(r"\W", "_", path.removesuffix(".py"))


class Modules:
    """Finds modules in ``folders``, in that order, given what is there."""

    def __init__(
        self, folders: Sequence[str], is_file: Callable[[str], bool], is_folder: Callable[[str], bool]
    ) -> None:
        self.folders = tuple(folders)
        self._is_file = is_file
        self._is_folder = is_folder
        self._known: dict[str, Found | None] = {}

    def find(self, name: str) -> Found | None:
        """Return what the absolute name ``a.b.c`` stands for; None if it isn't all in the project.

        This package itself is never part of one, even where somebody works on it.
        """
        if name not in self._known:
            before, _, last = name.rpartition(".")
            found: Found | None
            if before:
                package = self.find(before)
                found = None if package is None else self.within(package, last)
            else:
                found = self._step((), self.folders, last) if last != OWN_PACKAGE else None
            self._known[name] = found
        return self._known[name]

    def relative(self, path: str, level: int, name: str) -> Found | None:
        """Return what ``name`` with ``level`` dots before it stands for in the file at ``path``."""
        if level == 0:
            return self.find(name)
        folder = parent(path)
        for _ in range(level - 1):
            if not folder:
                return None
            folder = parent(folder)
        package = self._package((), (folder,))
        found: Found | None = package
        for part in name.split(".") if name else ():
            found = None if found is None else self.within(found, part)
        return found

    def within(self, package: Found, name: str) -> Found | None:
        """Return the submodule ``name`` of ``package``."""
        return self._step(package.files, package.folders, name)

    def _step(self, files: tuple[str, ...], folders: Sequence[str], name: str) -> Found | None:
        portions = []
        for folder in folders:
            path = join(folder, name)
            if self._is_file(f"{path}/__init__.py"):
                return self._package(files, (path,))
            if self._is_file(f"{path}.py"):
                return Found((*files, f"{path}.py"), f"{path}.py", ())
            if self._is_folder(path):
                portions.append(path)
        return Found(files, None, tuple(portions)) if portions else None

    def _package(self, files: tuple[str, ...], folders: tuple[str, ...]) -> Found:
        init = join(folders[0], "__init__.py")
        if self._is_file(init):
            return Found((*files, init), init, folders)
        return Found(files, None, folders)
