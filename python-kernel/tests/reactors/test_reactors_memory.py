"""Data larger than memory: in a process that may not have as much, by the system's limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit, and what it counts, are Linux's")
@pytest.mark.parametrize(
    ("data", "memory"), [(800, 200), pytest.param(8192, 1024, marks=pytest.mark.faults)], ids=["800MB", "8GB"]
)
def test_data_larger_than_memory_flows(tmp_path, data, memory):
    pytest.importorskip("numpy")
    done = subprocess.run(
        [sys.executable, str(HERE / "larger_than_memory.py"), str(tmp_path / "plant"), str(data), str(memory)],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{data} MB through a limit of {memory} MB" in done.stdout, done.stdout
    assert "0 MB of shared memory" in done.stdout, "nothing is spilled there"
    print(f"faults: {done.stdout.strip()}")
