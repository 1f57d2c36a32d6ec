"""Jobs in the caller's own process and thread: the command line's way, and a library's."""

from __future__ import annotations

from collections.abc import Callable

from stageloom.engine.language import Check, JobListener, never
from stageloom.rpc.messages import Failure, JobFailed, JobOutcome, MatchJob, PlanJob, RealizeJob


class InlineExecutor:
    """Runs each job where it is submitted, so :meth:`submit` returns when it has ended."""

    blocks = True

    def submit(
        self, job: RealizeJob, pool: str, listener: JobListener, done: Callable[[JobOutcome], None]
    ) -> Callable[[], None]:
        """Run ``job`` now; an interrupt of this process cancels it."""
        from stageloom.worker.jobs import realize

        del pool
        listener.changed("running")
        try:
            outcome = realize(job, listener)
        except KeyboardInterrupt:
            outcome = JobFailed(Failure("cancelled", "interrupted"))
        done(outcome)
        return lambda: None

    def plan(self, job: PlanJob | MatchJob, check: Check = never) -> JobOutcome:
        """Run the pipeline file in this process, or ask a matcher of it."""
        from stageloom.worker.jobs import match, plan

        del check
        return match(job) if isinstance(job, MatchJob) else plan(job)
