"""Making a process, after a stage, what it was before, so that the next one finds it as any other would."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stageloom.worker.settings import KINDS, MISSING, Items, Kind

State = dict[str, Items]


def _read() -> State:
    return {name: kind.read() for name, kind in KINDS.items()}


def _differ(before: Any, now: Any) -> bool:
    try:
        return before is not now and bool(before != now)
    except Exception:  # noqa: BLE001  # whatever user code has put there: an array has no truth value
        return True


@contextmanager
def restored(spoil: Callable[[str], None]) -> Iterator[None]:
    """Undo, after the block, what it changes of the process; ``spoil`` hears of what can't be undone.

    What importing a module changes stays, since the module isn't imported a second time.
    """
    before = _read()
    with _while_importing(before):
        try:
            yield
        finally:
            _restore(before, spoil)


def _restore(before: State, spoil: Callable[[str], None]) -> None:
    for name, kind in KINDS.items():
        try:
            _put_back(kind, before[name])
        except Exception as error:  # noqa: BLE001, PERF203  # where it isn't as it was, no other stage is to run
            spoil(f"{name}: {type(error).__name__}: {error}")


def _put_back(kind: Kind, then: Items) -> None:
    now = kind.read()
    for key in now.keys() | then.keys():
        value = then.get(key, MISSING)
        if _differ(value, now.get(key, MISSING)):
            kind.write(key, value)


@contextmanager
def _while_importing(before: State) -> Iterator[None]:
    """Take into ``before``, within the block, what imports change."""
    bootstrap: Any = importlib.import_module("importlib._bootstrap")
    original: Callable[..., Any] = bootstrap._find_and_load  # noqa: SLF001  # what every import of a new module goes through
    depth = 0

    def find_and_load(*arguments: Any, **named: Any) -> Any:
        nonlocal depth
        if depth:
            return original(*arguments, **named)
        depth += 1
        then = _read()
        try:
            return original(*arguments, **named)
        finally:
            depth -= 1
            _take_over(before, then, _read())

    bootstrap._find_and_load = find_and_load  # noqa: SLF001
    try:
        yield
    finally:
        if bootstrap._find_and_load is find_and_load:  # noqa: SLF001
            bootstrap._find_and_load = original  # noqa: SLF001


def _take_over(before: State, then: State, now: State) -> None:
    for name, items in now.items():
        changed = {key: value for key, value in items.items() if _differ(then[name].get(key, MISSING), value)}
        gone = then[name].keys() - items.keys()
        if changed or gone:
            kept = {**before[name], **changed}
            before[name] = {key: value for key, value in kept.items() if key not in gone}
