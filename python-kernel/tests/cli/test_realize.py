"""What reruns and what doesn't, as a user sees it on the command line."""

from __future__ import annotations

import json
import os
import signal
import stat
import time

import pytest

ALL = {"numbers", "doubled", "report", "apart"}


def test_first_everything_runs_then_nothing(project):
    assert project.ran() == ALL
    assert project.ran() == set()
    assert "Nothing to do: all 4 stages are cached" in project.run("realize", "pipeline.py")


def test_only_what_a_target_needs_runs(project):
    assert project.ran("pipeline.py:doubled") == {"numbers", "doubled"}
    assert project.states() == {"numbers": "cached", "doubled": "cached", "report": "absent", "apart": "absent"}


def test_status_says_how_each_stage_stands_before_anything_runs(project):
    assert set(project.states().values()) == {"absent"}
    project.run("status", "pipeline.py", "--check", code=1)
    project.realize()
    project.run("status", "pipeline.py", "--check", code=0)
    assert "cached · just now ·" in project.run("status", "pipeline.py")


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("pipeline.py", "def apart():", "# a comment\n\n\ndef apart():"),
        ("pipeline.py", "return list(range(count))", "return  list( range(count) )"),
        ("pipeline.py", "[double(n) + plus for n in numbers]", "[double(number) + plus for number in numbers]"),
        ("helper.py", "def double(n):", 'def double(n):\n    """Says what it does."""'),
        ("helper.py", "def unrelated(n):\n    return n", "def unrelated(n):\n    return n + 1"),
    ],
    ids=["comment", "formatting", "renamed local", "docstring", "unrelated function"],
)
def test_what_changes_nothing_reruns_nothing(project, file, before, after):
    project.realize()
    project.edit(file, before, after)
    assert project.ran() == set()


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("pipeline.py", '"sum "', '"total "', {"report"}),
        ("pipeline.py", '"apart"', '"else"', {"apart"}),
        ("pipeline.py", "plus: int = 0", "plus: int = 1", {"doubled", "report"}),
        ("pipeline.py", "count: int = 3", "count: int = 4", {"numbers", "doubled", "report"}),
        ("helper.py", "return inner(n) * 2", "return inner(n) * 3", {"doubled", "report"}),
        ("helper.py", "def inner(n):\n    return n", "def inner(n):\n    return n + 1", {"doubled", "report"}),
    ],
    ids=["own code", "other stage", "parameter", "early parameter", "helper", "helper's helper"],
)
def test_an_edit_reruns_what_it_reaches(project, file, before, after, expected):
    project.realize()
    project.edit(file, before, after)
    assert project.ran() == expected
    project.edit(file, after, before)
    assert project.ran() == set(), "what was made before is found again"


def test_a_changed_producer_with_the_same_bytes_reruns_nothing_below_it(project):
    project.realize()
    project.edit("pipeline.py", "return list(range(count))", "return [n for n in range(count)]")
    assert project.ran() == {"numbers"}
    assert project.states()["report"] == "cached"


def test_why_tells_code_parameter_and_dependency_with_the_difference(project):
    project.realize()
    project.edit("helper.py", "return inner(n) * 2", "return inner(n) * 3")
    [reason] = project.reasons("doubled")
    assert reason["kind"] == "code"
    assert "* 2" in reason["before"]
    assert "* 3" in reason["after"]
    [below] = project.reasons("report")
    assert (below["kind"], below["subject"]) == ("dependency", "doubled")
    project.edit("helper.py", "return inner(n) * 3", "return inner(n) * 2")
    project.edit("pipeline.py", "count: int = 3", "count: int = 30")
    [changed] = project.reasons("numbers")
    assert (changed["kind"], changed["before"], changed["after"]) == ("parameter", "3", "30")
    told = project.run("why", "pipeline.py:numbers")
    assert "count: 3 → 30" in told


def test_set_makes_another_instance_beside_the_default(project):
    project.realize()
    assert project.ran("pipeline.py:report", "--set", "numbers.count=5") == {"numbers", "doubled", "report"}
    assert project.ran("pipeline.py:report", "--set", "numbers.count=5") == set()
    assert project.ran() == set()


def test_invalidate_alone_reruns_that_stage_and_undo_brings_it_back(project):
    project.realize()
    project.run("invalidate", "pipeline.py:doubled")
    assert project.states()["doubled"] == "stale"
    assert [reason["kind"] for reason in project.reasons("doubled")] == ["invalidated"]
    assert "1 realization visible again" in project.run("undo")
    assert set(project.states().values()) == {"cached"}
    project.run("invalidate", "pipeline.py:doubled")
    assert project.ran() == {"doubled"}, "what depends on it takes the same bytes"


def test_invalidate_with_dependents_reruns_them_too(project):
    project.realize()
    project.run("invalidate", "pipeline.py:doubled", "--dependents")
    assert project.ran() == {"doubled", "report"}
    assert "Nothing to undo" not in project.run("undo")


def test_a_failing_stage_shows_its_traceback_and_lets_the_rest_finish(project):
    project.edit("pipeline.py", "return [double(n) + plus for n in numbers]", "return numbers['nope']")
    answer = project.json("realize", "pipeline.py", code=1)
    states = {stage["name"]: stage["is"] for stage in answer["stages"]}
    assert states == {"numbers": "done", "doubled": "failed", "report": "skipped", "apart": "done"}
    failure = next(stage["failure"] for stage in answer["stages"] if stage["failure"])
    assert failure["exception"] == "TypeError"
    frame = failure["frames"][-1]
    assert frame["user"]
    assert frame["path"] == str(project.root / "pipeline.py")
    assert "numbers['nope']" in frame["text"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("def doubled(numbers, plus: int = 0):", "def doubled(nombers, plus: int = 0):", "numbers"),
        ("def numbers(count: int = 3):", "def numbers(report, count: int = 3):", "numbers"),
        ("def apart():", "def report():", "report"),
        ("def apart():", "def apart(:", "pipeline.py"),
        ("def apart():", "def apart(thing=object()):", "thing"),
    ],
    ids=["unknown dependency", "cycle", "two of one name", "syntax error", "not serialisable"],
)
def test_a_problem_in_the_source_is_told_with_its_place(project, before, after, words):
    project.edit("pipeline.py", before, after)
    told = project.run("realize", "pipeline.py", code=2)
    assert "pipeline.py:" in told
    assert words in told
    assert "Traceback" not in told


def test_a_problem_elsewhere_does_not_keep_a_stage_from_running(project):
    project.edit("pipeline.py", "def apart():", "def apart(nobody):")
    assert project.ran("pipeline.py:report") == {"numbers", "doubled", "report"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("realize", "nowhere.py"), "There is no file nowhere.py"),
        (("realize", "pipeline.py:reprot"), "did you mean 'report'"),
        (("realize", "pipeline.py", "--set", "numbers.cuont=4"), "did you mean 'numbers.count'"),
        (("realize", "pipeline.py", "--set", "count"), "--set takes stage.parameter=value"),
    ],
)
def test_wrong_words_are_met_with_the_right_ones(project, words, told):
    assert told in project.run(*words, code=2)


def test_an_interrupt_keeps_what_finished(project):
    project.edit(
        "pipeline.py",
        "return [double(n) + plus for n in numbers]",
        "import time; print('now', flush=True); time.sleep(600)",
    )
    process = project.start("realize", "pipeline.py:report")
    for line in process.stdout:
        if line.startswith("now"):
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=180)
    assert process.returncode == 130
    assert project.states()["numbers"] == "cached"
    assert project.states()["doubled"] == "absent"


def test_a_killed_run_loses_nothing_that_was_complete(project):
    project.edit(
        "pipeline.py",
        "return [double(n) + plus for n in numbers]",
        "import time; print('now', flush=True); time.sleep(600)",
    )
    process = project.start("realize", "pipeline.py:report")
    for line in process.stdout:
        if line.startswith("numbers") and "ran" in line:
            break  # told while the next stage runs, and so durable
    process.kill()
    process.communicate(timeout=180)
    project.edit("pipeline.py", "import time; print('now', flush=True); time.sleep(600)", "return numbers")
    assert project.ran("pipeline.py:report") == {"doubled", "report"}


def test_saving_during_a_run_changes_nothing_about_that_run(project):
    project.edit(
        "pipeline.py", "return list(range(count))", "import time; print('now', flush=True); time.sleep(1.5); return [1]"
    )
    process = project.start("realize", "pipeline.py:report")
    for line in process.stdout:
        if line.startswith("now"):
            break
    project.edit("helper.py", "* 2", "* 100")
    project.edit("pipeline.py", '"sum "', '"total "')
    process.communicate(timeout=180)
    assert process.returncode == 0
    answer = project.json("realize", "pipeline.py:report")
    assert {stage["name"]: stage["is"] for stage in answer["stages"]} == {
        "numbers": "kept",
        "doubled": "done",
        "report": "done",
    }
    tree = project.root / ".stageloom/store/trees" / answer["stages"][-1]["realization"]["tree"][:2]
    assert (tree / answer["stages"][-1]["realization"]["tree"] / "report.txt").read_text() == "total 100"


def test_two_processes_at_once_run_each_stage_once(project):
    project.edit("pipeline.py", 'print("making numbers")', "open('ran', 'a').write('x'); import time; time.sleep(0.5)")
    both = [project.start("realize", "pipeline.py") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=180)
        assert process.returncode == 0, out + err
    assert (project.root / "ran").read_text() == "x"


def test_a_damaged_artifact_is_made_again_and_heals_the_store(project):
    project.realize()
    [file] = (project.root / ".stageloom/store/trees").rglob("report.txt")
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    time.sleep(0.01)
    file.write_text("sum 7")
    assert project.ran() == {"report"}
    [file] = (project.root / ".stageloom/store/trees").rglob("report.txt")
    assert file.read_text() == "sum 6"


def test_a_lost_index_is_made_again(project):
    project.realize()
    for path in (project.root / ".stageloom/store").glob("index.sqlite*"):
        path.unlink()
    assert project.ran() == set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere, so a refusal cannot be shown")
def test_a_store_that_cannot_be_written_says_so(project):
    (project.root / ".stageloom").mkdir(mode=0o555)
    told = project.run("realize", "pipeline.py", code=3)
    assert "cannot be written" in told


def test_a_store_where_a_file_stands_says_so(project):
    (project.root / ".stageloom").write_text("not a folder")
    told = project.run("realize", "pipeline.py", code=3)
    assert ".stageloom" in told
    assert "Traceback" not in told


def test_load_gives_the_value_or_the_folder(project):
    project.realize()
    program = (
        "import json, stageloom; from pathlib import Path; "
        "print(json.dumps([stageloom.load('pipeline.py:doubled'), "
        "(Path(stageloom.load('pipeline.py:report')) / 'report.txt').read_text()]))"
    )
    assert json.loads(project.python(program)) == [[0, 2, 4], "sum 6"]


def test_a_stage_of_a_file_with_a_syntax_error_is_met_with_the_error(project):
    project.edit("pipeline.py", "def apart():", "def apart(:")
    told = project.run("realize", "pipeline.py:report", code=2)
    assert "pipeline.py:" in told
    assert "did you mean" not in told


def test_an_instance_of_each_is_set_by_its_name(project):
    project.write(
        "each.py",
        """
        from stageloom import stage


        @stage(each={"length": [2, 3]})
        def long(length: int, times: int = 1):
            return length * times
        """,
    )
    assert project.ran("each.py") == {"long[length=2]", "long[length=3]"}
    assert project.ran("each.py", "--set", "long[length=2].times=5") == {"long[length=2]"}


def test_what_an_instance_was_bound_to_is_set_by_its_own_name_alone(project):
    project.write(
        "bound.py",
        """
        from stageloom import stage


        @stage
        def counts(minimum: int = 2, plus: int = 0):
            return minimum + plus


        rare = counts.bind(minimum=1)
        """,
    )
    assert project.ran("bound.py") == {"counts", "rare"}
    assert project.ran("bound.py", "--set", "counts.minimum=3") == {"counts"}
    assert project.ran("bound.py", "--set", "rare.minimum=4") == {"rare"}
    assert project.ran("bound.py", "--set", "counts.plus=1") == {"counts", "rare"}


SLOW = """
    import time

    from stageloom import stage


    @stage
    def a():
        print("a begins", flush=True)
        time.sleep({first})


    @stage
    def b():
        print("b begins", flush=True)
        time.sleep(600)
"""


def test_an_interrupt_ends_the_whole_run_not_one_stage_of_it(project):
    project.write("slow.py", SLOW.format(first=600))
    process = project.start("realize", "slow.py")
    for line in process.stdout:
        if line.startswith("a begins"):
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=180)
    assert process.returncode == 130
    assert "b begins" not in out


def test_what_took_long_is_told_and_durable_before_the_next_stage_begins(project):
    project.write("slow.py", SLOW.format(first=1.5))
    process = project.start("realize", "slow.py")
    told = []
    for line in process.stdout:
        told.append(line)
        if line.startswith("b begins"):
            break
    process.kill()
    process.communicate(timeout=180)
    assert any(line.startswith("a  ran") for line in told), told
    assert project.states("slow.py") == {"a": "cached", "b": "absent"}
