"""An engine holds what a run uses, and nothing between runs: garbage can be collected beside an open editor."""

from __future__ import annotations

from pathlib import Path

from host import Host

from stageloom.store.gc import Policy
from stageloom.store.store import Store

PIPELINE = """
import time
from stageloom import stage


@stage
def first():
    return 1


@stage
def slow(first):
    time.sleep(20)
    return first
"""


def test_what_a_run_uses_stays_and_is_let_go_at_its_end(tmp_path: Path):
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    with Host(tmp_path) as host:
        store = tmp_path / ".stageloom" / "store"

        def collected(*, delete: bool = False):
            with Store.open(store) as other:
                return other.gc(Policy(grace=0), delete=delete)

        first = host.start("pipeline.py", "first")
        assert host.ended(first)["first"].is_ == "done"
        host.until(lambda: len(collected().victims) == 1)
        run = host.start("pipeline.py", "slow")
        host.until(lambda: any("/slow" in job.job for job in host.jobs))
        told = collected(delete=True)
        assert (len(told.victims), told.in_use) == (0, 1)
        assert host.ended(run)["slow"].is_ == "done"
        host.until(lambda: len(collected().victims) == 2)
