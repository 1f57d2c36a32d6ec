"""The plant: reactors, their configuration, and what they have made."""

from __future__ import annotations

import hashlib
import inspect
import logging
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from stageloom.model.values import Json, digest
from stageloom.pyplant.commands import IngredientAwaitedCommand, SubreactorStartedCommand
from stageloom.pyplant.config import ConfigBase
from stageloom.pyplant.declare import Declared
from stageloom.pyplant.ingredient import Ingredient, type_named
from stageloom.pyplant.pipework import Pipework
from stageloom.pyplant.plant_warehouse import PlantWarehouse
from stageloom.pyplant.records import ExecutionRecord, Reactor
from stageloom.pyplant.warehouse import Types
from stageloom.reactors.code import Codes
from stageloom.reactors.configuration import answer
from stageloom.reactors.outlet import Outlet, Sent
from stageloom.reactors.past import Past, PastRun
from stageloom.reactors.reading import Declaring, declares_only
from stageloom.reactors.running import OnHand, Running
from stageloom.reactors.running import Reactor as Known
from stageloom.reactors.session import Session
from stageloom.reactors.source import sends_of
from stageloom.reactors.trace import Kind
from stageloom.reactors.walk import Want
from stageloom.store.store import Store

#: Where a plant's store lies in its folder.
STORE = Path(".stageloom", "store")


def _compute_function_hash(func: Callable[..., Any]) -> str:
    """The default: the code that a function reaches."""
    return Codes().of(func)


def _compute_string_hash(string: str) -> str:
    return hashlib.sha256(string.encode("utf-8")).hexdigest()


class Plant:
    """Runs reactors, and keeps in ``plantDir`` what they sent.

    ``functionHash`` returns what stands for a function's code, in place of the code that it reaches; ``stringHash``
    makes signatures. Use it as a context manager, or end it by ``shutdown``.
    """

    class EventType(Enum):
        """What listeners hear of: they get the type and a name, for *reactor_started* also the function."""

        unknown = 0
        reactor_started = 1
        subreactor_started = 2
        reactor_finished = 3
        subreactor_finished = 4
        reactor_step = 5

    IngredientAwaitedCommand = IngredientAwaitedCommand
    SubreactorStartedCommand = SubreactorStartedCommand
    ExecutionRecord = ExecutionRecord
    _ReactorFunctions: ClassVar[list[Any]] = Declared.reactors
    _SubreactorFunctions: ClassVar[dict[str, Any]] = Declared.subreactors

    def __init__(
        self,
        plantDir: str | Path,
        logger: logging.Logger | None = None,
        logLevel: int | None = None,
        functionHash: Callable[[Callable[..., Any]], str] = _compute_function_hash,
        stringHash: Callable[[str], str] = _compute_string_hash,
    ) -> None:
        self.plantDir = str(plantDir)
        self.logger = logger or _logger(logLevel)
        self.functionHash = functionHash
        self.stringHash = stringHash
        self.config = ConfigBase()
        self.reactors: dict[str, Reactor] = {}
        self.executionHistory: dict[str, ExecutionRecord] = {}
        self.eventListeners: dict[Plant.EventType, list[Callable[..., Any]]] = {}
        self._types = Types(self.logger)
        self.warehouse = PlantWarehouse(self, self._types)
        self._known: dict[str, Known] = {}
        self._declaring = declares_only(self)
        self._closed = False
        if self._declaring:
            return  # the file is only being read for its reactors
        self._store = Store.open(Path(self.plantDir) / STORE)
        for warning in self._store.warnings:
            self.logger.warning(warning)
        self._codes = Codes(self._store.cache, lambda text: self.logger.info("Code: %s", text))
        self._past = Past(self._store)
        self._past_is_whole = False
        self._session = self._new_session()

    def __enter__(self) -> Plant:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.shutdown()

    def shutdown(self) -> None:
        """End the plant: all that was finished is durable then."""
        if self._closed or self._declaring:
            return
        self._closed = True
        try:
            self._flush()
        finally:
            self._types.close()
            self._store.close()

    # --- reactors ----------------------------------------------------------------------------------------------------

    def add_reactors(self, *args: Any) -> None:
        """Make reactors known, given one by one or in lists; raises RuntimeError for what is none."""
        added = []
        for func in _flat(args):
            mark = getattr(func, "pyplant", None)
            if not callable(func) or mark is None or not mark.isReactor:
                raise RuntimeError(f"{func!r} is no reactor: mark the function with @ReactorFunc.")
            self.reactors[func.__name__] = Reactor(func.__name__, func)
            added.append(func)
        if self._declaring:
            return
        self._past.load(func.__name__ for func in added)
        self._past_is_whole = False
        for func in added:
            self._know(func)
        self._codes.save()
        self._session.add(self._known[func.__name__] for func in added)

    def add_reactor(self, *args: Any) -> None:
        """Do what :meth:`add_reactors` does."""
        self.add_reactors(*args)

    def add_all_visible_reactors(self) -> None:
        """Add every reactor that this process has defined or imported."""
        self.add_reactors(*Declared.reactors)

    def get_reactors(self) -> list[Callable[..., Any]]:
        """Return the functions of the reactors that were added."""
        return [one.func for one in self.reactors.values()]

    def run_reactor(self, reactorToRun: Callable[..., Any] | str) -> None:
        """Run a reactor, and first whatever it needs that is stale. All reactors are added where none was.

        One that ran before in this session, with this configuration, does not run again.

        Raises:
            ValueError: for a reactor that was not added.
            stageloom.reactors.running.NobodySendsError: for an ingredient that no reactor sends, a RuntimeError.
        """
        name = reactorToRun.__name__ if callable(reactorToRun) else reactorToRun
        if not self.reactors:
            self.add_all_visible_reactors()
        if name not in self.reactors:
            raise ValueError(f"There is no reactor {name!r}: add it to the plant with add_reactors.")
        if self._declaring:
            raise Declaring
        if self._session.state(name) == "done":
            self.logger.info("Reactor '%s' has run in this session already.", name)
            return
        self._session.run(name)

    # --- configuration -----------------------------------------------------------------------------------------------

    def set_config(self, config: Mapping[str, Any] | ConfigBase) -> None:
        """Set the configuration; what was run with another is looked up anew."""
        self.config = config if isinstance(config, ConfigBase) else ConfigBase(dictionary=dict(config))
        if not self._declaring:
            self._flush()
            self._session = self._new_session()
            self._past.load(self.reactors)
            self._session.add(self._known.values())

    def get_config_object(self) -> ConfigBase:
        """Return the configuration."""
        return self.config

    def mark_params_as_auxiliary(self, params: Sequence[str]) -> None:
        """Have parameters not count: changing one makes nothing stale. Raises AttributeError for one there is not."""
        self.config.mark_auxiliary(params)

    # --- ingredients -------------------------------------------------------------------------------------------------

    @property
    def ingredients(self) -> dict[str, Ingredient]:
        """All ingredients that were ever sent, each as it is now, else as it was last."""
        return {name: self.get_ingredient_object(name) for name in self._names()}

    def is_ingredient_known(self, name: str) -> bool:
        """Return whether an ingredient of that name was ever sent."""
        return not self._declaring and name in self._names()

    def fetch_ingredient(self, name: str) -> Any:
        """Return an ingredient as this session has it, else as it was sent last; None where there is none."""
        return self._fetch(name, None)

    def get_ingredient_object(self, name: str) -> Ingredient:
        """Return what is known of an ingredient; raises ValueError."""
        found = self._found(name)
        if found is None:
            raise ValueError(f"There is no ingredient {name!r}.")
        reactor, sent, _ = found
        ingredient = Ingredient(name, type_named(sent.type))
        ingredient.producerName = reactor
        ingredient.set_current_signature(self.stringHash(sent.content))
        ingredient.isFresh = self._session.state(reactor) == "done"
        return ingredient

    # --- what happens ------------------------------------------------------------------------------------------------

    def add_event_listener(self, eventType: Plant.EventType, callback: Callable[..., Any]) -> None:
        """Have ``callback`` called, with the type and a name, when that happens."""
        self.eventListeners.setdefault(eventType, []).append(callback)

    def remove_event_listener(self, callback: Callable[..., Any]) -> None:
        """Have ``callback`` not be called any more."""
        for listeners in self.eventListeners.values():
            if callback in listeners:
                listeners.remove(callback)

    def get_execution_history(self) -> dict[str, Any]:
        """Return what has run in this session, by reactor."""
        return self.executionHistory

    def print_execution_history(self, printFn: Callable[[str], Any] = print) -> None:
        """Print what has run, what took longest first."""
        for record in sorted(self.executionHistory.values(), key=lambda one: -one.totalRuntime):
            printFn(f"{record.reactorName:<50} {record.totalRuntime:.2f} s")

    @staticmethod
    def _clear_global_state() -> None:
        """Forget what was marked in this process; for tests."""
        Declared.reactors.clear()
        Declared.subreactors.clear()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _new_session(self) -> Session:
        return Session(self._store, self._past, self._ask, _Listener(self), self._read, self._make_outlet)

    def _flush(self) -> None:
        if not self._declaring:
            self._session.flush()

    def _know(self, func: Callable[..., Any]) -> None:
        name = func.__name__
        code: Callable[[], str]
        if self.functionHash is _compute_function_hash:
            found = self._codes.of(func)

            def code() -> str:
                return found
        else:

            def code() -> str:
                return digest("function-hash/1", self.functionHash(func))

        def start(running: Running) -> Generator[object, object, object]:
            return self._drive(running, func)

        self._known[name] = Known(name, code, start, lambda: sends_of(func), self._codes.place(func))
        runs = self._past.every(name)
        if runs and self.functionHash is _compute_function_hash and runs[0].code == found:
            self.reactors[name].take(found, [(one.kind, one.path) for one in runs[0].steps], runs[0].sent)

    def _drive(self, running: Running, func: Callable[..., Any]) -> Generator[object, object, object]:
        """Run a reactor's function, saying what it waits for and which subreactors it calls."""
        pipe = Pipework(
            running, self._types, self.config, self.logger, self._ask, self._session.sent, self._store.scratch
        )
        arguments = (pipe, pipe.config) if len(inspect.signature(func).parameters) == 2 else (pipe,)
        generator = func(*arguments)
        if not inspect.isgenerator(generator):
            return None
        value: Any = None
        while True:
            try:
                yielded = generator.send(value)
            except StopIteration:
                return None
            if type(yielded) is IngredientAwaitedCommand:
                value = yield Want(yielded.ingredientName)
            elif type(yielded) is SubreactorStartedCommand:
                name = yielded.subreactorName
                running.asked("subreactor", (name,), self._ask("subreactor", (name,)))
                self.trigger(self.EventType.subreactor_started, name)
                value = None
            else:
                value = yield yielded

    def _ask(self, kind: Kind, path: tuple[str, ...]) -> Json:
        if kind == "subreactor":
            func = Declared.subreactors.get(path[0])
            return {"absent": True} if func is None else {"code": self._code_of(func)}
        if self.config.is_auxiliary(path[0]):
            return None
        return answer(self.config._parameters(), kind, path, self._code_of)

    def _code_of(self, thing: Any) -> str:
        if self.functionHash is _compute_function_hash or inspect.isclass(thing):
            return self._codes.of(thing)
        return str(self.functionHash(thing))

    def _make_outlet(self, folder: Path) -> Outlet:
        return Outlet(folder, self._codes.of_name)

    def _read(self, name: str, sent: Sent, folder: Path) -> object:
        return self._types.read(name, sent, folder)

    def _whole_past(self) -> Past:
        """Return the past with reactors too that were not added here."""
        if not self._past_is_whole:
            stages = {one.stage for one in self._store.history()} - set(self.reactors)
            self._past.load(stages)
            self._past_is_whole = True
        return self._past

    def _names(self) -> set[str]:
        return {*self._session.on_hand, *self._whole_past().ingredients()}

    def _found(self, name: str) -> tuple[str, Sent, Callable[[], Path]] | None:
        one: OnHand | None = self._session.on_hand.get(name)
        if one is not None:
            return one.reactor, one.sent, one.folder
        runs = self._past.sending(name) or self._whole_past().sending(name)
        if not runs:
            return None
        tree = runs[0].found.tree
        return runs[0].reactor, runs[0].sent[name], lambda: self._store.tree(tree)

    def _fetch(self, name: str, signature: str | None) -> Any:
        found = None if self._declaring else self._found(name)
        if found is None or (signature is not None and signature != self.stringHash(found[1].content)):
            return None
        _, sent, folder = found
        return self._types.read(name, sent, folder())

    def trigger(self, event: Plant.EventType, name: str, *more: Any) -> None:
        """Tell the listeners of an event."""
        for callback in list(self.eventListeners.get(event, ())):
            callback(event, name, *more)


class _Listener:
    """Tells a plant's listeners, log and history what its session does."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def started(self, reactor: str) -> None:
        import time

        plant = self._plant
        plant.logger.info("Reactor '%s' starts.", reactor)
        plant.executionHistory[reactor] = ExecutionRecord(reactor, time.time())
        plant.trigger(plant.EventType.reactor_started, reactor, plant.reactors[reactor].func)

    def stepped(self, reactor: str) -> None:
        self._plant.trigger(self._plant.EventType.reactor_step, reactor)

    def finished(self, running: Running) -> None:
        import time

        plant, name = self._plant, running.reactor.name
        plant.reactors[name].take(running.code, running.steps, running.outlet.names)
        record = plant.executionHistory[name]
        record.finishTime, record.totalRuntime = time.time(), running.took
        plant.logger.info("Reactor '%s' has finished after %.2f s.", name, running.took)
        for warning in running.outlet.warnings:
            plant.logger.debug("Reactor '%s': %s", name, warning)
        plant.trigger(plant.EventType.reactor_finished, name)

    def kept(self, run: PastRun) -> None:
        plant = self._plant
        plant.logger.debug("Reactor '%s' is cached.", run.reactor)
        plant.reactors[run.reactor].take(run.code, [(one.kind, one.path) for one in run.steps], run.sent)

    def note(self, text: str) -> None:
        self._plant.logger.warning(text)


def _flat(arguments: Iterable[Any]) -> list[Any]:
    return [one for each in arguments for one in (each if isinstance(each, (list, tuple, set)) else [each])]


def _logger(level: int | None) -> logging.Logger:
    logger = logging.getLogger("pyplant")
    logger.handlers = []
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("[%(asctime)s - %(name)s - %(levelname)s] %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level or logging.INFO)
    return logger
