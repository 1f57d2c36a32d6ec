"""Workers and projects for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Project, Worker


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    made.connect()
    yield made
    made.close()
