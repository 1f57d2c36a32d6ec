"""A stage for which several realizations may stand: they are made at once, each with a lock and a job of its own."""

from __future__ import annotations

from stageloom.engine.job import Job
from stageloom.engine.look import Looked
from stageloom.model.classes import dataclass, field
from stageloom.rpc.messages import Failure
from stageloom.store.commit import Prepared
from stageloom.store.locks import Lock


@dataclass(slots=True)
class Several:
    """What is being made of one stage: ``todo`` are the instances not begun, ``jobs`` those at work.

    ``placed`` are the realizations made so far. The first ``failure`` keeps the rest from beginning. ``tries`` is how
    often one of them failed and was tried again.
    """

    looked: Looked
    locks: list[Lock]
    todo: list[int]
    jobs: dict[int, Job] = field(default_factory=dict)
    placed: list[Prepared] = field(default_factory=list)
    failure: Failure | None = None
    tries: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many realizations were asked for."""
        return len(self.locks)

    def fail(self, failure: Failure) -> None:
        """Note why it failed; what is at work may finish, and is kept."""
        self.failure = self.failure or failure
        self.todo.clear()

    def stop(self, instance: int) -> None:
        """Ask one of those at work to stop; from any thread."""
        job = self.jobs.get(instance)
        if job is not None:
            job.cancel()

    def cancel(self) -> None:
        """Ask what is at work to stop."""
        self.todo.clear()
        for job in self.jobs.values():
            job.cancel()

    def release(self) -> None:
        """Let others at the same work."""
        for lock in self.locks:
            lock.release()
