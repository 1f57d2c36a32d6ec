"""The folders that programs see, with what this face's realizations have beside their tree.

Files whose name begins with an underscore, and empty folders, are no part of a realization's identity, as in
Pylightnix: they are kept with the run that made it, and the times that a realizer gave.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stageloom.model.references import DRef as ModelDRef
from stageloom.model.values import Json
from stageloom.pylightnix.configuration import planned
from stageloom.pylightnix.view import CONFIG, CONTEXT, START, STOP, View, timestring
from stageloom.store.errors import BadNameError, StoreError, explained
from stageloom.store.found import Found
from stageloom.store.trees import check_name

#: The folder, in that of a run, for files beside the tree.
BESIDE = "beside"
#: The key, in the facts of a run, for what this face keeps there.
FACTS = "pylightnix"


class Folders(View):
    """The folders of one store, as the current Pylightnix's programs know them."""

    def facts(self, found: Found) -> Mapping[str, Any]:
        """Return what was kept of the run that made a realization: its times, and its empty folders."""
        try:
            path = self._store.run_folder(found.run, found.stage) / "stage.json"
            value = json.loads(path.read_text("utf-8")).get(FACTS, {})
        except (OSError, ValueError, AttributeError, StoreError):
            return {}
        return value if isinstance(value, dict) else {}

    def times(self, found: Found) -> tuple[str | None, str | None]:
        """Return when a realization began and ended, as its realizer said; None where it wanted none."""
        facts = self.facts(found)
        if not facts:
            return timestring(found.at), timestring(found.at + found.took)
        start, stop = facts.get("start"), facts.get("stop")
        return start if isinstance(start, str) else None, stop if isinstance(stop, str) else None

    def derivation(self, dref: ModelDRef) -> Path:
        """Return the folder of a derivation, with its ``config.json``."""
        path = self.derivation_path(dref) / CONFIG
        plan = planned(self._store.derivation(dref), self._store.plan_note(dref) or "")
        text = json.dumps(plan.config, indent=4)
        try:
            right = path.read_text("utf-8") == text
        except (OSError, UnicodeDecodeError):
            right = False
        if not right and not self._store.readonly:
            self._write(path, text)
        return path.parent

    def _is_right(self, path: Path, source: Path, tree: str) -> bool:
        if not os.path.isfile(path / CONTEXT):
            return False
        wanted = {file.path for file in self._store.manifest(tree).files}
        for name in wanted:
            try:
                one, other = os.stat(path / name), os.stat(source / name)
            except OSError:
                return False
            same = (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
            if not same and (one.st_size, one.st_mtime_ns) != (other.st_size, other.st_mtime_ns):
                return False
        return all(name in wanted or name == CONTEXT or is_beside(name) for name in files_below(path))

    def _make(self, path: Path, source: Path, found: Found) -> None:  # noqa: ARG002  # the base class's
        context = {str(dref): [str(one) for one in rrefs] for dref, rrefs in self.context(found.rref).items()}
        facts = self.facts(found)
        scratch = self._store.scratch()
        with explained(self._store.path):
            self._store.lend(found.tree, scratch)
            for name in _plain(facts.get("folders")):
                os.makedirs(scratch / name, exist_ok=True)
            beside = self._store.run_folder(found.run, found.stage) / BESIDE
            if beside.is_dir():
                shutil.copytree(beside, scratch, dirs_exist_ok=True)
            start, stop = self.times(found)
            for name, text in ((CONTEXT, json.dumps(context, indent=4)), (START, start), (STOP, stop)):
                if text is not None:
                    (scratch / name).unlink(missing_ok=True)
                    self._files.create(str(scratch / name), text.encode("utf-8"), sync=False)
            self._protect(scratch)
            self._place(scratch, path)

    def _protect(self, folder: Path) -> None:
        for above, inner, names in os.walk(folder):
            for name in names:
                self._files.chmod(os.path.join(above, name), 0o444)
            for name in inner:
                self._files.chmod(os.path.join(above, name), 0o555)


def _plain(names: object) -> Iterator[str]:
    """Yield those of ``names`` that lie within a folder: the facts of a run may have come with an archive."""
    for name in names if isinstance(names, list) else ():
        with contextlib.suppress(BadNameError):
            check_name(str(name))
            yield str(name)


def is_beside(name: str) -> bool:
    """Return whether a file is no part of a realization's identity."""
    return name.rpartition("/")[2].startswith("_")


def files_below(folder: str | Path) -> Iterator[str]:
    """Yield the path, with ``/``, of each file below ``folder``, links among them."""
    for above, inner, names in os.walk(folder):
        prefix = os.path.relpath(above, folder).replace(os.sep, "/")
        links = [name for name in inner if os.path.islink(os.path.join(above, name))]
        for name in sorted([*names, *links]):
            yield name if prefix == "." else f"{prefix}/{name}"


def facts_of(start: str | None, stop: str | None, folders: list[str]) -> dict[str, Json]:
    """Return what is kept with a run; see :meth:`Folders.times`."""
    return {FACTS: {"start": start, "stop": stop, "folders": list(folders)}}
