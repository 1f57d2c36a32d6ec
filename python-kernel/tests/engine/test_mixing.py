"""Stages of several languages in one pipeline: each may depend on the others."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from stageloom.engine.project import blocking_problems
from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.executors.processes import ProcessExecutor
from stageloom.library import LANGUAGES
from stageloom.store.gc import Policy
from stageloom.store.store import Store

TABLE = json.loads((Path(__file__).parents[1] / "shared" / "declarations.json").read_text("utf-8"))

HEAD = """
import json
from pathlib import Path
from stageloom import Out, best, latest, only, stage
from stageloom.derivations import *
from stageloom.pyplant import ReactorFunc

"""

MIXED = """
@stage
def params(n: int = 3):
    return list(range(n))

def stage_noise(m: Manager) -> DRef:
    def realize(b: Build) -> None:
        lens = mklens(b)
        Path(lens.out.syspath).write_text(json.dumps([one * lens.scale.val for one in lens.params.val]))
    config = mkconfig({"name": "noise", "scale": 2, "params": params, "out": [selfref, "noise.json"]})
    return mkdrv(m, config, match_latest(), build_wrapper(realize))

@ReactorFunc
def cook(pipe, config):
    noise = yield pipe.receive("noise")
    first = yield pipe.receive("params")
    pipe.send("soup", json.loads((noise / "noise.json").read_text()) + first)
    pipe.send("salt", 3)

@stage
def plate(soup, noise: Path):
    return {"soup": soup, "noise": (noise / "noise.json").read_text()}

@stage
def last(plate):
    return len(plate["soup"])
"""


class Heard:
    def __init__(self):
        self.ran = []
        self.printed = ""

    def changed(self, stage, state, entry):
        if state == "done":
            self.ran.append(stage)

    def log(self, stage, stream, text):
        self.printed += text

    def progress(self, stage, points, fraction, message):
        pass


class Mixed:
    """A pipeline file in a folder, and the engine in this process."""

    def __init__(self, root, workspace):
        self.root = root
        self.workspace = workspace

    def write(self, text, name="pipeline.py", head=HEAD):
        (self.root / name).write_text(head + dedent(text), "utf-8")

    def edit(self, before, after, name="pipeline.py"):
        text = (self.root / name).read_text("utf-8")
        assert before in text
        (self.root / name).write_text(text.replace(before, after), "utf-8")

    def read(self, sets=None, **more):
        return self.workspace.read("pipeline.py", sets=sets, **more)

    def needs(self, **more):
        return {
            name: {role: list(those) for role, those in target.dependencies.items()}
            for name, target in self.read(**more).targets.items()
        }

    def problems(self, **more):
        return [(one.code, one.span.line + 1, one.message) for one in self.read(**more).problems]

    def realize(self, *stages, sets=None, fails=""):
        pipeline, heard = self.read(sets), Heard()
        assert blocking_problems(pipeline, list(pipeline.targets)) == []
        result = self.workspace.run(pipeline, list(stages), heard).execute()
        failed = result.first_failure and result.entries[result.first_failure].failure
        assert fails in failed.message if fails else failed is None, failed
        return set(heard.ran)

    def value(self, stage):
        from stageloom.artifacts.values import given

        found = {one.name: one.realization for one in self.workspace.plan("pipeline.py").stages}[stage]
        return given(self.workspace.locate(found.rref))

    def states(self, sets=None, **more):
        return {one.name: one.is_ for one in self.workspace.plan("pipeline.py", sets=sets, **more).stages}

    def why(self, stage, sets=None):
        return [one.summary for one in self.workspace.why("pipeline.py", stage, sets=sets)]


@pytest.fixture
def mixed(tmp_path):
    with Store.open(tmp_path / "store") as store:
        made = Mixed(tmp_path / "project", Workspace(tmp_path / "project", store, LANGUAGES, InlineExecutor()))
        made.root.mkdir()
        made.write(MIXED)
        yield made


ALL = {"params", "noise", "cook", "plate", "last"}


def test_all_ways_need_one_another(mixed):
    assert mixed.problems() == []
    assert mixed.needs() == {
        "params": {},
        "noise": {"params": ["params"]},
        "cook": {"noise": ["noise"], "params": ["params"]},
        "plate": {"soup": ["cook"], "noise": ["noise"]},
        "last": {"plate": ["plate"]},
    }
    assert mixed.realize() == ALL
    assert mixed.value("plate") == {"soup": [0, 2, 4, 0, 1, 2], "noise": "[0, 2, 4]"}
    assert mixed.realize() == set()
    assert set(mixed.states().values()) == {"cached"}


def test_edges_are_guessed_from_the_source_until_the_planner_has_spoken(mixed):
    guess = mixed.read(may_run=False)
    assert {name: one.guessed for name, one in guess.targets.items()} == {
        "params": False, "noise": True, "cook": True, "plate": True, "last": False,
    }  # fmt: skip
    assert mixed.needs(may_run=False) == mixed.needs()
    assert guess.problems == []
    assert {one.guessed for one in mixed.read().targets.values() if one.language == "function"} == {False}


@pytest.mark.parametrize(
    ("before", "after", "ran"),
    [
        ("return list(range(n))", "return [*range(n)]", {"params"}),
        ("n: int = 3", "n: int = 4", ALL),
        ('"scale": 2', '"scale": 5', ALL - {"params"}),
        ("one * lens.scale.val", "lens.scale.val * one", {"noise"}),
        ('pipe.send("salt", 3)', 'pipe.send("salt", 4)', {"cook"}),
        ("first)", "[*first])", {"cook"}),
        ("import json\n", "import json  # a comment\n", set()),
    ],
    ids=["same bytes", "parameter", "configuration", "same files", "other ingredient", "same ingredient", "comment"],
)
def test_an_edit_reruns_what_it_reaches_across_the_border(mixed, before, after, ran):
    mixed.realize()
    mixed.edit(before, after)
    assert mixed.realize() == ran
    mixed.edit(after, before)
    assert mixed.realize() == set(), "what was made before is found again"


def test_sets_reach_across_and_why_tells(mixed):
    mixed.realize()
    sets = {"params.n": 5}
    assert mixed.states(sets) == dict.fromkeys(ALL, "stale")
    assert mixed.why("params", sets) == ["n: 3 → 5"]
    assert mixed.why("noise", sets) == ["params is stale"]
    assert mixed.why("cook", sets) == ["depends on noise", "depends on params"]
    assert mixed.why("plate", sets) == ["cook is stale", "noise is stale"]
    assert mixed.realize(sets=sets) == ALL
    assert mixed.value("plate")["noise"] == "[0, 2, 4]"
    assert mixed.realize(sets=sets) == mixed.realize() == set()


def test_a_dependency_that_came_out_otherwise_is_the_reason(mixed):
    mixed.realize()
    mixed.edit("n: int = 3", "n: int = 4")
    mixed.realize("params")
    assert mixed.why("noise") == ["params changed"]
    mixed.realize("noise")
    assert mixed.why("cook") == ["the ingredient noise changed", "the ingredient params changed"]
    mixed.realize("cook")
    assert mixed.why("plate")[0] == "noise changed"


def test_invalidation_goes_to_dependents_and_comes_back(mixed):
    mixed.realize()
    touched = mixed.workspace.invalidate("pipeline.py", ["noise"], dependents=True)
    assert set(touched.stages) == ALL - {"params"}
    assert {name for name, state in mixed.states().items() if state != "cached"} == ALL - {"params"}
    mixed.workspace.undo()
    assert set(mixed.states().values()) == {"cached"}
    mixed.workspace.invalidate("pipeline.py", ["noise"])
    assert mixed.realize() == {"noise"}


def test_what_the_last_stage_was_made_from_stays_when_garbage_is_collected(mixed):
    mixed.realize()
    store = mixed.workspace.store
    [last] = [one for one in store.history("pipeline.py") if one.stage == "last"]
    assert store.gc(Policy([last.rref], grace=0), delete=True).victims == []
    assert set(mixed.states().values()) == {"cached"}


def test_history_has_all_of_them(mixed):
    mixed.realize()
    assert {one.stage for one in mixed.workspace.store.history("pipeline.py")} == ALL


def test_with_one_worker_nothing_waits_for_itself(mixed, tmp_path):
    with ProcessExecutor(1, mixed.root) as executor:
        heard = Heard()
        run = mixed.workspace.run(mixed.read(), [], heard, executor=executor)
        assert run.execute().first_failure is None
    assert set(heard.ran) == ALL
    assert mixed.realize() == set()


def test_side_by_side_it_comes_to_the_same(mixed, tmp_path):
    with ProcessExecutor(3, mixed.root) as executor:
        run = mixed.workspace.run(mixed.read(), [], Heard(), executor=executor)
        assert run.execute().first_failure is None
    assert mixed.realize() == set()


# --- as the editor guesses it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", TABLE["mixed"], ids=lambda case: case["title"])
def test_shared_table(case, mixed):
    mixed.write("\n".join(case["source"]), head="")
    pipeline = mixed.read(may_run=False)
    assert sorted(
        (
            {
                "name": one.name,
                "function": one.function,
                "language": one.language,
                "line": one.span.line,
                "dependencies": sorted({name for names in one.dependencies.values() for name in names}),
            }
            for one in pipeline.targets.values()
        ),
        key=lambda stage: stage["line"],
    ) == case["stages"]  # fmt: skip
    problems = [{"code": one.code, "line": one.span.line, "stages": sorted(one.stages)} for one in pipeline.problems]
    assert problems == case["problems"]


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_stage_can_be_named_by_the_function_that_makes_it(mixed):
    mixed.write(
        """
        def stage_one(m: Manager, k: int = 1) -> DRef:
            def realize(b: Build) -> None:
                Path(mklens(b).out.syspath).write_text(str(mklens(b).k.val))
            config = mkconfig({"name": "one", "k": k, "out": [selfref, "k"]})
            return mkdrv(m, config, match_only(), build_wrapper(realize))

        def stage_two(m: Manager) -> DRef:
            stage_one(m, 2)
            return stage_one(m, 3)

        @stage
        def both(stage_one, stage_two):
            return [(one / "k").read_text() for one in stage_one], (stage_two / "k").read_text()
        """
    )
    assert mixed.needs()["both"] == {"stage_one": ["one", "one[2]", "one[3]"], "stage_two": ["stage_two"]}
    mixed.realize("both")
    assert mixed.value("both") == (["1", "2", "3"], "3")


def test_unknown_names_are_told_with_the_closest(mixed):
    mixed.edit("def plate(soup, noise: Path)", "def plate(soop, noize: Path)")
    told = [one for one in mixed.problems() if one[0] == "unknown-dependency"]
    assert [message for _, _, message in told] == [
        "No stage is named 'soop', which 'plate' needs. Did you mean 'soup'?",
        "No stage is named 'noize', which 'plate' needs. Did you mean 'noise'?",
    ]
    assert mixed.states()["plate"] == "broken"
    assert mixed.states()["cook"] == "absent"


def test_an_ingredient_that_was_not_sent_is_told(mixed):
    mixed.edit('    pipe.send("soup"', '    if not first:\n        pipe.send("soup"')
    mixed.realize(fails="No reactor sent the ingredient 'soup'")


def test_two_stages_of_one_name_are_refused_at_both(mixed):
    mixed.edit("def cook(pipe, config)", "def noise(pipe, config)")
    told = [one for one in mixed.problems() if one[0] == "duplicate-stage"]
    lines = (mixed.root / "pipeline.py").read_text("utf-8").splitlines()
    at = [next(n for n, line in enumerate(lines, 1) if word in line) for word in ("def stage_noise", "def noise")]
    assert told == [
        ("duplicate-stage", at[0], f"'noise' is a reactor too, in line {at[1]}. Rename one of them."),
        ("duplicate-stage", at[1], f"'noise' is a derivation too, in line {at[0]}. Rename one of them."),
    ]
    assert mixed.states()["noise"] == "broken"


def test_a_ring_through_two_languages_is_told_before_anything_runs(mixed):
    mixed.edit("def params(n: int = 3)", "def params(soup, n: int = 3)")
    told = [one for one in mixed.problems() if one[0] == "cycle"]
    assert [message for _, _, message in told] == [
        "Stages need each other in a ring: params needs cook needs params. Take one of these dependencies away."
    ]
    states = mixed.states()
    assert {name for name, state in states.items() if state == "broken"} == {"params", "noise", "cook"}
    assert "cycle" in {one[0] for one in mixed.problems(may_run=False)}


# --- what is received ------------------------------------------------------------------------------------------------


def test_a_reactor_by_its_name_is_all_that_it_sent(mixed):
    mixed.write(
        """
        @ReactorFunc
        def cook(pipe):
            pipe.send("soup", [1, 2])
            pipe.send("salt", 3)

        @stage
        def plate(cook):
            return dict(cook)
        """
    )
    mixed.realize()
    assert mixed.value("plate") == {"soup": [1, 2], "salt": 3}


def test_large_arrays_stay_mapped(mixed):
    pytest.importorskip("numpy")
    mixed.write(
        """
        import numpy as np

        @ReactorFunc
        def grow(pipe):
            pipe.send("field", np.arange(3_000_000.0))

        def stage_sum(m: Manager) -> DRef:
            def realize(b: Build) -> None:
                given = mklens(b).half.val
                Path(mklens(b).out.syspath).write_text(f"{type(given.base).__name__} {given.sum():.0f}")
            config = mkconfig({"name": "sum", "half": half, "out": [selfref, "sum.txt"]})
            return mkdrv(m, config, match_only(), build_wrapper(realize))

        @stage
        def half(field):
            assert isinstance(field.base, np.memmap)
            return field / 2

        @ReactorFunc
        def shrink(pipe):
            got = yield pipe.receive("half")
            pipe.send("kind", type(got.base).__name__)

        @stage
        def told(sum, kind):
            return (sum / "sum.txt").read_text(), kind
        """
    )
    mixed.realize()
    assert mixed.value("told") == ("memmap 2249999250000", "memmap")


def test_files_of_ingredients_come_as_paths(mixed):
    mixed.write(
        """
        from stageloom.pyplant import Ingredient

        @ReactorFunc
        def write(pipe):
            path = pipe.allocate("text", Ingredient.Type.file)
            Path(path).write_text("hello")
            pipe.send("text", path, Ingredient.Type.file)

        @stage
        def read(text):
            return Path(text).read_text()
        """
    )
    mixed.realize()
    assert mixed.value("read") == "hello"


SEVERAL = """
import random

@stage(each=[1, 2, 3])
def power(of: int):
    return of ** 2

@stage(match=latest(2))
def draw():
    return random.random()

def stage_sum(m: Manager) -> DRef:
    def realize(b: Build) -> None:
        lens = mklens(b)
        said = [lens.powers[1].val, [lens.powers[n].val for n in range(3)], len(lens.draws.vals), len(lens.draws.rrefs)]
        Path(lens.other.syspath).write_text(str(random.random()))
        Path(lens.out.syspath).write_text(json.dumps(said))
    config = mkconfig({"name": "sum", "powers": power, "draws": draw, "out": [selfref, "sum.json"],
                       "other": [selfref, "other.txt"]})
    return mkdrv(m, config, match_latest(2), build_wrapper(realize))

@ReactorFunc
def add(pipe):
    powers = yield pipe.receive("power")
    draws = yield pipe.receive("draw")
    pipe.send("added", [sum(powers), len(draws)])

@stage
def told(sum, added):
    return [json.loads((one / "sum.json").read_text()) for one in sum], added
"""


def test_several_realizations_and_mapped_stages_come_as_lists(mixed):
    mixed.write(SEVERAL)
    assert mixed.problems() == []
    mixed.realize()
    assert mixed.value("told") == ([[4, [1, 4, 9], 2, 2]] * 2, [14, 2])
    assert mixed.realize() == set()
    mixed.edit("each=[1, 2, 3]", "each=[4, 2, 3]")
    mixed.edit("of ** 2", "of * of")
    ran = mixed.realize()
    assert ran == {"power[of=4]", "power[of=2]", "power[of=3]", "sum", "add", "told"}


def test_a_list_of_one_is_a_list(mixed):
    mixed.write(
        """
        @stage(each=[7])
        def power(of: int):
            return of

        @ReactorFunc
        def add(pipe):
            got = yield pipe.receive("power")
            pipe.send("got", got)

        @stage
        def told(got):
            return got
        """
    )
    mixed.realize()
    assert mixed.value("told") == [7]
    mixed.edit("@stage(each=[7])\ndef power(of: int)", "@stage\ndef power(of: int = 7)")
    assert mixed.realize() == {"add", "told"}, "the same work under another name"
    assert mixed.value("told") == 7


def test_a_function_asks_its_own_matcher_of_what_other_languages_made(mixed):
    mixed.write(
        """
        @ReactorFunc
        def cook(pipe):
            pipe.send("soup", 5)

        @stage(match=best(1, key=lambda value: value, of=2))
        def draw(soup):
            import random
            return soup + random.random()

        def stage_low(m: Manager) -> DRef:
            def realize(b: Build) -> None:
                Path(mklens(b).out.syspath).write_text(str(mklens(b).draw.val))
            config = mkconfig({"name": "low", "draw": draw, "out": [selfref, "low"]})
            best = match_best(1, key=lambda folder: (folder / "low").read_text())
            return mkdrv(m, config, best, build_wrapper(realize))
        """
    )
    assert mixed.realize() == {"cook", "draw", "low"}
    assert mixed.realize() == set()


# --- derivations that need function stages ---------------------------------------------------------------------------

BY_HAND = """
@stage
def params(n: int = 3):
    return list(range(n))

quick = params.bind(n=1)

def stage_sum(m: Manager, numbers: DRef) -> DRef:
    def realize(b: Build) -> None:
        lens = mklens(b)
        Path(lens.out.syspath).write_text(f"{sum(lens.numbers.val)} {lens.numbers.n.val} {lens.file.syspath[-10:]}")
    more = {"note": f"of {numbers}", "file": [numbers, "return/value.json"]}
    config = mkconfig({"name": "sum", "numbers": numbers, **more, "out": [selfref, "o"]})
    return mkdrv(m, config, match_only(), build_wrapper(realize))

def stage_all(m: Manager) -> DRef:
    stage_sum(m, m.stage(params))
    return stage_sum(m, m.stage(quick))

@stage
def told(stage_sum):
    return [(one / "o").read_text() for one in stage_sum]
"""


def test_a_manager_gives_the_reference_of_a_function_stage(mixed):
    mixed.write(BY_HAND)
    assert mixed.problems() == []
    assert mixed.needs()["sum[2]"] == {"numbers": ["quick"], "file": ["quick"]}
    mixed.realize()
    assert mixed.value("told") == ["3 3 value.json", "0 1 value.json"]
    mixed.edit("list(range(n))", "[*range(n)]")
    # the lens looked at the dependency's configuration, which its tree does not tell
    assert mixed.realize() == {"params", "quick", "sum", "sum[2]", "stage_all"}


def test_code_of_a_function_stage_is_not_that_of_the_derivation(mixed):
    mixed.write(MIXED.replace('"params": params', '"params": m.stage(params)'))
    mixed.realize()
    mixed.edit("list(range(n))", "[*range(n)]")
    assert mixed.realize() == {"params"}


def test_what_is_no_stage_of_the_pipeline_is_told(mixed):
    mixed.write(
        """
        def plain():
            return 1

        @stage(each=[1, 2])
        def power(of: int):
            return of

        def stage_a(m: Manager) -> DRef:
            return mkdrv(m, mkconfig({"a": plain}), match_only(), build_wrapper(print))

        def stage_b(m: Manager) -> DRef:
            return mkdrv(m, mkconfig({"a": m.stage(plain)}), match_only(), build_wrapper(print))

        def stage_c(m: Manager) -> DRef:
            return mkdrv(m, mkconfig({"a": m.stage(power)}), match_only(), build_wrapper(print))

        def stage_d(m: Manager) -> DRef:
            return mkdrv(m, mkconfig({"a": [power, "return/value.json"]}), match_only(), build_wrapper(print))
        """
    )
    told = " ".join(message for _, _, message in mixed.problems())
    assert "config['a'] is a function" in told
    assert "plain is no stage of this pipeline" in told
    assert "power stands for 2 stages by its each=" in told
    assert "a path leads into one stage" in told


def test_a_parameter_can_be_bound_to_a_stage_of_another_language(mixed):
    mixed.write(
        MIXED
        + """
def stage_loud(m: Manager) -> DRef:
    return redefine(stage_noise, new_config=lambda c: {**c, "name": "louder", "scale": 7})(m)

loud = plate.bind(noise=stage_loud)
every = last.bind(plate=cook)
"""
    )
    assert mixed.problems() == []
    assert mixed.needs()["loud"] == {"soup": ["cook"], "noise": ["stage_loud"]}
    assert mixed.needs()["every"] == {"plate": ["cook"]}
    assert [one.name for one in mixed.read().targets["loud"].parameters] == []
    mixed.realize("loud", "every")
    assert mixed.value("loud")["noise"] == "[0, 7, 14]"
    assert mixed.value("every") == 6
    assert mixed.realize("loud", "every") == set()
    mixed.edit("noise=stage_loud", "noise=json.dumps")
    assert "noise of loud" in " ".join(message for _, _, message in mixed.problems())
    mixed.edit("noise=json.dumps", "noise=Heard")
    mixed.edit("loud = plate", "class Heard: ...\n\nloud = plate")
    assert [message for _, _, message in mixed.problems()] == [
        "The value of 'noise' is a function or a class, which cannot be stored. Give it a plain value.",
        "noise of loud is of the type type, which cannot be stored as configuration. Give it a plain value.",
    ]
    assert mixed.states()["loud"] == "broken"


# --- other files -----------------------------------------------------------------------------------------------------


def test_stages_of_imported_files(mixed):
    mixed.write(
        """
        @stage
        def seed():
            return 4

        def stage_noise(m: Manager) -> DRef:
            def realize(b: Build) -> None:
                Path(mklens(b).out.syspath).write_text(str(mklens(b).seed.val))
            config = mkconfig({"name": "noise", "seed": seed, "out": [selfref, "noise.txt"]})
            return mkdrv(m, config, match_only(), build_wrapper(realize))

        def stage_other(m: Manager) -> DRef:
            return mkdrv(m, mkconfig({"name": "other"}), match_only(), build_wrapper(print))

        @stage
        def deep(noise):
            return (noise / "noise.txt").read_text()

        @ReactorFunc
        def cook(pipe):
            got = yield pipe.receive("seed")
            pipe.send("soup", got + 1)
        """,
        "steps.py",
    )
    mixed.write(
        """
        from stageloom import stage
        from steps import deep, seed, stage_noise

        @stage
        def plate(deep, stage_noise, soup):
            return deep, (stage_noise / "noise.txt").read_text(), soup
        """,
        head="",
    )
    assert mixed.problems() == []
    assert mixed.needs() == {
        "seed": {}, "noise": {"seed": ["seed"]}, "deep": {"noise": ["noise"]}, "cook": {"seed": ["seed"]},
        "plate": {"deep": ["deep"], "stage_noise": ["noise"], "soup": ["cook"]},
    }  # fmt: skip
    mixed.realize()
    assert mixed.value("plate") == ("4", "4", 5)
    assert mixed.realize() == set()


def test_files_of_one_language_are_planned_as_before(mixed):
    """No plan is another for what it is read beside: users' stores hold them."""
    mixed.write(
        """
        @stage
        def one(n: int = 3):
            return n

        def stage_two(m: Manager) -> DRef:
            return mkdrv(m, mkconfig({"name": "two", "k": 1}), match_only(), build_wrapper(print))
        """
    )
    beside = mixed.read().targets["one"].dref
    mixed.write("@stage\ndef one(n: int = 3):\n    return n\n")
    assert mixed.read().targets["one"].dref == beside
