"""The driver around the schedule: looks up, locks, submits jobs, has what they made stored, and tells a listener."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from itertools import count as count_from
from typing import Literal

from stageloom.engine import failures, last_run
from stageloom.engine import schedule as plan
from stageloom.engine.failures import store_failure
from stageloom.engine.job import Job, Jobs
from stageloom.engine.language import CannotPlanError, Executor, Pipeline
from stageloom.engine.limits import Clock, after_tries, overdue, worth_another
from stageloom.engine.look import Choice, Looked, look
from stageloom.engine.observed import Observed
from stageloom.engine.provenance import Recorder, keep_try
from stageloom.engine.saving import Saved, Saver
from stageloom.engine.several import Several
from stageloom.engine.telling import Entry, RunListener, Teller
from stageloom.engine.within import waits_for
from stageloom.model.classes import dataclass, replace
from stageloom.rpc.messages import Failure, JobDone, JobFailed, JobOutcome, Realized
from stageloom.rpc.mismatch import WireError
from stageloom.rpc.wire import decode
from stageloom.store.errors import DamagedError, DiskFullError, LockedError, NotStoredError, StoreError
from stageloom.store.locks import Lock
from stageloom.store.store import Store, lock_key, new_run
from stageloom.store.unmade import Unmade

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. ``entries`` holds every stage of it; ``first_failure`` the stage that failed first."""

    run: str
    outcome: plan.Outcome
    states: Mapping[str, plan.StageState]
    entries: Mapping[str, Entry]
    first_failure: str | None = None


@dataclass(frozen=True, slots=True)
class _Ended:
    name: str
    outcome: JobOutcome
    instance: int | None = None


@dataclass(frozen=True, slots=True)
class _Changed:
    name: str
    is_: Literal["waiting", "running"]
    at: float


class _Cancelled:
    """Asks the run to stop."""


_Event = _Changed | _Ended | Saved | _Cancelled


class Run:
    """Realizes some stages of a pipeline. One use; :meth:`execute` blocks, :meth:`cancel` may come from any thread."""

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        targets: Iterable[str],
        executor: Executor,
        listener: RunListener,
        run: str = "",
        note: Callable[[Pipeline, Mapping[str, Choice]], None] | None = None,
    ) -> None:
        self._note = note
        self.run = run or new_run(time.time())
        self._store = store
        self._pipeline = pipeline
        self._executor = executor
        self._teller = Teller(listener, self.cancel)
        self._wording = Jobs(self.run, store, pipeline)
        needs = {
            name: tuple(dict.fromkeys(needed for names in target.dependencies.values() for needed in names))
            for name, target in pipeline.targets.items()
        }
        self.order = plan.closure(needs, targets)
        self._schedule = plan.Schedule({name: needs[name] for name in self.order})
        self._entries = {name: Entry() for name in self.order}
        self._choices: dict[str, Choice] = {}
        self._observed = Observed(pipeline)
        self._looked: dict[str, Looked] = {}
        self._jobs: dict[str, Job] = {}
        self._several: dict[str, Several] = {}
        self._instances_tried: dict[str, set[int]] = {}
        self._locked_out: dict[str, Looked] = {}
        self._ready: dict[str, None] = {}
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._saver = Saver(store, self._hear_saved)
        self._waited: set[str] = set()
        self._ran: set[str] = set()
        self._standing_for: dict[str, list[str]] = {}
        self._first_failure: str | None = None
        self._outcome: plan.Outcome | None = None

    def cancel(self) -> None:
        """Ask the run to stop; what has finished is kept."""
        self._events.put(_Cancelled())

    def execute(self) -> RunResult:
        """Run until nothing is left to do."""
        self._pipeline.blobs.keep(self._pipeline.snapshot)
        try:
            self._follow(self._schedule.begin())
            while self._outcome is None:
                if self._ready and self._events.empty():
                    self._start_next()
                else:
                    self._take(self._wait())
        finally:
            for job in self._jobs.values():  # an error ended the run: who comes next must not wait for it
                job.cancel()
                job.lock.release()
            for several in self._several.values():
                several.cancel()
                several.release()
            self._saver.flush(last=True)  # what finished is kept, whatever ended the run
        if self._note is not None:
            self._note(self._pipeline, self._choices)
        return RunResult(self.run, self._outcome, self._schedule.state, self._entries, self._first_failure)

    def _wait(self) -> list[_Event]:
        """Return all events that are there, waiting for one; looks again at what another process was running."""
        events: list[_Event] = []
        if self._events.empty() and not self._jobs and not self._several:
            self._saver.flush(last=True)  # nothing else will come
        try:
            events.append(self._events.get(timeout=_POLL_SECONDS if self._locked_out else None))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            pass
        return events

    def _take(self, events: Sequence[_Event]) -> None:
        if any(isinstance(event, _Cancelled) for event in events):
            self._follow(self._schedule.step(plan.Cancel()))
            for name in list(self._locked_out):
                del self._locked_out[name]
                following = self._schedule.step(plan.Stopped(name))
                self._tell(name)
                self._follow(following)
        for event in events:
            if isinstance(event, Saved):
                self._end_saved(event)
        for event in events:
            if isinstance(event, _Changed):
                self._change_job(event)
            elif isinstance(event, _Ended):
                self._end_job(event)
        for name, looked in list(self._locked_out.items()):
            del self._locked_out[name]
            self._try_start(name, looked)

    def _follow(self, instructions: Sequence[plan.Instruction]) -> None:
        """Carry out instructions, and those that follow from them, without recursion: a chain may be long."""
        pending = list(reversed(instructions))
        while pending:
            pending.extend(reversed(self._carry_out(pending.pop())))

    def _carry_out(self, instruction: plan.Instruction) -> Sequence[plan.Instruction]:
        if isinstance(instruction, plan.Look):
            return self._look(instruction.name)
        if isinstance(instruction, plan.Start):
            if self._executor.blocks:
                self._ready[instruction.name] = None
            else:
                self._try_start(instruction.name, self._looked[instruction.name])
        elif isinstance(instruction, plan.Stop):
            return self._stop(instruction.name)
        elif isinstance(instruction, plan.Skip):
            self._tell(instruction.name)
        else:
            self._outcome = instruction.outcome
        return ()

    def _start_next(self) -> None:
        """Start one stage where that blocks: what came of it, an interrupt too, is heard before the next."""
        name = next(iter(self._ready))
        del self._ready[name]
        self._try_start(name, self._looked[name])

    def _stop(self, name: str) -> Sequence[plan.Instruction]:
        if name in self._ready:
            del self._ready[name]
            following = self._schedule.step(plan.Stopped(name))
            self._tell(name)
            return following
        job = self._jobs.get(name)
        if job is not None:
            job.cancel()
        if name in self._several:
            self._several[name].fail(failures.CANCELLED)
            self._several[name].cancel()
            if not self._several[name].jobs:
                self._end_several(name)
        return ()

    def _look(self, name: str) -> Sequence[plan.Instruction]:
        target = self._pipeline.targets[name]
        if target.alias:
            return self._stand_for(name, target.alias)
        if target.derivation is None:
            return self._fail(name, failures.UNPLANNED)
        try:
            looked = self._look_up(name)
        except StoreError as error:
            return self._fail(name, store_failure(error))
        except CannotPlanError as error:
            return self._fail(name, error.failure)
        if looked.choice is None and self._saver.awaits(looked.action):
            self._saver.flush(last=True)  # another stage of this run did the same work
            return self._look(name)
        self._looked[name] = looked
        if looked.rivals:
            return self._fail(name, failures.rivals(name, looked))
        if looked.choice is None:
            return self._schedule.step(plan.Miss(name))
        return self._keep(name, looked)

    def _look_up(self, name: str) -> Looked:
        target = self._pipeline.targets[name]
        return self._checked(look(self._store, target, self._choices, self._observed, self._pipeline.ask))

    def _stand_for(self, name: str, other: str) -> Sequence[plan.Instruction]:
        self._choices[name] = self._choices[other]
        if self._schedule.state[other] == "placed":
            self._standing_for.setdefault(other, []).append(name)
            return self._schedule.step(plan.Placed(name))
        return self._end_standing(name, other)

    def _end_standing(self, name: str, other: str) -> Sequence[plan.Instruction]:
        self._entries[name].found = self._entries[other].found
        ran = self._schedule.state[other] == "done"
        following = self._schedule.step(plan.Done(name) if ran else plan.Hit(name))
        self._tell(name)
        return following

    def _keep(self, name: str, looked: Looked) -> Sequence[plan.Instruction]:
        assert looked.choice is not None
        self._choices[name] = looked.choice
        if not looked.recorded and not self._store.readonly:
            try:
                placed = self._store.place(
                    self._wording.same(self._pipeline.targets[name], looked, self._entries[name])
                )
            except StoreError as error:
                return self._fail(name, store_failure(error))
            self._saver.add(name, placed, None)
            return self._schedule.step(plan.Placed(name))
        self._entries[name].found = looked.found
        following = self._schedule.step(plan.Hit(name))
        self._tell(name)
        return following

    def _checked(self, looked: Looked) -> Looked:
        """Return ``looked`` as a miss where its tree is damaged, so that running the stage heals the store."""
        if looked.choice is None:
            return looked
        errors = self._store.check(looked.choice.trees)
        # What was collected between the look-up and being held may lie there yet, and is no more.
        gone = [rref for rref in looked.choice.rrefs if looked.recorded and self._store.get(rref) is None]
        if not errors and not gone:
            return looked
        for error in errors.values():
            if not isinstance(error, (DamagedError, NotStoredError)):  # the latter: collected since it was looked up
                raise error
        wanted = max(len(errors), len(gone))
        return replace(looked, choice=None, found=None, recorded=False, rivals=(), wanted=wanted)

    def _try_start(self, name: str, looked: Looked) -> None:
        """Start the job, unless another process is at the same work: then look again soon."""
        if self._is_orphan(name):
            self._follow(self._lose(name))
            return
        if self._executor.blocks:
            self._saver.before_next()
        locks: list[Lock] = []
        try:
            for instance in range(looked.wanted):
                key = lock_key(looked.dref, looked.context_key, len(looked.visible) + instance)
                locks.append(self._store.lock(key, wait=0))
            self._start_locked(name, looked, locks)
        except LockedError as error:
            _release(locks)
            if waits_for(str(looked.dref)):
                self._follow(self._fail(name, failures.circular(name)))
                return
            self._locked_out[name] = looked
            if name not in self._waited:
                self._waited.add(name)
                self._entries[name].awaits = "process"
                self._tell(name)
                self._teller.message(name, f"Waits: {error.message}")
        except (StoreError, CannotPlanError) as error:
            _release(locks)
            self._jobs.pop(name, None)
            self._several.pop(name, None)
            failure = store_failure(error) if isinstance(error, StoreError) else error.failure
            self._follow(self._fail(name, failure))
        except BaseException:
            _release(locks)
            raise

    def _start_locked(self, name: str, looked: Looked, locks: list[Lock]) -> None:
        again = self._look_up(name)
        if again.choice is not None:
            _release(locks)
            self._follow(self._keep(name, again))
        elif len(again.visible) != len(looked.visible):
            _release(locks)
            self._locked_out[name] = again  # another process made some: the places of the next are other ones
        elif self._pipeline.targets[name].plural:
            self._start_several(name, again, locks)
        else:
            self._start(name, looked, locks[0])

    def _start(self, name: str, looked: Looked, lock: Lock) -> None:
        target = self._pipeline.targets[name]
        recorder = Recorder(self._store.run_folder(self.run, name), self._teller.of_job(name, self._hear_job))
        job = Job(target, looked, self._store.scratch(), recorder, lock)
        job.clock = Clock(target.timeout, lambda: job.cancel())  # noqa: PLW0108  # known when it was submitted
        tries = self._entries[name].tries
        if tries:
            recorder.log("stderr", f"── try {len(tries) + 1} of {target.retries + 1}, after {tries[-1].message} ──\n")
        self._jobs[name] = job
        self._entries[name].awaits = "worker"
        if not self._executor.blocks:
            self._tell(name)
            self._submit(job)
            return
        obstacle = job.clock.obstacle()
        if obstacle:
            recorder.log("stderr", f"The time limit of {target.timeout:g} s does not hold here: {obstacle}.\n")
        with job.clock.interrupting(hold=not obstacle):
            self._submit(job)

    def _submit(self, job: Job, instance: int | None = None) -> None:
        def done(outcome: JobOutcome) -> None:
            job.clock.stop()
            self._events.put(_Ended(job.target.name, outcome, instance))

        request = self._wording.request(job, self._choices)
        job.cancel = self._executor.submit(request, job.target.pool, job.recorder, done)

    def _start_several(self, name: str, looked: Looked, locks: list[Lock]) -> None:
        several = Several(looked, locks, self._instances(name, len(looked.visible), len(locks)))
        self._several[name] = several
        self._entries[name].awaits = "worker"
        self._start_more(name)
        if not self._executor.blocks:
            self._tell(name)

    def _instances(self, name: str, visible: int, count: int) -> list[int]:
        """Return the numbers of those to make, which their random numbers follow from: none that this run has made.

        One that is visible may have any number below, where another was invalidated: what made the same is made anew.
        """
        tried = self._instances_tried.setdefault(name, set())
        numbers = chain(range(visible, visible + count), range(visible), count_from(visible + count))
        free = list(islice((number for number in numbers if number not in tried), count))
        tried.update(free)
        return free

    def _start_more(self, name: str) -> None:
        """Start what is to be made of a stage: all at once, or one where that blocks."""
        several, target = self._several[name], self._pipeline.targets[name]
        while several.todo:
            instance = several.todo.pop(0)
            folder = self._store.run_folder(self._wording.run_of(instance), name)
            clock = Clock(target.timeout, partial(several.stop, instance))
            recorder = Recorder(folder, self._teller.of_job(name, self._hearing(clock)))
            tries = several.tries.get(instance, 0)
            if tries:
                last = self._entries[name].tries[-1].message
                recorder.log("stderr", f"── try {tries + 1} of {target.retries + 1}, after {last} ──\n")
            job = Job(target, several.looked, self._store.scratch(), recorder, several.locks[0], instance, clock=clock)
            several.jobs[instance] = job
            if not self._executor.blocks:
                self._submit(job, instance)
                continue
            with clock.interrupting(hold=not clock.obstacle()):
                self._submit(job, instance)
            return

    def _hearing(self, clock: Clock) -> Callable[[str, Literal["waiting", "running"]], None]:
        """Return what hears of one of several jobs: the time of each counts by itself."""

        def hear(name: str, is_: Literal["waiting", "running"]) -> None:
            if not self._executor.blocks:
                (clock.start if is_ == "running" else clock.stop)()
            self._hear_job(name, is_)

        return hear

    def _hear_job(self, name: str, is_: Literal["waiting", "running"]) -> None:
        changed = _Changed(name, is_, time.time())
        if self._executor.blocks:
            self._change_job(changed)  # on this run's own thread, which hears nothing before the job has ended
        else:
            self._events.put(changed)

    def _change_job(self, changed: _Changed) -> None:
        name = changed.name
        begins = changed.is_ == "running"
        if name not in self._jobs and not (begins and name in self._several and self._entries[name].started is None):
            return
        self._entries[name].started = changed.at if begins else None
        if name in self._jobs and not self._executor.blocks:
            clock = self._jobs[name].clock
            (clock.start if begins else clock.stop)()
        self._schedule.step(plan.Began(name) if begins else plan.Requeued(name))
        self._tell(name)

    def _end_job(self, event: _Ended) -> None:
        """Put what was made in its place, so that what depends on it starts; or tell how it failed."""
        self._observed = Observed(self._pipeline)  # it may have written what others read
        if event.instance is not None:
            self._end_instance(event, event.instance)
            return
        job = self._jobs.pop(event.name)
        job.clock.stop()
        job.recorder.close()
        entry = self._entries[event.name]
        entry.took = None if entry.started is None else time.time() - entry.started
        if not isinstance(event.outcome, JobDone):
            event = self._judged(event, job)
            if self._try_again(event, job):
                return
            if entry.started is not None:
                self._keep_end(job, entry, event.outcome)
            job.lock.release()
            if isinstance(event.outcome, JobFailed) and event.outcome.failure.kind == "disk-full":
                self._discard(job)
            self._end_badly(event)
            return
        try:
            realized: Realized = decode(Realized, event.outcome.result)
        except WireError as error:
            job.lock.release()
            self._follow(self._fail(event.name, failures.senseless(error)))
            return
        entry.took = realized.took
        entry.memory = realized.peak_memory
        entry.warnings = realized.warnings
        try:
            placed = [self._store.place(one) for one in self._wording.made(job, entry, realized)]
        except StoreError as error:
            job.lock.release()
            if isinstance(error, DiskFullError):
                self._discard(job)
            self._follow(self._fail(event.name, store_failure(error)))
            return
        if realized.instances:
            self._discard(job)
            self._several[event.name] = Several(job.looked, [job.lock], [], {}, placed)
            self._end_several(event.name)
            return
        [one] = placed
        self._choices[event.name] = Choice(one.dref, (one.rref,), (one.tree,))
        self._ran.add(event.name)
        self._saver.add(event.name, one, job.lock)
        self._follow(self._schedule.step(plan.Placed(event.name)))

    def _judged(self, event: _Ended, job: Job) -> _Ended:
        """Return how a job ended, where it was this run that stopped it for its time."""
        cancelled = isinstance(event.outcome, JobFailed) and event.outcome.failure.kind == "cancelled"
        if not cancelled or not job.clock.rang or self._schedule.cancelling or job.target.timeout is None:
            return event
        return _Ended(event.name, JobFailed(overdue(event.name, job.target.timeout)))

    def _try_again(self, event: _Ended, job: Job) -> bool:
        """Start a failed stage anew where it may be tried again, with a log of its own; return whether it is."""
        entry, name = self._entries[event.name], event.name
        failure = event.outcome.failure if isinstance(event.outcome, JobFailed) else failures.STALE
        tries = len(entry.tries) + 1
        if self._schedule.cancelling or self._is_orphan(name) or not worth_another(failure, tries, job.target.retries):
            return False
        entry.tries.append(failure)
        keep_try(self._store.run_folder(self.run, name), tries)
        self._schedule.step(plan.Requeued(name))
        try:
            self._start(name, job.looked, job.lock)
        except StoreError as error:
            self._jobs.pop(name, None)
            job.lock.release()
            self._follow(self._fail(name, store_failure(error)))
        return True

    def _end_instance(self, event: _Ended, instance: int) -> None:
        """Put one of several realizations in its place; once the last has ended, see what stands for the stage."""
        name, several = event.name, self._several[event.name]
        job = several.jobs[instance]
        job.clock.stop()
        del several.jobs[instance]
        job.recorder.close()
        entry = self._entries[name]
        entry.took = None if entry.started is None else time.time() - entry.started
        if isinstance(event.outcome, JobDone):
            try:
                realized: Realized = decode(Realized, event.outcome.result)
                entry.warnings = tuple(dict.fromkeys([*entry.warnings, *realized.warnings]))
                several.placed += [self._store.place(one) for one in self._wording.made(job, entry, realized)]
                if realized.instances:
                    self._discard(job)
            except WireError as error:
                several.fail(failures.senseless(error))
            except StoreError as error:
                several.fail(store_failure(error))
        else:
            event = self._judged(event, job)
            failure = event.outcome.failure if isinstance(event.outcome, JobFailed) else failures.STALE
            if self._try_instance_again(several, job, failure):
                return
            self._keep_end(job, entry, event.outcome)
            several.fail(after_tries(failure, several.tries.get(instance, 0) + 1))
        if several.jobs:
            return
        if several.todo:
            self._start_more(name)
            return
        self._end_several(name)

    def _try_instance_again(self, several: Several, job: Job, failure: Failure) -> bool:
        """Start one of several realizations anew, as :meth:`_try_again` does the only one."""
        name, tries = job.target.name, several.tries.get(job.instance, 0) + 1
        if self._schedule.cancelling or several.failure or self._is_orphan(name):
            return False
        if not worth_another(failure, tries, job.target.retries):
            return False
        several.tries[job.instance] = tries
        self._entries[name].tries.append(failure)
        keep_try(self._store.run_folder(self._wording.run_of(job.instance), name), tries)
        several.todo.insert(0, job.instance)
        try:
            self._start_more(name)
        except StoreError as error:
            several.fail(store_failure(error))
            return False
        return True

    def _end_several(self, name: str) -> None:
        """Make durable what was made, and take what the matcher chooses, or make more where it asks for that."""
        several = self._several.pop(name)
        failure = several.failure
        try:
            self._saver.flush(last=True)  # what it was made from, first
            context = several.looked.context.values()
            if any(self._store.get(rref) is None for rrefs in context for rref in rrefs):
                self._follow(self._lose(name))
                return
            self._store.settle(several.placed)
            looked = self._look_up(name) if failure is None else None
        except StoreError as error:
            failure, looked = store_failure(error), None
        except CannotPlanError as error:
            failure, looked = error.failure, None
        finally:
            several.release()
        if looked is None:
            self._end_badly(_Ended(name, JobFailed(failure or failures.STALE)), several=True)
        elif looked.rivals:
            self._follow(self._fail(name, failures.rivals(name, looked)))
        elif looked.choice is not None:
            self._ran.add(name)
            self._choices[name] = looked.choice
            self._entries[name].found = looked.found
            following = self._schedule.step(plan.Done(name))
            self._tell(name)
            self._follow(following)
        elif len(looked.visible) > len(several.looked.visible) or self._untried(name, len(looked.visible)):
            self._try_start(name, looked)
        else:
            self._follow(self._fail(name, failures.discontent(name, len(several.placed))))

    def _untried(self, name: str, visible: int) -> bool:
        """Return whether one that is not visible may be among those that a run before this one made."""
        return name in self._instances_tried and not self._instances_tried[name].issuperset(range(visible))

    def _keep_end(self, job: Job, entry: Entry, outcome: JobOutcome) -> None:
        """Keep how a stage ended that made nothing, to be told until it does, or is another."""
        failure = outcome.failure if isinstance(outcome, JobFailed) else failures.STALE
        how: Literal["failed", "cancelled"] = "cancelled" if failure.kind == "cancelled" else "failed"
        run = self._wording.run_of(job.instance)
        unmade = Unmade(how, 0, time.time(), run, job.target.name, job.target.path)
        facts = self._wording.facts(job.target, entry)
        last_run.keep(self._store, job.looked.dref, job.looked.context_key, unmade, facts, failure)

    def _discard(self, job: Job) -> None:
        """Give back what a stage that filled the disk wrote: what finished before needs the space."""
        with contextlib.suppress(StoreError):
            self._store.discard(job.scratch)

    def _end_badly(self, event: _Ended, *, several: bool = False) -> None:
        failure = event.outcome.failure if isinstance(event.outcome, JobFailed) else failures.STALE
        if not several:  # each of which says itself how often it was tried
            failure = after_tries(failure, len(self._entries[event.name].tries) + 1)
        if self._is_orphan(event.name):
            self._follow(self._lose(event.name))
        elif failure.kind == "cancelled":
            following = self._schedule.step(plan.Stopped(event.name))
            self._tell(event.name)
            self._follow(following)
            if not self._schedule.cancelling:
                self.cancel()
        else:
            self._follow(self._fail(event.name, failure))

    def _hear_saved(self, group: Sequence[Saved]) -> None:
        """Tell of what is durable now; from any thread, since this run's own may be busy with a stage."""
        for one in group:
            if one.found is not None:
                self._entries[one.name].found = one.found
            self._events.put(one)  # all of them before anyone is told: the run waits for these
        for one in group:
            if one.found is not None:
                self._say(one.name, "done" if one.name in self._ran else "kept")

    def _end_saved(self, saved: Saved) -> None:
        name = saved.name
        below = self._standing_for.pop(name, ())
        if saved.found is None:
            self._follow(self._lose(name) if saved.error is None else self._fail(name, store_failure(saved.error)))
            for other in below:
                self._follow(self._lose(other))
            return
        self._follow(self._schedule.step(plan.Done(name) if name in self._ran else plan.Hit(name)))
        for other in below:
            self._follow(self._end_standing(other, name))

    def _is_orphan(self, name: str) -> bool:
        """Return whether something that ``name`` is made from was only placed and could not be stored."""
        target = self._pipeline.targets[name]
        needed = (one for names in target.dependencies.values() for one in names)
        return any(self._schedule.state[one] in ("failed", "skipped") for one in needed)

    def _lose(self, name: str) -> Sequence[plan.Instruction]:
        following = self._schedule.step(plan.Lost(name))
        self._tell(name)
        return following

    def _fail(self, name: str, failure: Failure) -> Sequence[plan.Instruction]:
        self._entries[name].failure = failure
        self._first_failure = self._first_failure or name
        following = self._schedule.step(plan.Failed(name))
        self._tell(name)
        return following

    def _tell(self, name: str) -> None:
        self._say(name, self._schedule.state[name])

    def _say(self, name: str, state: plan.StageState) -> None:
        self._teller.changed(name, state, self._entries[name])


def _release(locks: Iterable[Lock]) -> None:
    for lock in locks:
        lock.release()
