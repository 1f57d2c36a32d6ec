from __future__ import annotations

from derivation_files import CHAIN, SEVERAL

from stageloom.derivations.language import Derivations
from stageloom.engine.language import CannotPlanError
from stageloom.rpc.messages import Failure, Frame
from stageloom.tracking.snapshot import take


def test_targets_are_what_the_planner_told(project):
    targets, problems = project.write(CHAIN).read()
    assert not problems
    assert list(targets) == ["params", "anneal", "plot", "stage_all"]
    anneal = targets["anneal"]
    assert anneal.function == "stage_anneal"
    assert anneal.path == "stages.py"
    assert anneal.dref == anneal.derivation.dref
    assert anneal.derivation.dependencies == {"params": (targets["params"].dref,)}
    assert anneal.dependencies == {"params": ["params"]}
    assert [(one.name, one.value, one.source) for one in anneal.parameters] == [
        ("maxiter", 500, "default"),
        ("deep", {"seed": 1}, "default"),
    ]
    assert not anneal.guessed
    assert targets["params"].match == "only"
    assert targets["stage_all"].alias == "plot"
    assert targets["stage_all"].dref == targets["plot"].dref


def test_set_parameters_say_so(project):
    targets, _ = project.write(CHAIN).read({"anneal.maxiter": 100})
    maxiter = targets["anneal"].parameters[0]
    assert (maxiter.name, maxiter.text, maxiter.source) == ("maxiter", "100", "set")
    targets, _ = project.read({"stage_anneal.deep.seed": 2})
    assert [one.source for one in targets["anneal"].parameters] == ["default", "set"]


def test_a_guess_where_no_planner_may_run(project):
    targets, problems = project.write(CHAIN).read(ask=None)
    assert not problems
    assert list(targets) == ["params", "anneal", "plot", "stage_all"]
    assert all(one.guessed and one.derivation is None and not one.broken for one in targets.values())
    assert targets["anneal"].dependencies == {"params": ["params"]}
    assert targets["plot"].dependencies == {"ref_anneal": ["anneal"]}
    assert targets["stage_all"].alias == "plot"
    assert [one.name for one in targets["anneal"].parameters] == ["maxiter"]


def test_a_planner_that_fails_leaves_the_guess_and_a_problem(project):
    failure = Failure(
        "missing-package",
        "No module named 'scipy'",
        "Install it.",
        frames=[Frame(str(project.root / "stages.py"), 2, "<module>", "import scipy", user=True)],
    )

    def ask(_snapshot, _path, _sets):
        raise CannotPlanError(failure)

    targets, [problem] = project.write(CHAIN).read(ask=ask)
    assert all(one.broken for one in targets.values())
    assert problem.code == "import-failed"
    assert problem.span.line == 2
    assert problem.message == "stages.py could not be run to learn its stages: No module named 'scipy'. Install it"


def test_a_broken_stage_is_shown_beside_the_good_ones(project):
    targets, [problem] = project.write(CHAIN.replace('"maxiter": 500', '"maxiter": (5,)')).read()
    assert list(targets) == ["params", "anneal", "plot", "stage_all"]
    assert [one.broken for one in targets.values()] == [False, True, True, True]
    assert problem.stages == ["anneal", "stage_all"]
    assert targets["anneal"].dependencies == {"params": ["params"]}
    assert targets["plot"].dependencies == {"ref_anneal": ["anneal"]}


def test_what_it_speaks(project):
    def speaks(text):
        return Derivations().speaks(take(project.write(text).root, "stages.py"), "stages.py")

    assert speaks(CHAIN)
    assert speaks(SEVERAL)
    assert speaks("import stageloom.derivations as d")
    assert not speaks("from stageloom import stage")
    assert not speaks("# from stageloom import derivations")
    assert not speaks("from stageloom import derivations\ndef (")
