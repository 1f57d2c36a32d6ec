"""What a realization was made from, stage by stage: told by itself, and two compared."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stageloom.engine.differences import configuration_differences, input_differences, show
from stageloom.engine.provenance import read_curve, read_stage
from stageloom.model.classes import dataclass
from stageloom.model.objects import Derivation, Record
from stageloom.model.references import RRef
from stageloom.model.values import Json
from stageloom.rpc.messages import Reason
from stageloom.store.errors import StoreError
from stageloom.store.found import Found
from stageloom.store.store import Store
from stageloom.tracking.fingerprint import Code, UnknownCodeError
from stageloom.tracking.reads import shown
from stageloom.tracking.reasons import changes, describe
from stageloom.tracking.snapshot import Snapshot

_VALUE = Path("return", "value.json")
_SMALL = 1 << 16


@dataclass(frozen=True, slots=True)
class Step:
    """One realization and what is known of how it came to be. ``facts`` are those of its last run."""

    rref: RRef
    record: Record
    derivation: Derivation
    found: Found | None
    facts: Mapping[str, Json]
    metrics: Mapping[str, float]
    parts: Mapping[str, str]
    code: Code | None

    @property
    def stage(self) -> str:
        """The stage's name in its pipeline, else the derivation's."""
        return self.found.stage if self.found is not None else self.derivation.name


@dataclass(frozen=True, slots=True)
class Difference:
    """A stage of two histories.

    *same* is the same realization, *equal* another with the same bytes; *changed* made other bytes, *left* and *right*
    are in one alone. ``metrics`` holds those that both or one have: before, after.
    """

    stage: str
    is_: str
    reasons: Sequence[Reason]
    metrics: Mapping[str, tuple[float | None, float | None]]
    left: Step | None
    right: Step | None


def steps(store: Store, root: Path, rref: RRef) -> list[Step]:
    """Return all that ``rref`` was made from, and itself last; raises NotStoredError, DamagedError."""
    result: dict[RRef, Step] = {}
    pending: list[tuple[RRef, bool]] = [(rref, False)]
    records: dict[RRef, Record] = {}
    while pending:
        one, entered = pending.pop()
        if one in result:
            continue
        if entered:
            result[one] = _step(store, root, one, records[one])
            continue
        records[one] = store.record(one)
        pending.append((one, True))
        pending.extend((other, False) for rrefs in records[one].context.values() for other in rrefs)
    return list(result.values())


def _step(store: Store, root: Path, rref: RRef, record: Record) -> Step:
    derivation = store.derivation(record.dref)
    found = store.get(rref)
    folder = store.run_folder(found.run, found.stage) if found is not None and found.run else None
    facts = read_stage(folder) if folder is not None else {}
    metrics: dict[str, float] = {}
    if folder is not None:
        for point in read_curve(folder):
            metrics.update(point.values)
    metrics.update(_numbers(store, record.tree))
    code, parts = _code(store, root, facts, found)
    return Step(rref, record, derivation, found, facts, metrics, parts, code)


def _numbers(store: Store, tree: str) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a small return value, by their names."""
    try:
        path = store.tree(tree) / _VALUE
        if not path.is_file() or path.stat().st_size > _SMALL:
            return
        value = json.loads(path.read_bytes())
    except (StoreError, OSError, ValueError):
        return
    if isinstance(value, dict) and isinstance(value.get("fields"), dict):
        value = value["fields"]
    named = value.items() if isinstance(value, dict) else [("value", value)]
    for name, one in named:
        if isinstance(one, dict) and isinstance(one.get("$numpy"), list):
            one = one["$numpy"][1]  # noqa: PLW2901  # the number within
        try:
            if not isinstance(one, (bool, list, dict)) and one is not None:
                yield name, float(one)
        except ValueError:
            continue


def _code(
    store: Store, root: Path, facts: Mapping[str, Json], found: Found | None
) -> tuple[Code | None, Mapping[str, str]]:
    identity, function = facts.get("snapshot"), facts.get("function")
    if not isinstance(identity, str) or not isinstance(function, str) or found is None:
        return None, {}
    try:
        snapshot = Snapshot.from_json(json.loads(store.snapshot(identity)), store, root)
        code = Code(snapshot, store, None)
        return code, code.parts(found.path, function)
    except (StoreError, UnknownCodeError, LookupError, ValueError, OSError):
        return None, {}


def compare(store: Store, root: Path, left: RRef, right: RRef) -> list[Difference]:
    """Return how what ``right`` was made from differs from what ``left`` was, by stage, dependencies first.

    Raises:
        NotStoredError, DamagedError: what one was made from is not in the store.
    """
    before = {step.stage: step for step in steps(store, root, left)}
    after = {step.stage: step for step in steps(store, root, right)}
    if left.dref.name != right.dref.name:  # two stages that are each other's counterpart, whatever they are called
        after = {next(reversed(before)) if step.rref == right else name: step for name, step in after.items()}
    names = [*before, *(name for name in after if name not in before)]
    return [_difference(name, before.get(name), after.get(name)) for name in names]


def _difference(name: str, left: Step | None, right: Step | None) -> Difference:
    metrics = {
        key: ((left.metrics.get(key) if left else None), (right.metrics.get(key) if right else None))
        for key in dict.fromkeys([*(left.metrics if left else ()), *(right.metrics if right else ())])
    }
    if left is None or right is None:
        return Difference(name, "right" if left is None else "left", (), metrics, left, right)
    if left.rref == right.rref:
        return Difference(name, "same", (), metrics, left, right)
    found = [
        *_code_differences(left, right),
        *configuration_differences(left.derivation, right.derivation),
        *input_differences(left.derivation, right.derivation),
        *_read_differences(left.record.reads, right.record.reads),
    ]
    is_ = "equal" if left.record.tree == right.record.tree else "changed"
    return Difference(name, is_, tuple(found), metrics, left, right)


def _code_differences(left: Step, right: Step) -> list[Reason]:
    if left.derivation.code == right.derivation.code:
        return []
    if left.code is None or right.code is None:
        return [Reason("code", "code changed", right.stage)]
    first = f"{right.found.path}:{right.facts.get('function')}" if right.found is not None else ""
    return changes(left.parts, right.parts, left.code.text_of, right.code.text_of, first)


def _read_differences(left: Mapping[str, str], right: Mapping[str, str]) -> Iterator[Reason]:
    for name in dict.fromkeys([*left, *right]):
        if left.get(name) != right.get(name):
            yield Reason("input", f"{shown(name)} held something else", name)


def describe_history(store: Store, root: Path, rref: RRef) -> str:
    """Return as text what ``rref`` was made from, stage by stage, to be read, or compared in an editor of differences.

    Raises:
        NotStoredError, DamagedError: something that it was made from is not in the store.
    """
    return "\n".join("\n".join(_lines(store, step)) for step in reversed(steps(store, root, rref))) + "\n"


def _lines(store: Store, step: Step) -> Iterator[str]:
    yield f"# {step.stage}"
    yield str(step.rref)
    yield from _made(step)
    plain = {name: value for name, value in step.derivation.configuration.items() if name != "name"}
    yield from _block("parameters", [f"{name} = {show(value)}" for name, value in plain.items()])
    yield from _block("inputs", [f"{shown(name)}  {sha256[:12]}" for name, sha256 in step.derivation.inputs.items()])
    reads = step.record.reads.items()
    yield from _block("read undeclared", [f"{shown(name)}  {sha256[:12]}" for name, sha256 in reads])
    yield from _block("made from", [str(one) for rrefs in step.record.context.values() for one in rrefs])
    yield from _block("metrics", [f"{name} = {value:g}" for name, value in step.metrics.items()])
    yield from _block("files", list(_files(store, step.record.tree)))
    for part in step.parts:
        text = step.code.text_of(part).strip("\n") if step.code is not None else ""
        yield from _block(describe(part), text.splitlines())
    yield ""


def _made(step: Step) -> Iterator[str]:
    if step.found is None:
        return
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(step.found.at))
    who = " on ".join(str(step.facts[key]) for key in ("user", "host") if step.facts.get(key))
    memory = step.facts.get("memory")
    told = [
        f"realized {at}",
        f"by {who}" if who else "",
        f"Python {step.facts['python']}" if step.facts.get("python") else "",
        f"took {step.found.took:.3g} s",
        f"{memory / 1e6:.0f} MB of memory" if isinstance(memory, (int, float)) and memory else "",
    ]
    yield ", ".join(one for one in told if one)


def _files(store: Store, tree: str) -> Iterator[str]:
    try:
        for file in store.manifest(tree).files:
            yield f"{file.path}  {file.size} B  {file.sha256[:12]}"
    except StoreError as error:
        yield str(error)


def _block(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"    {line}".rstrip() for line in lines)
