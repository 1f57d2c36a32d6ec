from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from stageloom.derivations.language import Derivations
from stageloom.derivations.plan import plan
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.loader import install, uninstall
from stageloom.tracking.snapshot import MemoryBlobs, take


@dataclass
class Project:
    """A pipeline file on disk and what is planned of it, by the real snapshot and the real fingerprints."""

    root: Path
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)

    def write(self, text, path="stages.py"):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), "utf-8")
        return self

    def plan(self, sets=None, path="stages.py"):
        snapshot = take(self.root, path, {}, self.blobs)
        loader = install(snapshot, self.blobs)
        try:
            return plan(loader.load(path), path, snapshot, Code(snapshot, self.blobs, None), sets or {})
        finally:
            uninstall(loader)
            for name in [name for name, module in sys.modules.items() if self._is_own(module)]:
                del sys.modules[name]
            sys.path[:] = [folder for folder in sys.path if folder != str(self.root)]

    def read(self, sets=None, path="stages.py", ask=True):
        snapshot = take(self.root, path, {}, self.blobs)
        asked = (lambda _snapshot, _path, sets: self.plan(sets)) if ask is True else ask or None
        code = Code(snapshot, self.blobs, None)
        targets, problems = Derivations().read(snapshot, path, code, asked, sets or {}, self.blobs)
        return {one.name: one for one in targets}, problems

    def _is_own(self, module):
        return str(getattr(module, "__file__", None) or "").startswith(str(self.root))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)
