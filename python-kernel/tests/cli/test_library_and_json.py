"""What programs rest on: the JSON of the commands, and the Python calls with their errors."""

from __future__ import annotations

import pytest

from stageloom.rpc.messages import Failure, Invalidated, Plan, Problem, Realization, Reason, Undone
from stageloom.rpc.wire import decode, encode

DERIVATIONS = """
    from stageloom.derivations import *


    def stage_n(m: Manager) -> DRef:
        def realize(b: Build) -> None:
            open(mklens(b).out.syspath, "w").write(str(mklens(b).deep.seed.val))

        config = mkconfig({"name": "n", "deep": {"seed": 1, "more": {"x": 1}}, "out": [selfref, "o"]})
        return mkdrv(m, config, match_latest(), build_wrapper(realize))
"""


def whole(kind: object, told: object) -> object:
    """Decode and check that nothing was said beyond what the type tells."""
    value = decode(kind, told)
    assert encode(value) == told
    return value


def test_status_is_a_plan(project):
    for make in (lambda: None, project.realize, lambda: project.edit("pipeline.py", '"apart"', '"other"')):
        make()
        plan = whole(Plan, project.json("status", "pipeline.py"))
        assert [stage.name for stage in plan.stages] == ["numbers", "doubled", "report", "apart"]
    assert plan.stages[-1].is_ == "stale"
    assert [stage.name for stage in whole(Plan, project.json("status", "pipeline.py:apart")).stages] == ["apart"]
    project.edit("pipeline.py", "def apart():", "def apart(nobody):")
    [problem] = whole(Plan, project.json("status", "pipeline.py", code=2)).problems
    assert problem.code == "unknown-dependency"


def test_why_is_reasons_by_stage(project):
    project.realize()
    project.edit("pipeline.py", "count: int = 3", "count: int = 4")
    told = project.json("why", "pipeline.py")
    assert list(told) == ["numbers", "doubled", "report", "apart"]
    kinds = {name: [whole(Reason, reason).kind for reason in reasons] for name, reasons in told.items()}
    assert kinds == {"numbers": ["parameter"], "doubled": ["dependency"], "report": ["dependency"], "apart": []}


def test_realize_says_run_outcome_and_each_stage(project):
    project.edit("pipeline.py", 'return "apart"', "raise ValueError(1)")
    for states in (["done", "done", "done", "failed"], ["kept", "kept", "kept", "failed"]):
        told = project.json("realize", "pipeline.py", code=1)
        assert set(told) == {"run", "outcome", "stages"}
        assert told["outcome"] == "failed"
        assert [stage["is"] for stage in told["stages"]] == states
        for stage in told["stages"]:
            assert set(stage) == {"name", "is", "took", "realization", "failure", "warnings"}
            if stage["is"] == "failed":
                assert whole(Failure, stage["failure"]).exception == "ValueError"
            else:
                assert whole(Realization, stage["realization"]).visible
    project.edit("pipeline.py", "def apart():", "def apart(:")
    refused = project.json("realize", "pipeline.py", code=2)
    assert set(refused) == {"outcome", "problems"}
    assert [whole(Problem, problem).code for problem in refused["problems"]] == ["syntax"]


def test_invalidate_and_undo_say_what_they_did(project):
    project.realize()
    hidden = whole(Invalidated, project.json("invalidate", "pipeline.py:doubled"))
    assert list(hidden.stages) == ["doubled"]
    undone = whole(Undone, project.json("undo"))
    assert (undone.sequence, undone.rrefs) == (hidden.sequence, hidden.rrefs)
    assert not whole(Undone, project.json("undo")).sequence


def test_parameters_within_parameters_can_be_set_and_are_hinted_at(project):
    project.write("deep.py", DERIVATIONS)
    assert project.ran("deep.py", "--set", "n.deep.seed=5") == {"n"}
    assert project.ran("deep.py", "--set", "stage_n.deep.more.x=5") == {"n"}
    assert project.ran("deep.py", "--set", "n.deep.seed=5") == set()
    assert "cannot be set" in project.run("realize", "deep.py", "--set", "n.deep.sed=5", code=2)
    assert "has no such parameter" in project.run("realize", "deep.py", "--set", "n.dep=5", code=2)
    assert "did you mean 'n.deep'" in project.run("realize", "deep.py", "--set", "m.deep=5", code=2)
    assert "did you mean 'report'" in project.run("status", "pipeline.py:reprt", code=2)
    assert "did you mean 'report'" in project.run("why", "pipeline.py:reprt", code=2)
    assert "did you mean 'report'" in project.run("invalidate", "pipeline.py:reprt", code=2)


@pytest.mark.parametrize("call", ["load", "realize"])
@pytest.mark.parametrize(
    ("target", "more", "error", "words"),
    [
        ("pipeline.py:reprt", "", "UnknownStageError", "did you mean 'report'"),
        ("nowhere.py", "", "UsageError", "no file nowhere.py"),
        ("pipeline.py", ", sets={'numbers.cuont': 1}", "UnknownParameterError", "did you mean 'numbers.count'"),
        (
            "pipeline.py",
            ", sets={'numbers.count': object()}",
            "NotSerialisableError",
            "numbers.count is of the type object",
        ),
        ("broken.py:apart", "", "SourceError", "broken.py:22"),
        ("empty.py", "", "ValueError", "mark functions at its top level with @stage"),
        ("pipeline.py", ", store='helper.py'", "StoreUnwritableError", "choose another folder"),
    ],
)
def test_errors_of_the_python_calls_say_what_to_do(project, call, target, more, error, words):
    text = (project.root / "pipeline.py").read_text()
    project.write("broken.py", text.replace("def apart():", "def apart(nobody):"))
    project.write("empty.py", "x = 1\n")
    told = project.python(
        f"import stageloom\ntry:\n    stageloom.{call}({target!r}{more})\n"
        "except (ValueError, TypeError, stageloom.NotRealizedError, stageloom.StageFailedError) as error:\n"
        "    print(type(error).__name__, error)\n"
        "except Exception as error:\n"
        "    from stageloom.store.errors import StoreError\n"
        "    assert isinstance(error, StoreError), error\n"
        "    print(type(error).__name__, error)\n"
    )
    assert told.startswith(error), told
    assert words in told


def test_load_runs_nothing_and_realize_tells_who_failed(project):
    told = project.python(
        "import stageloom\ntry:\n    stageloom.load('pipeline.py:report')\n"
        "except stageloom.NotRealizedError as e: print(e)"
    )
    assert told.strip() == "pipeline.py:report isn't cached; run: stageloom realize pipeline.py:report"
    assert project.python("import stageloom; print(stageloom.realize('pipeline.py:doubled'))").strip() == "[0, 2, 4]"
    project.edit("pipeline.py", "return list(range(count))", "return 1 / 0")
    told = project.python(
        "import stageloom\ntry:\n    stageloom.realize('pipeline.py:doubled')\n"
        "except stageloom.StageFailedError as e: print(e.stage, e.failure.exception)"
    )
    assert told.strip() == "numbers ZeroDivisionError"
