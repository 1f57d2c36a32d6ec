"""What is kept beside a realization: it may be lost, never wrong."""

from __future__ import annotations

import json
import random
from pathlib import Path

from stageloom.engine.provenance import read_stage, write_stage

FACTS = {"code": 'def a():\n    return "µ"\n', "took": 0.1, "parameters": {"n": 3, "m": None}, "python": "3.11.2"}


def test_what_was_kept_is_read_back(tmp_path: Path) -> None:
    write_stage(tmp_path / "run", FACTS)
    assert read_stage(tmp_path / "run") == FACTS
    assert read_stage(tmp_path / "none") == {}


def test_a_flipped_bit_or_a_torn_end_is_never_taken_for_what_was_kept(tmp_path: Path) -> None:
    write_stage(tmp_path, FACTS)
    [file] = tmp_path.iterdir()
    whole = file.read_bytes()
    chance = random.Random(3)
    lost = 0
    for _ in range(300):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        # spaces between values, and the check's own name, tell nothing
        found = read_stage(tmp_path)
        lost += not found
        assert not found or {name: found.get(name) for name in FACTS} == FACTS
    for end in range(0, len(whole) - 1, 7):
        file.write_bytes(whole[:end])
        assert read_stage(tmp_path) == {}
    print(f"faults: 300 flips in facts of runs: {lost} told as lost, 0 wrong")
    assert lost > 200


def test_what_was_kept_before_there_were_checks_is_read(tmp_path: Path) -> None:
    (tmp_path / "stage.json").write_text(json.dumps(FACTS), encoding="utf-8")
    assert read_stage(tmp_path) == FACTS
