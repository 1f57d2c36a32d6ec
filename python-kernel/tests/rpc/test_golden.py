"""The recorded conversation is what this version says, and the generated files are what the messages say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import golden

from stageloom.rpc.messages import METHODS
from stageloom.rpc.wire import encode

ROOT = Path(__file__).resolve().parents[3]


def test_the_conversation_is_what_this_version_reads_and_writes() -> None:
    for line in golden.lines():
        typed = line.typed()
        if line.sender != "host":
            assert encode(typed) == line.message[line.part], f"{line.method.name}: run tests/rpc/golden.py"


def test_the_conversation_holds_every_method() -> None:
    assert {(line.method.name, line.part) for line in golden.lines()} == {
        (method.name, part)
        for method in METHODS
        for part in ("params", *(() if method.result is None else ("result",)))
    }


def test_the_generated_typescript_is_up_to_date() -> None:
    generator = ROOT / "python-kernel" / "tools" / "protocol.py"
    folder = ROOT / "extension" / "src" / "protocol" / "kernel"
    checked = subprocess.run(
        [sys.executable, "-I", generator, folder, "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_drift_is_noticed(tmp_path: Path) -> None:
    generator = ROOT / "python-kernel" / "tools" / "protocol.py"
    for name in ("messages.gen.ts", "schema.gen.json"):
        text = (ROOT / "extension" / "src" / "protocol" / "kernel" / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("overlays", "layers"), "utf-8")
    checked = subprocess.run(
        [sys.executable, "-I", generator, tmp_path, "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 1
    assert "npm run protocol" in checked.stderr
