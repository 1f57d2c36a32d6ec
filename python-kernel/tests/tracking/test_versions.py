"""A fingerprint made by one Python is that of every other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
VERSIONS = ("3.10.13", "3.11.7", "3.12.1", "3.13.0", "3.14.0")


def pythons() -> dict[str, Path]:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {version: root / version / "bin" / "python" for version in VERSIONS}
    return {version: path for version, path in found.items() if path.exists()}


def standard_library() -> Path:
    """The oldest standard library there is, whose files every Python here can parse."""
    oldest = next(iter(pythons().values()), Path(sys.executable))
    done = subprocess.run(
        [str(oldest), "-c", "import os; print(os.path.dirname(os.__file__))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(done.stdout.strip())


def digests(python: Path, folders: list[str]) -> dict[str, str | None]:
    done = subprocess.run(
        [str(python), str(HERE / "print_canonical.py"), *folders],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{SOURCES}{os.pathsep}{HERE}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    result: dict[str, str | None] = json.loads(done.stdout)
    return result


def test_all_versions_agree() -> None:
    found = pythons()
    if len(found) < 2:
        pytest.skip(f"needs two of the Pythons {', '.join(VERSIONS)} under pyenv; found {', '.join(found) or 'none'}")
    folders = [str(SOURCES / "stageloom" / "tracking"), str(standard_library())]
    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(found, pool.map(lambda python: digests(python, folders), found.values()), strict=True))
    first, *others = results
    assert len(results[first]) > 300
    for other in others:
        differing = [
            key
            for key, value in results[first].items()
            if results[other][key] is not None and value is not None and results[other][key] != value
        ]
        assert not differing, f"{first} and {other} differ on {differing[:5]}"
    newest = results[others[-1]]
    assert None not in newest.values(), "the newest Python can't parse a snippet of the test"
