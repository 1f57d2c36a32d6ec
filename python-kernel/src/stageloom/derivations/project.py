"""What a manager asks about the project: which stage function runs, and what a realizer's code reaches."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import FrameType

from stageloom.derivations.build import Realizer
from stageloom.derivations.captures import captured
from stageloom.derivations.configless import without_configurations
from stageloom.derivations.read import read_functions
from stageloom.derivations.source import StageFunction
from stageloom.model.references import DRef
from stageloom.model.values import digest
from stageloom.tracking.fingerprint import Code, UnknownCodeError
from stageloom.tracking.snapshot import Snapshot
from stageloom.tracking.sources import BadSourceError, parse


class Project:
    """A snapshot's project files, as ``tracking.loader`` imports them."""

    def __init__(self, snapshot: Snapshot, code: Code) -> None:
        self._snapshot = snapshot
        self._code = code
        self._paths = {os.path.join(snapshot.root, *path.split("/")): path for path in snapshot.files}
        self._functions: dict[str, Mapping[tuple[str, int], StageFunction]] = {}
        self._configless: dict[str, Code] = {}
        self._digests: dict[tuple[str, str, bool], str] = {}

    def stage_function(self, frame: FrameType) -> StageFunction | None:
        """Return the stage function that runs in ``frame``."""
        path = self._paths.get(frame.f_code.co_filename)
        if path is None:
            return None
        if path not in self._functions:
            found = read_functions(self._snapshot, path).functions
            self._functions[path] = {(one.name, one.first_line): one for one in found}
        return self._functions[path].get((frame.f_code.co_name, frame.f_code.co_firstlineno))

    def code(
        self, realizer: Realizer, function: StageFunction | None, needed: Mapping[str, Sequence[DRef]]
    ) -> tuple[str, Sequence[str], bool]:
        """Return the fingerprint of all that the realizer reaches; see ``manager.Surroundings``.

        A value that the realizer brings along counts by its content. Where one has no content that could be counted,
        the whole of its stage function counts, with the configuration written in it.
        """
        counted = realizer.code or realizer.function
        found = captured(counted, needed, lambda file, name: self._reach(file, name, configless=True))
        content = found.content
        if found.unknown:
            whole = captured(counted, needed, lambda file, name: self._reach(file, name, configless=False))
            own = "" if function is None else self._code.fingerprint(function.span.path, function.name).digest
            content = [whole.content, own]  # own: the realizer may be written elsewhere
        return digest("realizer/1", content), found.unknown, found.references

    def _reach(self, file: str, name: str, *, configless: bool) -> str | None:
        path = self._paths.get(file)
        if path is None:
            return None
        key = (path, name, configless)
        if key not in self._digests:
            code = self._without_configurations(path) if configless else self._code
            try:
                self._digests[key] = code.fingerprint(path, name).digest
            except UnknownCodeError:  # made by other code than a definition: its whole file counts
                self._digests[key] = f"whole {self._snapshot.files[path]}"
        return self._digests[key]

    def _without_configurations(self, path: str) -> Code:
        """Return the code of the project as if no configuration were written in the file at ``path``."""
        if path not in self._configless:
            self._configless[path] = self._code
            content = self._snapshot.read(path)
            try:
                tree, text = parse(content, path)
            except BadSourceError:
                return self._code
            bare = without_configurations(tree, text, read_functions(self._snapshot, path).functions)
            if bare != text and content.decode("utf-8", "replace").replace("\r\n", "\n") == text:
                files = {**self._snapshot.files, path: self._snapshot.blobs.put_source(bare.encode())}
                one = self._snapshot
                changed = Snapshot.make(one.root, one.entry, one.folders, files, self._snapshot.blobs, whole=one.whole)
                cache = self._code.cache
                self._configless[path] = Code(changed, self._snapshot.blobs, cache.folder, write=cache.write)
        return self._configless[path]
