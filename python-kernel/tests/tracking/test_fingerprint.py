"""The table of edits, and what a fingerprint says of what it couldn't resolve."""

from __future__ import annotations

from pathlib import Path

import pytest
from fingerprint_cases import CASES, Case

from stageloom.tracking.fingerprint import Code, Fingerprint
from stageloom.tracking.snapshot import take

NOWHERE = Path("/nowhere")


def code_of(files: dict[str, str], cache: Path | None = None) -> Code:
    return Code(take(NOWHERE, "pipeline.py", files), None, cache)


def fingerprint(files: dict[str, str]) -> Fingerprint:
    return code_of(files).fingerprint("pipeline.py", "s")


@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{one.expected}: {one.title}")
def test_table(one: Case) -> None:
    before, after = fingerprint(one.before), fingerprint(one.after)
    assert (before.digest == after.digest) == (one.expected == "hit")


def test_the_table_is_what_it_claims(capsys: pytest.CaptureFixture[str]) -> None:
    titles = [one.title for one in CASES]
    assert len(set(titles)) == len(titles)
    hits = sum(one.expected == "hit" for one in CASES)
    with capsys.disabled():
        print(f"\n{len(CASES)} edits: {hits} must hit, {len(CASES) - hits} must miss")
    assert len(CASES) >= 60
    assert hits >= 20
