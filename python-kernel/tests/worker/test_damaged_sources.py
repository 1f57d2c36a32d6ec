"""What a worker says of a snapshot, or of a source in it, that something has damaged since it was taken."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from harness import Project, Worker

from stageloom.rpc.messages import JobFailed

TEXT = 'from stageloom import stage\n\n\n@stage\ndef one():\n    return "some text"\n'


def damage(path: Path, how: str) -> None:
    os.chmod(path, 0o644)
    data = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        at = re.search(rb"some text|pipeline\.py|\"id\"", data)
        assert at is not None
        path.write_bytes(data[: at.start() + 1] + bytes([data[at.start() + 1] ^ 1]) + data[at.start() + 2 :])


@pytest.mark.parametrize("kind", ["snapshots", "sources"])
@pytest.mark.parametrize("how", ["a bit flipped", "cut", "emptied", "deleted"])
def test_a_run_says_so_and_what_to_do_and_the_worker_lives_on(
    project: Project, worker: Worker, kind: str, how: str
) -> None:
    project.write(TEXT)
    job = project.job("one")
    for path in (project.store / kind).glob("*/*"):
        damage(path, how)
    outcome = worker.outcome(job)
    assert isinstance(outcome, JobFailed)
    assert outcome.failure.kind == "store"
    assert "Realize again" in outcome.failure.advice
    project.write(TEXT.replace("some", "other"))
    worker.done(project.job("one"))
