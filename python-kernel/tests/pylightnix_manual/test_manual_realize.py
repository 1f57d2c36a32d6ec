"""Instantiating and realizing as the 2021 manual does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import manual_story
import pytest
from manual_story import RAN, last, match_min, stage_all, stage_anneal, stage_params, stage_plot

from stageloom.pylightnix import manual as pl
from stageloom.pylightnix.manual import (
    Build,
    Manager,
    build_outpath,
    build_paths,
    build_setoutpaths,
    build_wrapper,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    mklens,
    realize,
    realizeMany,
    redefine,
    selfref,
    writestr,
)


def single(name="one", write=None, matcher=None, nouts=1, **config):
    """Return a stage function of one stage that writes ``out``."""

    def make(b: Build) -> None:
        RAN.append(name)
        for path in pl.build_outpaths(b):
            writestr(os.path.join(path, "out"), write() if write else "content")

    def stage(m: Manager) -> pl.DRef:
        return mkdrv(m, mkconfig({"name": name, **config}), matcher or match_only(), build_wrapper(make, nouts))

    return stage


def test_a_realization_is_made_once() -> None:
    first = realize(pl.instantiate(stage_all))
    assert realize(pl.instantiate(stage_all)) == first
    assert RAN == ["params", "anneal", "plot"]
    assert re.fullmatch(r"rref:[0-9a-f]{32}-[0-9a-f]{32}-plot", first)
    assert isinstance(first, pl.RRef)


def test_in_place_and_nested_give_the_same() -> None:
    params = pl.instantiate_inplace(stage_params)
    anneal = pl.instantiate_inplace(stage_anneal, params)
    plot = pl.instantiate_inplace(stage_plot, anneal)
    assert re.fullmatch(r"dref:[0-9a-f]{32}-plot", plot)
    assert pl.realize_inplace(plot) == realize(pl.instantiate(stage_all)) == pl.evaluate(stage_all)
    assert RAN == ["params", "anneal", "plot"]


def test_the_manuals_story(S: pl.StorageSettings, tmp_path: Path) -> None:
    other = pl.mksettings(str(tmp_path / "other"))
    for each in (S, other):
        pl.fsinit(each, remove_existing=True)
    alice = realize(pl.instantiate(stage_all, S=S))
    bob = realize(pl.instantiate(stage_all, S=other))
    assert alice != bob
    assert len(list(pl.allrrefs(S=other))) == 3
    pl.pack([alice], str(tmp_path / "archive.zip"), S=S)
    pl.unpack(str(tmp_path / "archive.zip"), S=other)
    assert len(list(pl.allrrefs(S=other))) == 5  # the parameters are the same
    assert alice in pl.allrrefs(S=other)

    def stage_best(m: Manager) -> pl.DRef:
        return stage_plot(m, redefine(stage_anneal, new_matcher=match_min)(m, stage_params(m)))

    RAN.clear()
    best = realize(pl.instantiate(stage_best, S=other))
    values = [last(mklens(rref, S=other).ref_anneal.trace.syspath) for rref in (alice, bob)]
    assert best == (alice, bob)[values.index(min(values))]
    assert RAN == []
    assert mklens(best, S=other).out.contents == f"minimum {min(values)}"


def test_a_stage_depends_on_the_best_ten() -> None:
    def match_best(S, rrefs):
        order = sorted(rrefs, key=lambda rref: last(mklens(rref, S=S).trace.syspath))
        return order[:10] if len(order) >= 12 else None

    def stage_ten(m: Manager) -> pl.DRef:
        anneals = redefine(stage_anneal, new_matcher=match_best)(m, stage_params(m))

        def make(b: Build) -> None:
            values = [last(path) for path in mklens(b).traces.syspaths]
            assert values == [last(path) for path in build_paths(b, [anneals, "trace.json"])]
            assert len(mklens(b).traces.rrefs) == 10
            writestr(mklens(b).out.syspath, json.dumps(sorted(values)))

        config = mkconfig({"name": "ten", "traces": [anneals, "trace.json"], "out": [selfref, "ten.json"]})
        return mkdrv(m, config, match_only(), build_wrapper(make))

    ten = realize(pl.instantiate(stage_ten))
    assert RAN.count("anneal") == 12
    every = sorted(
        last(mklens(one).trace.syspath) for one in pl.allrrefs() if pl.undref(pl.rref2dref(one))[1] == "anneal"
    )
    assert json.loads(mklens(ten).out.contents) == every[:10]
    assert len(pl.rrefctx(ten)[pl.DRef(mklens(ten).traces.val[0])]) == 10
    realize(pl.instantiate(stage_ten))
    assert RAN.count("anneal") == 12
    with pytest.raises(pl.UsageError, match="rrefs"):
        _ = mklens(ten).traces.rref


def test_match_latest_asks_for_what_is_missing() -> None:
    stage = redefine(stage_anneal, new_matcher=match_latest(3))

    def stage_three(m: Manager) -> pl.DRef:
        return stage(m, stage_params(m))

    three = realizeMany(pl.instantiate(stage_three))
    assert len(set(three)) == 3
    assert realizeMany(pl.instantiate(stage_three)) == three
    made = list(pl.drefrrefs(pl.rref2dref(three[0])))
    assert three == made[::-1]  # the newest first
    with pytest.raises(pl.UsageError, match="realizeMany"):
        realize(pl.instantiate(stage_three))


def test_a_realizer_that_makes_nothing_new_cannot_content_a_matcher() -> None:
    with pytest.raises(pl.MatchError, match="made nothing new"):
        realize(pl.instantiate(single(matcher=match_latest(2))))
    assert RAN == ["one", "one"]


def test_match_only_raises_on_a_second_that_differs() -> None:
    closure = pl.instantiate(single(write=lambda: str(len(RAN))))
    first = realize(closure)
    with pytest.raises(AssertionError, match="match_only"):
        realize(closure, force_rebuild=True)
    with pytest.raises(pl.MatchError, match=first):
        realize(closure)


def test_forcing_runs_again_and_equal_results_are_one() -> None:
    closure = pl.instantiate(single())
    assert realize(closure, force_rebuild=[closure.dref]) == realize(closure, force_rebuild=True)
    assert RAN == ["one", "one"]
    assert len(list(pl.allrrefs())) == 1


def test_what_must_be_there() -> None:
    closure = pl.instantiate(stage_all)
    with pytest.raises(AssertionError, match="should be realized already"):
        realize(closure, assert_realized=[closure.dref])
    with pytest.raises(AssertionError, match="should be realized already"):
        realize(pl.instantiate(pl.realized(single())))
    rref = realize(pl.instantiate(single()))
    assert realize(pl.instantiate(pl.realized(single()))) == rref


def test_a_matcher_sees_only_its_context() -> None:
    """Another choice above is another context: nothing made in the first is offered."""
    offered: list[int] = []

    def match_counting(S, rrefs):
        offered.append(len(rrefs))
        return rrefs or None

    def stage(m: Manager, newest: int) -> pl.DRef:
        source = redefine(stage_anneal, new_matcher=lambda S, rrefs: rrefs[newest : newest + 1] or None)
        return redefine(stage_plot, new_matcher=match_counting)(m, source(m, stage_params(m)))

    realize(pl.instantiate(stage, 0))
    realize(pl.instantiate(stage, 1))
    assert offered == [0, 0, 1, 0, 0, 1]  # asked, asked again under the lock, and after the realizer
    assert RAN == ["params", "anneal", "plot", "anneal", "plot"]


def test_a_promise_that_is_not_kept_stores_nothing() -> None:
    def stage(m: Manager) -> pl.DRef:
        def make(b: Build) -> None:
            writestr(os.path.join(build_outpath(b), "other"), "written")

        return mkdrv(m, mkconfig({"out": [selfref, "a", "promised"]}), match_only(), build_wrapper(make))

    with pytest.raises(pl.PromiseException, match="a/promised") as caught:
        realize(pl.instantiate(stage))
    assert caught.value.failed[0][1][1:] == ["a", "promised"]
    assert list(pl.allrrefs()) == []


def test_several_realizations_at_once() -> None:
    def make(b: Build) -> None:
        RAN.append("run")
        for number, path in enumerate(build_setoutpaths(b, 3)):
            writestr(os.path.join(path, "out"), str(number))

    def stage(m: Manager) -> pl.DRef:
        return mkdrv(m, mkconfig({"name": "three"}), match_latest(3), build_wrapper(make, nouts=None))

    assert len(set(realizeMany(pl.instantiate(stage)))) == 3
    assert RAN == ["run"]


def test_a_realizer_of_ones_own_may_write_anywhere(tmp_path: Path) -> None:
    def realizer(S, dref, context, arguments):
        folders = []
        for number in range(2):
            folder = tmp_path / f"made-{number}"
            folder.mkdir()
            (folder / "out").write_text(f"{number} {arguments['word']}")
            (folder / "__buildstart__.txt").write_text(pl.timestring(0))
            folders.append(str(folder))
        return folders

    def stage(m: Manager) -> pl.DRef:
        return mkdrv(m, mkconfig({"name": "own"}), pl.match_all, realizer)

    closure = pl.instantiate(stage)
    rrefs = realizeMany(closure, realize_args={closure.dref: {"word": "hello"}})
    assert [Path(pl.rref2path(one), "out").read_text() for one in rrefs] == ["0 hello", "1 hello"]
    assert not (tmp_path / "made-0").exists()


@pytest.mark.parametrize(
    ("matcher", "said"),
    [
        (lambda S, rrefs: "rref", "must return a list"),
        (lambda S, rrefs: [], "return None to ask"),
        (lambda S, rrefs: ["rref:" + "0" * 32 + "-" + "0" * 32 + "-x"], "was not given"),
    ],
)
def test_a_matcher_that_answers_wrong(matcher, said: str) -> None:
    with pytest.raises(pl.MatchError, match=said):
        realize(pl.instantiate(single(matcher=matcher)))


def test_a_realizer_that_answers_wrong(tmp_path: Path) -> None:
    for answer, said in (("x", "list of folders"), ([], "no folder"), ([str(tmp_path / "no")], "is no folder")):

        def stage(m: Manager, answer=answer) -> pl.DRef:
            return mkdrv(m, mkconfig({}), match_only(), lambda S, dref, context, arguments: answer)

        with pytest.raises(pl.UsageError, match=said):
            realize(pl.instantiate(stage))
    with pytest.raises(pl.UsageError, match=r"context\.json"):
        realize(pl.instantiate(single_named("context.json")))


def single_named(file: str):
    def stage(m: Manager) -> pl.DRef:
        return mkdrv(
            m, mkconfig({}), match_only(), build_wrapper(lambda b: writestr(os.path.join(build_outpath(b), file), "x"))
        )

    return stage


def test_redefine() -> None:
    def change(config: dict) -> None:
        config["step"] = 2

    def other(config: dict) -> pl.Config:
        return mkconfig({**config, "step": 3})

    def make(b: Build) -> None:
        writestr(os.path.join(build_outpath(b), "out"), f"step {mklens(b).step.val}")

    plain = pl.instantiate(single(step=1)).dref
    assert pl.instantiate(redefine(single(step=1))).dref == plain
    changed = pl.instantiate(redefine(single(step=1), new_config=change, new_realizer=build_wrapper(make)))
    assert changed.dref != plain
    assert [one.dref for one in changed.derivations] == [changed.dref]
    assert Path(pl.rref2path(realize(changed)), "out").read_text() == "step 2"
    assert mklens(pl.instantiate(redefine(single(step=1), other)).dref).step.val == 3


def test_mknode() -> None:
    rref = realize(pl.instantiate(pl.mknode, {"size": 3}, {"a/b.txt": b"hello"}, name="node"))
    assert Path(pl.rref2path(rref), "a", "b.txt").read_bytes() == b"hello"
    assert mklens(rref).size.val == 3
    assert rref.endswith("-node")


def test_two_threads_run_a_stage_once_and_mean_the_same_storage() -> None:
    def slow() -> str:
        time.sleep(0.3)
        return str(time.perf_counter_ns())

    found: list[pl.RRef] = []
    threads = [threading.Thread(target=lambda: found.append(pl.evaluate(single(write=slow)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert RAN == ["one"]


def test_a_removed_realization_is_made_again() -> None:
    first = realize(pl.instantiate(single(write=lambda: str(len(RAN)))))
    pl.rmref(first)
    assert list(pl.allrrefs()) == []
    second = realize(pl.instantiate(single(write=lambda: str(len(RAN)))))
    assert second != first
    pl.rmref(pl.rref2dref(second))
    assert list(pl.allrrefs()) == []


def test_gc_tells_what_nothing_needs() -> None:
    kept = realize(pl.instantiate(stage_all))
    lost = realize(pl.instantiate(single()))
    assert pl.gc([], [kept]) == ({pl.rref2dref(lost)}, {lost})
    assert set(pl.allrrefs()) >= {kept, lost}


@pytest.mark.parametrize(
    "call",
    [
        lambda: mkdrv(mkconfig({}), match_only(), build_wrapper(print), None),
        lambda: mkdrv(mkconfig({}), match_only(), build_wrapper(print)),
        lambda: mkdrv(config=mkconfig({}), matcher=match_only(), realizer=build_wrapper(print), r=None),
        lambda: pl.instantiate(single(), r=None),
        lambda: realize((None, None)),
        lambda: mklens((1, 2)),
        lambda: tuple(realize(pl.instantiate(single()))),
    ],
)
def test_a_call_of_the_current_api_names_the_import(call) -> None:
    with pytest.raises(pl.OtherFaceError, match=r"from stageloom\.pylightnix import"):
        call()


def test_a_name_of_the_current_api_names_the_import() -> None:
    with pytest.raises(ImportError, match=r"from stageloom\.pylightnix import realize1"):
        from stageloom.pylightnix.manual import realize1  # noqa: F401
    with pytest.raises(ImportError, match="cannot import name"):
        from stageloom.pylightnix.manual import nothing_at_all  # noqa: F401


def test_calls_that_cannot_be_carried_out() -> None:
    manager = Manager()
    config = mkconfig({"name": "x"})
    for call, said in (
        (lambda: mkdrv(manager, config, None, build_wrapper(print)), "a matcher"),
        (lambda: mkdrv(manager, config, match_only(), 3), "a realizer"),
        (lambda: mkdrv("m", config, match_only(), build_wrapper(print)), "the manager"),
        (lambda: mkdrv(manager, mkconfig({"name": "a/b"}), match_only(), build_wrapper(print)), "cannot be called"),
        (lambda: pl.instantiate(3), "a stage function"),
        (lambda: pl.instantiate(lambda m: "dref"), "must return the DRef"),
        (
            lambda: pl.instantiate(lambda m: pl.instantiate_inplace(single()) if m.in_instantiate else None),
            "must return",
        ),
        (lambda: realize("x"), "what instantiate returned"),
        (lambda: pl.realize_inplace("x"), "instantiate_inplace"),
        (lambda: match_latest(0), "one realization or more"),
        (lambda: build_wrapper(3), "a function of one Build"),
    ):
        with pytest.raises(AssertionError, match=said):
            call()


def test_a_stage_function_must_not_instantiate_with_its_own_manager() -> None:
    with pytest.raises(pl.UsageError, match="calls instantiate"):
        pl.instantiate_inplace(lambda m: pl.instantiate_inplace(stage_params))
    assert pl.realize_inplace(pl.instantiate_inplace(stage_params))


def test_a_dependency_that_nothing_realizes() -> None:
    params = pl.instantiate(stage_params).dref
    with pytest.raises(pl.UsageError, match="nothing says how"):
        realize(pl.instantiate(stage_anneal, params))


def test_code_does_not_count() -> None:
    rref = realize(pl.instantiate(single(write=lambda: "one")))
    assert realize(pl.instantiate(single(write=lambda: "two"))) == rref


def test_equal_bytes_above_do_not_keep_what_is_below() -> None:
    """Early cutoff is off: another derivation above is another context."""

    def stage(m: Manager, seed: int) -> pl.DRef:
        return stage_plot(
            m, redefine(stage_anneal, new_config=lambda c: c.update(seed=seed), new_realizer=same)(m, stage_params(m))
        )

    same = build_wrapper(lambda b: writestr(mklens(b).trace.syspath, "[1]"))
    assert realize(pl.instantiate(stage, 1)) != realize(pl.instantiate(stage, 2))
    assert RAN == ["params", "plot", "plot"]


def test_a_damaged_artifact_is_never_served() -> None:
    rref = realize(pl.instantiate(single()))
    path = Path(pl.rref2path(rref), "out")
    path.chmod(0o644)
    path.write_text("tampered")
    assert realize(pl.instantiate(single())) == rref
    assert RAN == ["one", "one"]
    assert Path(pl.rref2path(rref), "out").read_text() == "content"
    assert manual_story.RAN is RAN


def test_processes_on_an_empty_storage_run_each_stage_once(place: Path) -> None:
    """Four programs at once, ten rounds: no crash, one realization, each stage run by one of them."""
    code = f"""
        import sys
        sys.path[:0] = [{str(Path(manual_story.__file__).parent)!r}]
        from manual_story import *
        from stageloom.pylightnix.manual import instantiate, mksettings, realize
        for number in range(10):
            print(realize(instantiate(stage_all, S=mksettings(f"storage-{{number}}"))))
        print(*RAN)
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(pl.__file__).parents[2])}
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)], cwd=place, env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    told = [program.communicate()[0].splitlines() for program in programs]
    assert [program.returncode for program in programs] == [0] * 4
    assert len({tuple(lines[:10]) for lines in told}) == 1
    ran = " ".join(lines[10] for lines in told if len(lines) > 10).split()
    assert {stage: ran.count(stage) for stage in ("params", "anneal", "plot")} == dict.fromkeys(
        ("params", "anneal", "plot"), 10
    )
