from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import manual_story
import pytest

from stageloom.pylightnix import manual


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace of its own, where nothing is in place yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STAGELOOM_STORE", str(tmp_path / "store"))
    manual_story.RAN.clear()
    manual.PYLIGHTNIX_MANAGER.builders.clear()
    return tmp_path


@pytest.fixture
def S(tmp_path: Path) -> manual.StorageSettings:
    """A storage beside the default one."""
    return manual.mksettings(str(tmp_path / "storage"))
