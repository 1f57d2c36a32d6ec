"""Every public name, compared with Pylightnix's release: the same small programs run under both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from pylightnix_peer import cases, differences

import stageloom.pylightnix
from stageloom.pylightnix import imports

SOURCES = Path(__file__).resolve().parents[2] / "src"


def _run(python: str, module: str, folder: Path, sources: str = "") -> Any:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYLIGHTNIX_", "STAGELOOM_"))}
    environment |= {"PYTHONPATH": sources, "HOME": str(folder), "TMPDIR": str(folder), "TZ": "UTC"}
    done = subprocess.run(
        [python, str(differences.CASES), module],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return _run(sys.executable, "stageloom.pylightnix", tmp_path_factory.mktemp("here"), str(SOURCES))


@pytest.fixture(scope="session")
def there(tmp_path_factory: pytest.TempPathFactory) -> Any:
    python = _peers()
    asked = subprocess.run([python, "-c", "import pylightnix"], capture_output=True, encoding="utf-8", check=False)
    if asked.returncode != 0:
        pytest.skip(f"Pylightnix 0.3.0 cannot be imported by {python}: {asked.stderr.strip().splitlines()[-1]}")
    return _run(python, "pylightnix", tmp_path_factory.mktemp("there"))


def _peers() -> str:
    given = os.environ.get("STAGELOOM_PEERS_PYTHON")
    if given:
        return given
    made = sorted(Path.home().glob(".cache/stageloom/python-bench-*/.complete"), key=lambda path: path.stat().st_mtime)
    if made:
        return str(made[-1].parent / "bin" / "python")
    why = os.environ.get("STAGELOOM_PEERS_MISSING", "npm test makes it")
    pytest.skip(f"there is no environment with Pylightnix's release: {why}")


@pytest.mark.parametrize("program", list(cases.CASES))
def test_program(program: str, here: Any, there: Any) -> None:
    mine, theirs = here["cases"][program], there["cases"][program]
    assert not isinstance(mine, str) or not mine.startswith("raised "), mine
    if program in differences.DIFFERENT:
        assert mine != theirs, "it is the same now: take it out of differences.py"
    elif program in differences.NEWER:
        assert "has no attribute" in theirs, "the release has it: compare it"
    else:
        assert mine == theirs


@pytest.mark.parametrize("program", list(cases.CASES))
def test_program_here(program: str, here: Any) -> None:
    mine = here["cases"][program]
    assert not isinstance(mine, str) or not mine.startswith("raised "), mine


def test_every_public_name_is_in_a_program() -> None:
    tested = {name for names in differences.uses().values() for name in names}
    own = set(stageloom.pylightnix.__all__) - set(imports.__all__) - {"__version__"}
    beyond = {"CheckError", "ConfigError", "WrongFaceError"}
    assert own - tested - beyond == set()


def test_names_of_the_release_are_there(there: Any) -> None:
    left_out = {name for names in differences.LEFT_OUT for name in names.split(", ")}
    missing = {name for name in there["names"] if not hasattr(stageloom.pylightnix, name)}
    assert missing == left_out & set(there["names"])


def test_names_of_the_standard_library_are_its_own() -> None:
    assert all(not isinstance(getattr(stageloom.pylightnix, name), types.ModuleType) for name in imports.__all__)


def test_the_table_in_the_documentation() -> None:
    text = differences.PAGE.read_text(encoding="utf-8")
    squeezed = [" ".join(part.split()) for part in (text, differences.page(text))]
    assert squeezed[0].replace("-", "") == squeezed[1].replace("-", ""), (
        "run python tests/pylightnix/pylightnix_peer/differences.py"
    )
