"""Reactors run side by side in one thread: who waits is a suspended generator, whether it looks up or runs."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from stageloom.engine.provenance import machine_facts
from stageloom.engine.saving import Saved, Saver
from stageloom.model.classes import dataclass
from stageloom.reactors.outlet import Outlet, Sent, read_part
from stageloom.reactors.past import Past, PastRun
from stageloom.reactors.running import NobodySendsError, OnHand, Reactor, Running, SessionListener
from stageloom.reactors.trace import Step, action_of, derivation_of
from stageloom.reactors.walk import Ask, Walk, Want, walk
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.errors import DamagedError, LockedError, NotStoredError
from stageloom.store.locks import Lock
from stageloom.store.store import Store, new_run

#: Each lock is an open file; who waits beyond that many goes without, and at worst does work twice.
_MOST_LOCKS = 64
_LONGEST_WAIT = 60.0
_PAUSE = 0.02


@dataclass(slots=True)
class _Looking:
    reactor: Reactor
    generator: Walk[PastRun]
    want: Want | None = None


_Task = Running | _Looking
_State = Literal["looking", "locked", "running", "kept", "done"]


class Session:
    """One session of a plant: each reactor is looked up, or run, at most once in it.

    ``read`` makes the value of an ingredient from the folder of the run that sent it.
    """

    def __init__(
        self,
        store: Store,
        past: Past,
        ask: Ask,
        listener: SessionListener,
        read: Callable[[str, Sent, Path], object] = lambda _name, sent, folder: read_part(folder, sent.part),
        make_outlet: Callable[[Path], Outlet] = Outlet,
    ) -> None:
        self.on_hand: dict[str, OnHand] = {}
        self._store = store
        self._past = past
        self._ask = ask
        self._listener = listener
        self._read = read
        self._make_outlet = make_outlet
        self._reactors: dict[str, Reactor] = {}
        self._senders: dict[str, list[str]] | None = None
        self._state: dict[str, _State] = {}
        self._tasks: dict[str, _Task] = {}
        self._ready: deque[str] = deque()
        self._waiting: dict[str, list[str]] = {}
        self._locked: dict[str, tuple[Reactor, float]] = {}
        self._locks = 0
        self._sent_by: dict[str, Running] = {}
        self._run = new_run(time.time())
        self._saver = Saver(store, self._saved)
        self._failed: list[Saved] = []

    def add(self, reactors: Iterable[Reactor]) -> None:
        """Make reactors known; one of the same name takes the place of the other."""
        for reactor in reactors:
            self._reactors[reactor.name] = reactor
        self._senders = None

    def state(self, reactor: str) -> _State | None:
        """Return how far a reactor has come in this session; None where it was not needed yet."""
        return self._state.get(reactor)

    def run(self, target: str, *, forced: bool = True) -> None:
        """Have ``target`` run, and first whatever it needs that is stale; it is looked up too unless ``forced``.

        What a reactor raises ends the session's work and is raised; what was complete is kept.

        Raises:
            NobodySendsError: where no reactor sends what one waits for.
        """
        try:
            if forced:
                self._start(self._reactors[target], locked=False)
            else:
                self._look(self._reactors[target])
            self._go_on()
        finally:
            self._abandon()
            self.flush()

    def flush(self) -> None:
        """Make all that was finished durable; raises what kept something from being stored."""
        self._saver.flush(last=True)
        failed, self._failed = self._failed, []
        for one in failed:
            if one.error is not None:
                raise one.error

    def receive(self, running: Running, name: str) -> object:
        """Return the value of an ingredient at hand, and note that ``running`` received it."""
        if running.outlet.has(name):
            return self._read(name, running.outlet.unhashed(name), running.outlet.folder)
        one = self.on_hand[name]
        folder = one.folder()
        running.asked("ingredient", (name,), one.sent.content)
        running.received[name] = one.sent.content
        if one.record is not None:
            running.context[one.record[0]] = (one.record[1],)
        return self._read(name, one.sent, folder)

    def sent(self, running: Running, name: str) -> None:
        """Hear that ``running`` has sent an ingredient: who waits for it goes on meanwhile."""
        other = self.on_hand.get(name)
        if other is not None and other.reactor != running.reactor.name:
            raise RuntimeError(
                f"{running.reactor.name!r} sends the ingredient {name!r}, and so did {other.reactor!r}: "
                "give one of them another name."
            )
        self._sent_by[name] = running
        if self._waiting.get(name):
            self._offer(running, name, running.outlet.sent(name))

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        while self._tasks or self._locked:
            if self._locked:
                self._try_locks()
            if self._ready:
                self._step(self._ready.popleft())
            elif self._locked:
                time.sleep(_PAUSE)
            elif self._tasks:
                self._unstick()

    def _step(self, name: str) -> None:
        task = self._tasks.get(name)
        if isinstance(task, _Looking):
            self._step_look(task)
        elif task is not None:
            self._step_run(task)

    def _look(self, reactor: Reactor) -> None:
        self._state[reactor.name] = "looking"
        runs = self._past.runs(reactor.name, reactor.code())
        self._tasks[reactor.name] = _Looking(reactor, walk(runs, self._ask))
        self._ready.append(reactor.name)

    def _step_look(self, task: _Looking) -> None:
        name = task.reactor.name
        answer: str | None = None
        while True:
            if task.want is not None:
                one = self.on_hand.get(task.want.ingredient)
                answer = one.sent.content if one is not None else None
            try:
                task.want = task.generator.send(answer)
            except StopIteration as stop:
                del self._tasks[name]
                if stop.value is None or not self._keep(task.reactor, stop.value):
                    self._start(task.reactor, locked=True)
                return
            if task.want.ingredient not in self.on_hand:
                self._park(name, task.want.ingredient)
                return

    def _keep(self, reactor: Reactor, run: PastRun) -> bool:
        """Let a past run stand for ``reactor``, unless its tree is damaged: then the store does not find it again."""
        if run.sent and self._store.check([run.found.tree]):
            return False
        self._state[reactor.name] = "kept"

        def folder() -> Path:
            return self._store.tree(run.found.tree)

        for name, sent in run.sent.items():
            other = self.on_hand.get(name)
            if other is not None and other.reactor != reactor.name:
                self._listener.note(
                    f"{reactor.name!r} sends {name!r} too, which {other.reactor!r} has sent: that one counts."
                )
                continue
            self._publish(name, OnHand(reactor.name, sent, folder, (run.dref, run.rref), run.found.at))
        self._listener.kept(run)
        return True

    def _start(self, reactor: Reactor, *, locked: bool) -> None:
        lock: Lock | None = None
        if locked and self._locks < _MOST_LOCKS and not self._store.readonly:
            code = reactor.code()
            try:
                lock = self._store.lock(f"reactor/{reactor.name}/{code}", wait=0)
            except LockedError:
                if reactor.name not in self._locked:
                    self._listener.note(f"Waits: another process is running the reactor {reactor.name!r}.")
                    self._locked[reactor.name] = (reactor, time.monotonic() + _LONGEST_WAIT)
                    self._state[reactor.name] = "locked"
                return
            self._locks += 1
            self._locked.pop(reactor.name, None)
            if self._past.renew(reactor.name):  # another process has run it since it was looked up
                self._drop_lock(lock)
                self._look(reactor)
                return
        self._locked.pop(reactor.name, None)
        self._state[reactor.name] = "running"
        running = Running(reactor, reactor.code(), self._make_outlet(self._store.scratch()), lock)
        self._tasks[reactor.name] = running
        self._listener.started(reactor.name)
        running.generator = reactor.start(running)
        self._ready.append(reactor.name)

    def _step_run(self, running: Running) -> None:
        name = running.reactor.name
        assert running.generator is not None
        value: object = None
        while True:
            if running.want is not None:
                try:
                    value = self.receive(running, running.want.ingredient)
                except (DamagedError, NotStoredError):
                    self._forget(running.want.ingredient)
                    self._park(name, running.want.ingredient)
                    return
                running.want = None
            begun = time.perf_counter()
            try:
                value = running.generator.send(value)
            except StopIteration:
                running.took += time.perf_counter() - begun
                self._finish(running)
                return
            running.took += time.perf_counter() - begun
            self._listener.stepped(name)
            if isinstance(value, Want):
                running.want = value
                if value.ingredient not in self.on_hand and not running.outlet.has(value.ingredient):
                    self._park(name, value.ingredient)
                    return

    def _forget(self, ingredient: str) -> None:
        """What was kept turned out damaged: its reactor is looked up anew, and runs."""
        lost = self.on_hand[ingredient].reactor
        for name in [name for name, one in self.on_hand.items() if one.reactor == lost]:
            del self.on_hand[name]
        del self._state[lost]
        self._past.load([lost])
        if lost in self._reactors:
            self._look(self._reactors[lost])

    # --- who waits for what ------------------------------------------------------------------------------------------

    def _park(self, name: str, ingredient: str) -> None:
        self._waiting.setdefault(ingredient, []).append(name)
        running = self._sent_by.get(ingredient)
        if running is not None:
            self._offer(running, ingredient, running.outlet.sent(ingredient))
            return
        sender = self._sender(ingredient)
        if sender is not None and sender.name not in self._state:
            self._look(sender)

    def _sender(self, ingredient: str) -> Reactor | None:
        """Return who seems to send an ingredient: first who did before, then who says so in its source.

        Who has ended without it does not; who is at work might.
        """
        before = dict.fromkeys(run.reactor for run in self._past.sending(ingredient))
        found = self._not_ended(before) or self._not_ended(self._named_senders(ingredient))
        return self._reactors[found] if found else None

    def _not_ended(self, names: Iterable[str]) -> str:
        open_ = (one for one in names if one in self._reactors and self._state.get(one) not in ("done", "kept"))
        return next(open_, "")

    def _named_senders(self, ingredient: str) -> Sequence[str]:
        if self._senders is None:
            self._senders = {}
            for reactor in self._reactors.values():
                for name in reactor.sends():
                    self._senders.setdefault(name, []).append(reactor.name)
        return self._senders.get(ingredient, ())

    def _offer(self, running: Running, name: str, sent: Sent) -> None:
        """Let others receive what a reactor that still runs has sent."""
        folder = running.outlet.folder
        self._publish(name, OnHand(running.reactor.name, sent, lambda: folder, None, time.time()))

    def _publish(self, name: str, one: OnHand) -> None:
        self.on_hand[name] = one
        self._ready.extend(self._waiting.pop(name, ()))

    def _unstick(self) -> None:
        """All wait, and nobody that was started will send it."""
        for ingredient in list(self._waiting):
            sender = self._sender(ingredient)
            if sender is not None and sender.name not in self._state:
                self._look(sender)
                return
        untried = [one for name, one in self._reactors.items() if name not in self._state]
        unknown = next((one for one in untried if not self._past.runs(one.name, one.code())), None)
        if unknown is not None or untried:
            self._look(unknown or untried[0])
            return
        for ingredient, names in self._waiting.items():
            for name in names:
                if isinstance(self._tasks[name], _Looking):
                    names.remove(name)
                    self._ready.append(name)  # it is told that there is no such ingredient
                    return
            del ingredient
        raise self._stuck()

    def _stuck(self) -> NobodySendsError:
        self._past.load([*self._reactors, *(one.stage for one in self._store.history())])
        lines = []
        for ingredient, names in self._waiting.items():
            waiting = ", ".join(repr(name) for name in names)
            sender = self._sender(ingredient)
            known = [name for name in self._past.ingredients() if name not in self.on_hand]
            why = "no reactor that was added sends it"
            if sender is not None:
                why = f"{sender.name!r}, which sends it, waits itself"
            elif any(run.reactor not in self._reactors for run in self._past.sending(ingredient)):
                why = f"{self._past.sending(ingredient)[0].reactor!r}, which once sent it, was not added"
            else:
                why += _closest(ingredient, [*self.on_hand, *known])
            lines.append(f"{waiting} waits for the ingredient {ingredient!r}: {why}.")
        return NobodySendsError(" ".join(lines) + " Add the reactor that sends it, or correct the name.")

    def _try_locks(self) -> None:
        for reactor, until in list(self._locked.values()):
            if time.monotonic() >= until:
                del self._locked[reactor.name]
                self._start(reactor, locked=False)
            else:
                self._start(reactor, locked=True)

    # --- the end of a run --------------------------------------------------------------------------------------------

    def _finish(self, running: Running) -> None:
        reactor = running.reactor
        del self._tasks[reactor.name]
        running.generator = None  # what it still held must not keep files open: Windows moves none that is
        self._close(running)
        sent, files = running.outlet.finish()
        for name in sent:
            self._sent_by.pop(name, None)
        trace = [Step(kind, path, answer) for (kind, path), answer in running.steps.items()]
        derivation = derivation_of(reactor.name, running.code, trace)
        new = NewRealization(
            derivation=derivation,
            context=dict(running.context),
            action=action_of(derivation),
            provenance=Provenance(
                reactor.name, reactor.path, self._run, running.started, running.took, machine_facts()
            ),
            scratch=running.outlet.folder,
            files=files,
        )
        placed = self._store.place(new)
        tree = self._store.path / "trees" / placed.tree[:2] / placed.tree
        lock, running.lock = running.lock, None
        self._saver.add(reactor.name, placed, lock)
        if lock is not None:
            self._locks -= 1
        self._state[reactor.name] = "done"
        for name, one in sent.items():
            before = self.on_hand.get(name)
            if before is not None and before.reactor == reactor.name and before.sent.content != one.content:
                self._listener.note(f"{reactor.name!r} changed {name!r} after another reactor had received it.")
            self._publish(name, OnHand(reactor.name, one, lambda: tree, (placed.dref, placed.rref), running.started))
        if self._saver.worthwhile:
            self._saver.flush()
        self._listener.finished(running)

    def _close(self, running: Running) -> None:
        for close in running.closing:
            with contextlib.suppress(Exception):  # what is closed goes with the scratch folder anyway
                close()
        running.closing.clear()
        if running.temporary is not None:
            self._store.discard(running.temporary)
            running.temporary = None

    def _abandon(self) -> None:
        """Drop what has not ended."""
        tasks, self._tasks = self._tasks, {}
        self._ready.clear()
        self._waiting.clear()
        self._locked.clear()
        self._sent_by.clear()
        for name, task in tasks.items():
            self._state.pop(name, None)
            for ingredient in [key for key, one in self.on_hand.items() if one.reactor == name]:
                del self.on_hand[ingredient]
            if isinstance(task, Running):
                if task.generator is not None:
                    with contextlib.suppress(Exception):
                        task.generator.close()
                self._close(task)
                if task.lock is not None:
                    self._drop_lock(task.lock)
                    task.lock = None
            else:
                task.generator.close()

    def _drop_lock(self, lock: Lock) -> None:
        lock.release()
        self._locks -= 1

    def _saved(self, group: Sequence[Saved]) -> None:
        self._failed.extend(one for one in group if one.error is not None)


def _closest(name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
