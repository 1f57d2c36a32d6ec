"""Every built-in type of artifact, hashed in fresh processes under many hash seeds, read back and hashed again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

PROGRAM = """
import json, sys
from pathlib import Path
out, before = Path(sys.argv[1]), sys.argv[2]
sys.path[:0] = [{artifacts!r}, {here!r}]
from hash_seed_values import VALUES
from stageloom.artifacts.values import load, save
from stageloom.store.trees import scan

told = {{}}
for name, make in VALUES.items():
    (out / name).mkdir(parents=True)
    save(make(), out / name)
    told[name] = [scan(str(out / name)).tree]
    again = out / (name + "-again")
    again.mkdir()
    value = load(Path(before or out) / name, mmap=False)
    if isinstance(value, Path) and value.is_file():  # a figure comes back as the file of its picture
        value = value.read_bytes()
    save(value, again)
    told[name].append(scan(str(again)).tree)
print(json.dumps(told))
"""


def trees(tmp_path: Path, seeds: int) -> None:
    program = PROGRAM.format(artifacts=str(HERE.parent / "artifacts"), here=str(HERE))
    first: dict[str, list[str]] = {}
    before = ""
    for seed in range(seeds):
        out = tmp_path / str(seed)
        done = subprocess.run(
            [sys.executable, "-c", program, str(out), before],
            env={
                **os.environ,
                "PYTHONHASHSEED": str(seed * 7919),
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "MPLBACKEND": "agg",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        first = first or told
        differing = [name for name in first if told[name][0] != first[name][0]]
        assert differing == [], f"seed {seed}: not the bytes of the first process"
        again = [name for name in first if told[name][1] != first[name][1]]
        assert again == [], f"seed {seed}: read back it is not what it was in the first process"
        changed = [name for name in first if told[name][1] != told[name][0]]
        assert changed == ["figure"], f"seed {seed}: what another process wrote is not what it is once read"
        before = str(out)
    assert len(first) > 20
    print(f"faults: {len(first)} types of artifacts under {seeds} hash seeds, made fresh and read back: 0 differ")


def test_some_hash_seeds(tmp_path):
    pytest.importorskip("numpy")
    trees(tmp_path, 4)


@pytest.mark.faults
def test_twenty_hash_seeds(tmp_path):
    pytest.importorskip("numpy")
    trees(tmp_path, 20)
