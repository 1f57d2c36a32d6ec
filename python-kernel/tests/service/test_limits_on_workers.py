"""Retries and time limits on workers: the worker that takes too long is cancelled, and another one tries."""

from __future__ import annotations

import time
from pathlib import Path

from host import Host

STAGES = """
import os, time
from stageloom import stage


@stage(timeout=1)
def slow():
    print("begun", flush=True)
    time.sleep(60)


@stage(retries=1)
def dies():
    if not os.path.exists({flag!r}):
        open({flag!r}, "w").close()
        os.kill(os.getpid(), 9)
    return 1


@stage
def waits(dies):
    return dies
"""


def test_a_worker_that_takes_too_long_is_cancelled_and_one_that_dies_is_followed_by_another(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(STAGES.format(flag=str(tmp_path / "flag")), "utf-8")
    with Host(tmp_path) as host:
        begun = time.monotonic()
        ended = host.ended(host.start("p.py"))
        assert time.monotonic() - begun < 50
        assert [(name, ended[name].is_) for name in ("slow", "dies", "waits")] == [
            ("slow", "failed"),
            ("dies", "done"),
            ("waits", "done"),
        ]
        assert ended["slow"].failure.kind == "timeout"
        assert 0.9 < ended["slow"].took < 30
        assert len([job for job in host.jobs if job.job.endswith("/dies")]) == 2
        assert any("try 2 of 2" in text for stage, text in host.logs if stage == "dies")


def test_the_time_in_the_queue_does_not_count(tmp_path: Path) -> None:
    text = "from stageloom import stage\nimport time\n@stage(timeout=12)\ndef a():\n    time.sleep(0.5)\n    return 1\n"
    (tmp_path / "p.py").write_text(text, "utf-8")
    with Host(tmp_path) as host:
        host.queue = lambda _: time.sleep(12.5) is None
        assert host.ended(host.start("p.py"))["a"].is_ == "done"
