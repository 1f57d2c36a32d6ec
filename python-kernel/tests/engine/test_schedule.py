"""The schedule: whatever happens in whatever order, everything ends, once, and in order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stageloom.engine.schedule import (
    Began,
    Cancel,
    Done,
    Failed,
    Finish,
    Hit,
    Look,
    Lost,
    Miss,
    Placed,
    Requeued,
    Schedule,
    Skip,
    Start,
    Stop,
    Stopped,
    closure,
)

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def test_a_diamond_runs_each_stage_once_its_dependencies_are_made():
    schedule = Schedule(DIAMOND)
    assert schedule.begin() == [Look("a")]
    assert schedule.step(Miss("a")) == [Start("a")]
    assert schedule.step(Done("a")) == [Look("b"), Look("c")]
    assert schedule.step(Hit("b")) == []
    assert schedule.step(Miss("c")) == [Start("c")]
    assert schedule.step(Done("c")) == [Look("d")]
    assert schedule.step(Hit("d")) == [Finish("done")]


def test_a_failure_skips_what_depends_on_it_and_lets_the_rest_finish():
    schedule = Schedule({**DIAMOND, "e": ["a"]})
    schedule.begin()
    schedule.step(Hit("a"))
    for name in "bce":
        schedule.step(Miss(name))
    assert schedule.step(Failed("b")) == [Skip("d", "skipped")]
    assert schedule.step(Done("c")) == []
    assert schedule.step(Done("e")) == [Finish("failed")]
    assert schedule.state == {"a": "kept", "b": "failed", "c": "done", "d": "skipped", "e": "done"}


def test_a_stage_is_queued_until_a_worker_began_and_again_where_that_could_not_take_it():
    schedule = Schedule({"a": [], "b": ["a"]})
    schedule.begin()
    assert schedule.step(Began("a")) == []
    assert schedule.state["a"] == "looking"
    schedule.step(Miss("a"))
    told = [schedule.state["a"]]
    for event in (Began("a"), Requeued("a"), Began("a"), Began("a")):
        assert schedule.step(event) == []
        told.append(schedule.state["a"])
    assert told == ["queued", "running", "queued", "running", "running"]
    schedule.step(Placed("a"))
    assert schedule.step(Requeued("a")) == []
    assert schedule.state["a"] == "placed"
    schedule.step(Done("a"))
    assert schedule.step(Began("a")) == []
    assert schedule.state["a"] == "done"


@pytest.mark.parametrize("began", [True, False])
def test_what_is_queued_is_stopped_like_what_runs(began):
    schedule = Schedule({"a": [], "b": ["a"]})
    schedule.begin()
    schedule.step(Miss("a"))
    if began:
        schedule.step(Began("a"))
    assert schedule.step(Cancel()) == [Stop("a"), Skip("b", "cancelled")]
    assert schedule.step(Stopped("a")) == [Finish("cancelled")]


def test_what_is_placed_lets_dependants_go_on_and_ends_once_it_is_durable():
    schedule = Schedule({"a": [], "b": ["a"]})
    schedule.begin()
    schedule.step(Miss("a"))
    assert schedule.step(Placed("a")) == [Look("b")]
    assert schedule.step(Miss("b")) == [Start("b")]
    assert schedule.step(Done("a")) == []
    assert schedule.step(Placed("b")) == []
    assert schedule.step(Done("b")) == [Finish("done")]
    assert schedule.state == {"a": "done", "b": "done"}


def test_what_was_placed_and_could_not_be_stored_stops_what_was_made_from_it():
    schedule = Schedule({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})
    schedule.begin()
    schedule.step(Miss("a"))
    schedule.step(Placed("a"))
    schedule.step(Miss("b"))
    schedule.step(Miss("c"))
    schedule.step(Placed("b"))
    assert schedule.step(Failed("a")) == [Stop("c")]
    assert schedule.step(Lost("b")) == [Skip("d", "skipped")]
    assert schedule.step(Lost("c")) == [Finish("failed")]
    assert schedule.state == {"a": "failed", "b": "skipped", "c": "skipped", "d": "skipped"}


def test_cancelling_leaves_what_is_placed_to_be_stored():
    schedule = Schedule({"a": [], "b": ["a"]})
    schedule.begin()
    schedule.step(Miss("a"))
    assert schedule.step(Placed("a")) == [Look("b")]
    assert schedule.step(Cancel()) == []
    assert schedule.step(Miss("b")) == []
    assert schedule.step(Done("a")) == [Finish("cancelled")]
    assert schedule.state == {"a": "done", "b": "cancelled"}


def test_cancel_stops_what_runs_and_starts_nothing():
    schedule = Schedule(DIAMOND)
    schedule.begin()
    schedule.step(Miss("a"))
    assert set(schedule.step(Cancel())) == {Stop("a"), *(Skip(name, "cancelled") for name in "bcd")}
    assert schedule.step(Cancel()) == []
    assert schedule.step(Stopped("a")) == [Finish("cancelled")]


def test_what_finishes_while_cancelling_is_kept():
    schedule = Schedule({"a": [], "b": ["a"]})
    schedule.begin()
    schedule.step(Miss("a"))
    schedule.step(Cancel())
    assert schedule.step(Done("a")) == [Finish("cancelled")]
    assert schedule.state == {"a": "done", "b": "cancelled"}


def test_a_look_up_that_misses_after_a_cancel_does_not_run():
    schedule = Schedule({"a": []})
    assert schedule.begin() == [Look("a")]
    assert schedule.step(Cancel()) == []
    assert schedule.step(Miss("a")) == [Finish("cancelled")]


def test_nothing_to_do_finishes_at_once():
    assert Schedule({}).begin() == [Finish("done")]


def test_closure_keeps_the_order_and_leaves_out_what_is_not_needed():
    assert closure({**DIAMOND, "e": []}, ["c"]) == ["a", "c"]


@pytest.mark.parametrize("length", [10_000])
def test_a_long_chain_needs_no_recursion(length):
    needs = {str(n): ([str(n - 1)] if n else []) for n in range(length)}
    schedule = Schedule(needs)
    pending = schedule.begin()
    looked = 0
    while pending:
        instruction = pending.pop()
        if isinstance(instruction, Look):
            looked += 1
            pending.extend(schedule.step(Hit(instruction.name)))
    assert looked == length
    failing = Schedule(needs)
    failing.begin()
    failing.step(Miss("0"))
    assert len(failing.step(Failed("0"))) == length  # every other stage skipped, and the end


@given(st.integers(1, 25), st.integers(0, 2**32))
def test_any_graph_under_any_events_ends_once_and_in_order(size, seed):
    rng = random.Random(seed)
    needs = {str(n): [str(m) for m in range(n) if rng.random() < 0.3] for n in range(size)}
    schedule = Schedule(needs)
    finished = 0
    pending = [*schedule.begin()]
    to_answer: list[object] = []
    asked: set[str] = set()
    cancelled = False
    while True:
        for instruction in pending:
            if isinstance(instruction, Look):
                assert instruction.name not in asked, "looked up twice"
                asked.add(instruction.name)
                assert all(schedule.state[need] in ("done", "kept") for need in needs[instruction.name])
                to_answer.append(rng.choice([Hit, Miss, Miss, Failed])(instruction.name))
            elif isinstance(instruction, Start):
                assert not cancelled, "started after a cancel"
                to_answer.append(rng.choice([Done, Done, Failed, Stopped])(instruction.name))
            elif isinstance(instruction, Finish):
                finished += 1
        if not to_answer:
            break
        if not cancelled and rng.random() < 0.05:
            cancelled = True
            pending = schedule.step(Cancel())
            continue
        pending = schedule.step(to_answer.pop(rng.randrange(len(to_answer))))
    assert finished == 1
    assert set(schedule.state.values()) <= {"done", "kept", "failed", "cancelled", "skipped"}
