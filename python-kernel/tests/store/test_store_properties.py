"""Laws of the store, against a model that is the definition written down, over random histories."""

from __future__ import annotations

import itertools
import os
import string
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from store_making import content_of, fast_folder, find, made, read

from stageloom.model.references import RRef
from stageloom.store.errors import BadNameError
from stageloom.store.journal import decode, encode
from stageloom.store.store import Store
from stageloom.store.trees import check_name

COUNTS = {"histories": 0, "steps": 0, "trees": 0}
quiet = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

STAGES = ("a", "b", "c")
steps = some.lists(
    some.one_of(
        some.tuples(some.just("run"), some.sampled_from(STAGES), some.integers(0, 1)),
        some.tuples(
            some.just("invalidate"), some.sets(some.tuples(some.sampled_from(STAGES), some.integers(0, 1)), max_size=4)
        ),
        some.tuples(some.just("undo"), some.integers(0, 12)),
        some.tuples(some.sampled_from(("other", "reopen", "no index"))),
    ),
    max_size=14,
)


class Model:
    """Visible: has a run after its last invalidation that was not undone."""

    def __init__(self) -> None:
        self.sequence = 0
        self.runs: dict[object, list[int]] = {}
        self.invalidations: dict[int, set[object]] = {}

    def visible(self) -> dict[object, int]:
        result = {}
        for one, runs in self.runs.items():
            last = max((at for at, hidden in self.invalidations.items() if one in hidden), default=0)
            if max(runs) > last:
                result[one] = max(runs)
        return result

    def run(self, one: object) -> None:
        self.sequence += 1
        self.runs.setdefault(one, []).append(self.sequence)

    def invalidate(self, names: set[object]) -> int:
        hidden = names & set(self.visible())
        if not hidden:
            return 0
        self.sequence += 1
        self.invalidations[self.sequence] = hidden
        return self.sequence

    def undo(self, of: int) -> tuple[int, set[object]]:
        of = of or max(self.invalidations, default=0)
        if of not in self.invalidations:
            return 0, set()
        before = set(self.visible())
        del self.invalidations[of]
        self.sequence += 1
        return of, set(self.visible()) - before


class Real:
    """Two openings of one store, and the references of what was stored by stage and content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rrefs: dict[object, RRef] = {}
        self.stores = [Store.open(folder), Store.open(folder)]

    def close(self) -> None:
        for store in self.stores:
            store.close()

    def step(self, step: tuple, model: Model) -> None:
        store = self.stores[0]
        if step[0] == "run":
            [found] = store.commit([made(store, step[1], content=content_of(*step[1:]))])
            self.rrefs[step[1:]] = found.rref
            model.run(step[1:])
        elif step[0] == "invalidate":
            known = [one for one in step[1] if one in self.rrefs]
            assert store.invalidate([self.rrefs[one] for one in known]) == model.invalidate(set(known))
        elif step[0] == "undo":
            sequence, shown = store.undo(step[1])
            assert (sequence, {one for one, rref in self.rrefs.items() if rref in shown}) == model.undo(step[1])
        elif step[0] == "other":
            self.stores.reverse()
        elif step[0] == "reopen":
            store.close()
            self.stores[0] = Store.open(self.folder)
        else:
            self.close()
            os.unlink(self.folder / "index.sqlite")
            self.stores = [Store.open(self.folder), Store.open(self.folder)]

    def agrees(self, model: Model) -> None:
        expected = model.visible()
        for store, stage in itertools.product(self.stores, STAGES):
            assert store.sequence == model.sequence
            visible = sorted((at, self.rrefs[one]) for one, at in expected.items() if one[0] == stage)
            assert [(one.sequence, one.rref) for one in find(store, stage)] == visible

    def reads_right(self) -> None:
        content = {rref: content_of(*one) for one, rref in self.rrefs.items()}
        for stage in STAGES:
            for found in find(self.stores[0], stage):
                assert read(self.stores[0], found) == content[found.rref]


@quiet
@given(steps)
def test_visible_is_what_ran_after_its_last_standing_invalidation(history):
    """Each stage has one plan and two possible contents, so a realization is a stage and a content."""
    COUNTS["histories"] += 1
    with fast_folder() as folder:
        model, real = Model(), Real(folder / "store")
        for step in history:
            COUNTS["steps"] += 1
            real.step(step, model)
            real.agrees(model)
        real.reads_right()
        real.close()


names = some.text(
    some.sampled_from([*string.ascii_letters[:5], ".", "/", "\\", " ", "é", "\n", ":", "\0", "~"]), max_size=8
)


@quiet
@given(names | some.text(max_size=20))
def test_a_name_that_is_taken_stays_in_its_folder(name):
    try:
        check_name(name)
    except BadNameError:
        return
    assert os.path.normpath(os.path.join("/tree", name)) == "/tree/" + name
    assert not os.path.isabs(name)
    assert not set(name) & {"\\", "\0", "\n"}


@quiet
@given(some.dictionaries(names, some.binary(max_size=50), max_size=5))
def test_a_tree_holds_exactly_what_was_written_and_its_name_says_so(content):
    def possible(name: str) -> bool:
        try:
            check_name(name)
        except BadNameError:
            return False
        return not any(other.startswith(name + "/") for other in content)

    content = {name: data for name, data in content.items() if possible(name)}
    COUNTS["trees"] += 1
    with fast_folder() as folder, Store.open(folder) as store:
        one, two, three = store.commit(
            [
                made(store, "one", content=content),
                made(store, "two", content=dict(reversed(content.items()))),
                made(store, "three", content={**content, "one more": b""}),
            ]
        )
        assert read(store, one) == content
        assert one.tree == two.tree
        assert one.tree != three.tree or "one more" in content
        assert store.verify() == []


@settings(max_examples=200, deadline=None)
@given(
    some.dictionaries(
        some.text(max_size=5),
        some.text(max_size=9) | some.integers() | some.floats(allow_nan=False, allow_infinity=False),
    ),
    some.data(),
)
def test_no_changed_byte_of_a_journal_line_goes_unnoticed(more, data):
    event = {**more, "seq": 5, "is": "run"}
    line = encode(event)
    assert line.count(b"\n") == 1
    assert decode(line[:-1]) == event
    at = data.draw(some.integers(0, len(line) - 2))
    other = data.draw(some.integers(1, 255))
    changed = line[:at] + bytes([line[at] ^ other]) + line[at + 1 :]
    # The checksum itself may be written in capitals: that says the same.
    assert decode(changed[:-1]) is None or changed.lower() == line.lower()
    assert decode(line[:at]) is None


def test_how_many_were_tried():
    print(f"properties: {COUNTS['histories']} histories of {COUNTS['steps']} steps, {COUNTS['trees']} groups of trees")
