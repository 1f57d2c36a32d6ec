"""What the descriptors are captured in goes with the process, on each system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src"
CODE = """
import os
from stageloom.worker.capture import Capture
Capture(lambda name, text: None)
print("said")
os.system("echo by a child")
os._exit(0)
"""


def test_no_log_stays_in_the_temporary_folder(tmp_path: Path) -> None:
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(tmp_path))
    env = {**os.environ, **places, "PYTHONPATH": str(SOURCES)}
    subprocess.run([sys.executable, "-c", CODE], env=env, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []
