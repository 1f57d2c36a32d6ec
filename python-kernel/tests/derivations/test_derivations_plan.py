from __future__ import annotations

import pytest
from derivation_files import CHAIN, SEVERAL


def stages(planned):
    return {one.name: one for one in planned.stages}


def changed(before, after):
    """Return for each stage which of its code and its configuration differ."""
    old, new = stages(before), stages(after)
    assert list(old) == list(new)
    return {
        name: {key for key in ("code", "configuration") if old[name].derivation[key] != new[name].derivation[key]}
        for name in old
        if old[name].derivation != new[name].derivation
    }


def test_stages_come_dependencies_first_and_whole(project):
    found = stages(project.write(CHAIN).plan())
    assert list(found) == ["params", "anneal", "plot", "stage_all"]
    assert [one.function for one in found.values()] == ["stage_params", "stage_anneal", "stage_plot", "stage_all"]
    assert found["anneal"].dependencies == {"params": ["params"]}
    assert found["plot"].dependencies == {"anneal": ["anneal"]}
    assert found["params"].match == "only"
    assert found["plot"].match == "latest"
    assert found["stage_all"].alias == "plot"
    assert found["stage_all"].derivation == found["plot"].derivation
    assert found["anneal"].span.line == 11
    [dref] = found["anneal"].derivation["dependencies"]["params"]
    assert found["anneal"].derivation["configuration"]["params"] == [dref, "x.txt"]


def test_planning_twice_gives_the_same(project):
    project.write(CHAIN)
    assert project.plan() == project.plan()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"maxiter": 500', '"maxiter": 100', {"anneal": {"configuration"}, "plot": {"configuration"}}),
        ('"deep": {"seed": 1}', '"deep": {"seed": 2}', {"anneal": {"configuration"}, "plot": {"configuration"}}),
        ("return scale", "return scale + 1", {"anneal": {"code"}, "plot": {"configuration"}}),
        ("scale=1", "scale=2", {"anneal": {"code"}, "plot": {"configuration"}}),
        ("stage_params(m))", "stage_params(m), 7)", {"anneal": {"code"}, "plot": {"configuration"}}),
        ("x + 1", "x + 2", {"plot": {"code"}}),
        ("helper(2)", "helper(3)", {"plot": {"code"}}),
        ("def draw(b):", "def draw(b):  # a comment", {}),
        ("def draw(b):", 'def draw(b):\n    """Draw."""', {}),
        ("return scale", "return (  scale )", {}),
        ("\n\ndef stage_all", "\n\ndef unrelated():\n    pass\n\n\ndef stage_all", {}),
        ("match_only", "match_latest", {}),
    ],
)
def test_what_counts_is_noticed_where_it_counts(project, old, new, what):
    before = project.write(CHAIN).plan()
    assert CHAIN.count(old) == 1
    after = project.write(CHAIN.replace(old, new)).plan()
    if "plot" in what:
        what = {**what, "stage_all": what["plot"]}
    assert changed(before, after) == what


def test_a_renamed_output_counts_in_what_reads_it_through_a_lens(project):
    before = project.write(CHAIN).plan()
    after = project.write(CHAIN.replace('[selfref, "x.txt"]', '[selfref, "y.txt"]')).plan()
    assert changed(before, after)["anneal"] == {"code", "configuration"}


@pytest.mark.parametrize("key", ["anneal.maxiter", "stage_anneal.maxiter"])
def test_sets_replace_a_parameter_and_references_follow(project, key):
    before = project.write(CHAIN).plan()
    after = project.plan({key: 100})
    assert stages(after)["anneal"].derivation["configuration"]["maxiter"] == 100
    assert changed(before, after) == {
        "anneal": {"configuration"},
        "plot": {"configuration"},
        "stage_all": {"configuration"},
    }
    assert after.stages == project.write(CHAIN.replace('"maxiter": 500', '"maxiter": 100')).plan().stages


def test_nested_and_unknown_sets(project):
    project.write(CHAIN)
    assert stages(project.plan({"anneal.deep.seed": 7}))["anneal"].derivation["configuration"]["deep"] == {"seed": 7}
    for key, says in [("anneal.nope", "has no such parameter"), ("anneal.params", "names a dependency or an output")]:
        [problem] = project.plan({key: 1}).problems
        assert (problem.code, problem.stages) == ("bad-parameter", ["stage_anneal", "stage_all"])
        assert says in problem.message


def test_instances_of_one_function_have_names_in_order(project):
    found = stages(project.write(SEVERAL).plan())
    assert [(name, one.derivation["configuration"].get("seed")) for name, one in found.items()] == [
        ("run", 3),
        ("run[2]", 1),
        ("run[3]", 2),
        ("best", None),
    ]
    assert found["best"].dependencies == {"runs[0]": ["run"], "runs[1]": ["run[2]"], "runs[2]": ["run[3]"]}


def test_one_instance_can_be_set_by_its_name_and_all_by_their_function(project):
    project.write(SEVERAL)
    one = stages(project.plan({"run[2].scale": 9}))
    assert [each.derivation["configuration"].get("scale") for each in one.values()] == [1, 9, 1, None]
    every = stages(project.plan({"stage_run.scale": 9}))
    assert [each.derivation["configuration"].get("scale") for each in every.values()] == [9, 9, 9, None]
    assert list(one) == list(every) == ["run", "run[2]", "run[3]", "best"]


def test_stages_of_other_files_of_the_project(project):
    project.write(CHAIN, "chain.py")
    planned = project.write(
        """
        from stageloom.derivations import Manager
        from chain import stage_params, stage_anneal

        def stage_short(m: Manager):
            return stage_anneal(m, stage_params(m))
        """
    ).plan()
    found = stages(planned)
    assert list(found) == ["params", "anneal", "stage_short"]
    assert found["anneal"].span.path == "chain.py"
    assert found["stage_short"].alias == "anneal"
    edited = project.write(CHAIN.replace("return scale", "return -scale"), "chain.py").plan()
    assert changed(planned, edited) == {"anneal": {"code"}, "stage_short": {"code"}}


MAKE = "return mkdrv(m, mkconfig({}), match_only(), build_wrapper(print))"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (f"1 / 0; {MAKE}", "stage_bad, line 4: ZeroDivisionError: division by zero"),
        (MAKE.replace("mkconfig({})", "{}"), "takes what mkconfig({…}) returns"),
        (MAKE.replace("match_only()", "match_only"), "match_only(), match_latest()"),
        (MAKE.replace("build_wrapper(print)", "print"), "what build_wrapper(…) returns"),
        (MAKE.replace("{}", "{'x': (1,)}"), "config['x'] is a tuple"),
        (MAKE.replace("{}", "{'x': 'dref:' + '0' * 32 + '-y'}"), "no stage of this manager made"),
        (MAKE.replace("return ", "") + "; return 3", "must return the DRef that mkdrv returned, not 3"),
        (f"import sys; sys.exit(3); {MAKE}", "SystemExit: 3"),
    ],
)
def test_a_stage_function_that_fails_is_a_problem_of_its_own(project, body, says):
    planned = project.write(f"""
        from stageloom.derivations import *
        def stage_bad(m):
            {body}

        def stage_good(m):
            return mkdrv(m, mkconfig({{"name": "good"}}), match_only(), build_wrapper(print))
        """).plan()
    assert "good" in stages(planned)
    [problem] = planned.problems
    assert problem.code == ("bad-parameter" if "tuple" in says else "bad-declaration")
    assert says in problem.message
    assert problem.stages == ["stage_bad"]


def test_what_cannot_be_counted_is_told(project):
    text = """
        import threading
        from stageloom.derivations import *

        def stage_locked(m, how=None):
            lock = threading.Lock()
            def realize(b):
                with lock:
                    pass
            return mkdrv(m, mkconfig({"name": "locked", "n": 1}), match_only(), build_wrapper(realize))
        """
    planned = project.write(text).plan()
    [problem] = planned.problems
    assert problem.severity == "warning"
    assert "locked: its realizer uses lock (_thread.lock)" in problem.message
    edited = project.write(text.replace("threading.Lock()", "threading.RLock()")).plan()
    assert changed(planned, edited) == {"locked": {"code"}}


def test_a_function_that_nobody_calls_is_told(project):
    planned = project.write("""
        from stageloom.derivations import *
        def stage_lone(m, other):
            return mkdrv(m, mkconfig({"x": other}), match_only(), build_wrapper(print))
        """).plan()
    assert planned.stages == []
    [problem] = planned.problems
    assert problem.severity == "warning"
    assert "`def stage_all(m): return stage_lone(m, …)`" in problem.message


def test_one_derivation_by_two_functions_is_one_stage(project):
    planned = project.write("""
        from stageloom.derivations import *
        def stage_a(m):
            return mkdrv(m, mkconfig({"name": "same"}), match_only(), build_wrapper(print))
        def stage_b(m):
            return mkdrv(m, mkconfig({"name": "same"}), match_only(), build_wrapper(print))
        """).plan()
    found = stages(planned)
    assert list(found) == ["same", "stage_b"]
    assert found["stage_b"].alias == "same"


def test_two_matchers_for_one_derivation_are_two_stages(project):
    planned = project.write("""
        from stageloom.derivations import *
        def stage_a(m):
            return mkdrv(m, mkconfig({"name": "same"}), match_only(), build_wrapper(print))
        def stage_b(m):
            return mkdrv(m, mkconfig({"name": "same"}), match_latest(), build_wrapper(print))
        """).plan()
    assert not planned.problems
    assert [(one.name, one.match) for one in planned.stages] == [("same", "only"), ("same[2]", "latest")]
    assert planned.stages[0].derivation == planned.stages[1].derivation


REDEFINED = """
    import json
    from stageloom.derivations import *

    def stage_run(m, seed=1):
        def realize(b):
            open(mklens(b).out.syspath, "w").write("1")
        config = mkconfig({"name": "run", "seed": seed, "out": [selfref, "run.json"]})
        return mkdrv(m, config, match_only(), build_wrapper(realize))

    def stage_sum(m, run):
        return mkdrv(m, mkconfig({"name": "sum", "run": run}), match_only(), build_wrapper(print))

    def lowest(folder):
        return json.loads((folder / "run.json").read_text())

    def stage_all(m):
        return stage_sum(m, stage_run(m))

    def stage_best(m):
        best = redefine(stage_run, new_matcher=match_best(2, key=lowest, of=10))
        return stage_sum(m, best(m))

    def other(config):
        config["seed"] = 5

    def stage_other(m):
        return redefine(stage_run, new_config=other, new_realizer=build_wrapper(print))(m)
"""


def test_a_stage_redefined_stands_beside_the_one_it_was(project):
    stages = {one.name: one for one in project.write(REDEFINED).plan().stages}
    assert [name for name, one in stages.items() if not one.alias] == ["run", "sum", "run[2]", "sum[2]", "run[3]"]
    assert stages["run"].derivation == stages["run[2]"].derivation
    assert (stages["run"].match, stages["run[2]"].match) == ("only", "custom")
    assert stages["run[2]"].function == "stage_run"
    assert stages["sum"].dependencies == {"run": ["run"]}
    assert stages["sum[2]"].dependencies == {"run": ["run[2]"]}
    assert stages["run[3]"].derivation["configuration"]["seed"] == 5
    assert stages["run[3]"].derivation["code"] != stages["run"].derivation["code"]
    assert [stages[name].alias for name in ("stage_all", "stage_best", "stage_other")] == ["sum", "sum[2]", "run[3]"]


def test_what_a_redefined_stage_was_before_is_no_stage(project):
    planned = project.write("""
        from stageloom.derivations import *
        def stage_run(m, seed):
            return mkdrv(m, mkconfig({"name": "run", "seed": seed}), match_only(), build_wrapper(print))
        def stage_all(m):
            return redefine(stage_run, new_matcher=match_latest(3))(m, 1)
        """).plan()
    assert [(one.name, one.match) for one in planned.stages if not one.alias] == [("run", "latest")]


@pytest.mark.parametrize("call", ["match_latest(0)", "match_best(0, key=print)", "match_by(print, 0)"])
def test_a_matcher_takes_at_least_one(project, call):
    planned = project.write(f"""
        from stageloom.derivations import *
        def stage_run(m):
            return mkdrv(m, mkconfig({{"name": "run"}}), {call}, build_wrapper(print))
        """).plan()
    [problem] = planned.problems
    assert "one realization or more" in problem.message


def test_redefine_takes_stage_functions(project):
    planned = project.write("""
        from stageloom.derivations import *
        def stage_run(m):
            return redefine(lambda m: 3)(m)
        """).plan()
    assert "redefine takes a stage function" in planned.problems[0].message
