"""A real worker over its real connection: prints, interrupts, crashes, stale code, the end of its host."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest
from harness import PROGRAM, SOURCE, Project, Worker, wait_for

from stageloom.artifacts.values import load
from stageloom.rpc.errors import RequestCancelledError, RpcError
from stageloom.rpc.messages import Empty, JobFailed, JobStale, RunRef, WarmParams
from stageloom.worker.children import NOTICE

HEAD = "from stageloom import stage, Out, report\nimport os, sys, time\n"


def stages(text: str) -> str:
    return HEAD + textwrap.dedent(text)


def one(body: str) -> str:
    return HEAD + "@stage\ndef one():\n" + textwrap.indent(textwrap.dedent(body), "    ")


def test_a_stage_is_run_and_what_it_made_is_told(project: Project, worker: Worker) -> None:
    project.write(
        stages("""
        @stage
        def plot(out: Out, scale: float = 2.0):
            (out / "deep/a.txt").write_text("hello")
            return {"scale": scale, "kind": type(scale).__name__}
        """)
    )
    job = project.job("plot")
    realized = worker.done(job)
    assert [(file.path, file.size) for file in realized.files] == [("deep/a.txt", 5), ("return/value.json", 29)]
    assert load(Path(job.scratch)) == {"scale": 2.0, "kind": "float"}
    assert realized.peak_memory > 1_000_000
    assert 0 < realized.took < 10


def test_everything_printed_becomes_log_lines_of_its_job_in_order(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        import ctypes, subprocess
        print("python")
        os.write(1, b"descriptor\\n")
        ctypes.CDLL(None).puts(b"c")
        ctypes.CDLL(None).fflush(None)
        subprocess.run(["echo", "child"], check=True)
        print("error", file=sys.stderr)
        ctypes.CDLL(None).printf(b"late c ")
        ctypes.CDLL(None).fflush(None)
        sys.stdout.write("no line end")
        """)
    )
    job = project.job("one")
    worker.done(job)
    assert worker.printed(job) == "python\ndescriptor\nc\nchild\nlate c no line end"
    assert worker.printed(job, "stderr") == "error\n" + NOTICE
    assert worker.problems == []


def test_the_two_streams_keep_their_order(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        for number in range(40):
            print(number, file=sys.stdout if number % 2 else sys.stderr)
        """)
    )
    worker.done(project.job("one"))
    assert "".join(log.text for log in worker.logs) == "".join(f"{number}\n" for number in range(40))


def test_text_of_all_kinds(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        print("é\\u20ac\\U0001f600\\udc80")
        print("\\r 50%", end="", flush=True)
        os.write(1, "ü".encode()[:1]); time.sleep(0.2); os.write(1, "ü".encode()[1:])
        os.write(1, b"\\xff\\0\\n")
        os.write(1, "€".encode()[:2])
        """)
    )
    worker.done(project.job("one"))
    assert worker.printed() == "é€😀\\udc80\n\r 50%ü\ufffd\0\n\ufffd"


def test_huge_output_arrives_whole(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        for number in range(200_000):
            print(number)
        os.write(2, b"x" * 3_000_000)
        """)
    )
    worker.done(project.job("one"))
    assert worker.printed() == "".join(f"{number}\n" for number in range(200_000))
    assert len(worker.printed(stream="stderr")) == 3_000_000


def test_c_code_that_holds_the_lock_may_print_more_than_a_pipe_holds(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        import ctypes
        ctypes.PyDLL(None).dprintf(1, b"%s", b"y" * 5_000_000)
        """)
    )
    worker.done(project.job("one"))
    assert len(worker.printed()) == 5_000_000


def test_prints_are_live(project: Project, worker: Worker) -> None:
    project.write(one('print("now")\nos.write(2, b"and")\ntime.sleep(20)'))
    request = worker.start(project.job("one"))
    wait_for(lambda: worker.printed() == "now\n" and worker.printed(stream="stderr") == "and", 5)
    request.cancel()
    request.result(60)


def test_what_was_printed_before_a_call_that_holds_the_lock_is_told(project: Project) -> None:
    """Nothing in the process can run then, and it ends by being killed."""
    project.write(
        one("""
        import ctypes
        print("first")
        print("error", file=sys.stderr)
        sys.stdout.write("half")
        print(" asleep", flush=True)
        ctypes.PyDLL(None).sleep(60)
        """)
    )
    for _ in range(5):
        worker = Worker()
        worker.connect()
        request = worker.start(project.job("one"))
        wait_for(lambda worker=worker: worker.printed())
        time.sleep(0.2)
        request.cancel()
        worker.process.kill()
        worker.wait_dead()
        worker.host.wait_closed(60)
        worker.close()
        assert "".join(log.text for log in worker.logs) == "first\nerror\nhalf asleep\n"


def test_jobs_do_not_hear_each_other(project: Project, worker: Worker) -> None:
    project.write(
        stages("""
        import threading
        @stage
        def first():
            def later():
                time.sleep(0.3)
                print("from a thread left over")
            threading.Thread(target=later).start()
            print("first")
            sys.stdout.write("end of first")
        @stage
        def second():
            print("second")
        """)
    )
    first, second = project.job("first"), project.job("second")
    worker.done(first)
    time.sleep(0.5)
    worker.done(second)
    assert worker.printed(first) == "first\nend of first"
    assert worker.printed(second) == "second\n"
    wait_for(lambda: any("a thread left over" in word.text for word in worker.words))


def test_a_stage_that_breaks_its_streams_breaks_no_other(project: Project, worker: Worker) -> None:
    project.write(
        stages("""
        @stage
        def rude():
            sys.stdout.close()
            os.close(1); os.close(2)
            sys.stderr = None
        @stage
        def polite():
            print("hello"); print("error", file=sys.stderr); os.write(1, b"raw")
        """)
    )
    worker.outcome(project.job("rude"))
    job = project.job("polite")
    worker.done(job)
    assert worker.printed(job) == "hello\nraw"
    assert worker.printed(job, "stderr") == "error\n"


def test_input_says_what_to_do(project: Project, worker: Worker) -> None:
    project.write(one('return input("name? ")'))
    failure = worker.failed(project.job("one")).failure
    assert failure.exception == "EOFError"
    assert "without a keyboard" in failure.message


# --- progress --------------------------------------------------------------------------------------------------------


def test_reports_arrive_in_batches_and_all(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        for step in range(20_000):
            report(step=step, total=20_000, message=f"at {step}", loss=1 / (step + 1), bad=float("nan"))
        """)
    )
    worker.done(project.job("one"))
    points = [point for progress in worker.progress for point in progress.points]
    assert [point.step for point in points] == list(range(20_000))
    assert points[0].values == {"loss": 1.0}
    assert worker.progress[-1].fraction == pytest.approx(19_999 / 20_000)
    assert worker.progress[-1].message == "at 19999"
    assert len(worker.progress) < 200


def test_reports_of_odd_values(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        import numpy as np
        report(a=np.float32(0.5), b=np.array(2), c=True, d=3)
        report(message="only words")
        report(total=10)
        try:
            report(x="high")
        except TypeError as error:
            print(error)
        """)
    )
    worker.done(project.job("one"))
    points = [point for progress in worker.progress for point in progress.points]
    assert [(point.step, point.values) for point in points] == [(1, {"a": 0.5, "b": 2, "c": 1, "d": 3})]
    assert worker.printed() == "x='high' is not a number: report() draws numbers\n"
    assert worker.progress[-1].fraction == pytest.approx(0.3)


# --- interrupts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["while True: pass", "time.sleep(60)", "import subprocess; subprocess.run(['sleep', '60'])"]
)
def test_an_interrupt_ends_the_job_and_keeps_the_worker(body: str, project: Project, worker: Worker) -> None:
    project.write(
        stages(f"@stage\ndef one():\n    print('on', flush=True)\n    {body}\n@stage\ndef two():\n    return 2\n")
    )
    for _ in range(3):
        job = project.job("one")
        request = worker.start(job)
        wait_for(lambda job=job: worker.printed(job) == "on\n")
        request.cancel()
        outcome = request.result(60)
        assert isinstance(outcome, JobFailed)
        assert outcome.failure.kind == "cancelled"
    worker.done(project.job("two"))


def test_a_stage_that_takes_interrupts_is_interrupted_again(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        for _ in range(3):
            try:
                print("on", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                print("no", flush=True)
        return "done after all"
        """)
    )
    request = worker.start(project.job("one"))
    for count in range(3):
        wait_for(lambda count=count: worker.printed().count("on") == count + 1)
        request.cancel()
        wait_for(lambda count=count: worker.printed().count("no\n") == count + 1)
    assert request.result(60).is_ == "done"


@pytest.mark.parametrize("body", ["threading.Event().wait(600)", "time.sleep(600)", "queue.Queue().get()", "spin()"])
def test_no_interrupt_is_lost_and_none_hits_the_next_job(body: str, project: Project, worker: Worker) -> None:
    """An interrupt just before the thread blocks in C used to be noticed only when the host lost its patience."""
    project.write(
        stages(f"""
        import threading, queue
        def spin():
            while True: pass
        @stage
        def one():
            {body}
        @stage
        def two():
            for _ in range(200): len("abc")
        """)
    )
    snapshot = project.snapshot()
    worker.done(project.job("two", snapshot=snapshot))  # so that no import is interrupted, which would spoil the worker
    jobs = [project.job("one", snapshot=snapshot) for _ in range(50)]
    pick = random.Random(11)
    counts: Counter[str] = Counter()
    slowest = 0.0
    for job in jobs:
        request = worker.start(job)
        time.sleep(pick.choice((0, pick.uniform(0, 0.004), pick.uniform(0.004, 0.03))))
        begun = time.monotonic()
        request.cancel()
        after = worker.start(project.job("two", snapshot=snapshot))
        try:
            outcome = request.result(60)
            assert isinstance(outcome, JobFailed)
            assert outcome.failure.kind == "cancelled"
            counts["interrupted"] += 1
        except RequestCancelledError:
            counts["before it began"] += 1
        slowest = max(slowest, time.monotonic() - begun)
        assert after.result(60).is_ == "done"
    print(f"{body}: {dict(counts)}, slowest {slowest * 1000:.0f} ms")
    assert counts.total() == len(jobs)
    assert worker.process.poll() is None
    assert slowest < 10, "none waits for the ten minutes that the stage would take"


def test_what_an_interrupted_stage_printed_is_told_once(project: Project, worker: Worker) -> None:
    project.write(one("for number in range(10**9):\n    print(number, flush=True)"))
    for _ in range(40):
        job = project.job("one")
        request = worker.start(job)
        wait_for(lambda job=job: worker.printed(job))
        request.cancel()
        assert request.result(60).failure.kind == "cancelled"
        numbers = worker.printed(job).split("\n")[:-1]
        assert numbers == [str(number) for number in range(len(numbers))]
        worker.logs.clear()


def test_a_job_cancelled_in_the_queue_does_not_run(project: Project, worker: Worker) -> None:
    project.write(stages("@stage\ndef slow():\n    time.sleep(0.7)\n@stage\ndef next():\n    print('ran')\n"))
    first, second = worker.start(project.job("slow")), worker.start(project.job("next"))
    second.cancel()
    assert first.result(60).is_ == "done"
    with pytest.raises(RequestCancelledError):
        second.result(60)
    assert worker.printed() == ""


def test_messages_are_answered_while_a_stage_runs(project: Project, worker: Worker) -> None:
    project.write(one("time.sleep(2)"))
    request = worker.start(project.job("one"))
    with pytest.raises(RpcError, match="there is no method run/cancel"):
        worker.host.request("run/cancel", RunRef("r"), 60)
    assert not request.done
    request.result(60)


@pytest.mark.parametrize("installed", [False, True])
def test_an_interrupt_within_an_import_makes_the_worker_unfit(
    installed: bool, project: Project, worker: Worker, tmp_path: Path
) -> None:
    project.write(one(f"sys.path.append({str(tmp_path / 'site')!r})\nimport slow"))
    slow = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    if installed:
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "slow.py").write_text(slow)
    else:
        project.write(slow, "slow.py")
    request = worker.start(project.job("one"))
    wait_for(lambda: worker.printed() == "importing\n")
    request.cancel()
    assert request.result(60).failure.kind == "cancelled"
    assert worker.outcome(project.job("one")) == JobStale()


# --- failures --------------------------------------------------------------------------------------------------------


def test_an_exception_has_frames_of_the_users_code(project: Project, worker: Worker) -> None:
    project.write(stages("import helper\n@stage\ndef one():\n    return helper.work({})\n"))
    project.write("def work(values):\n    return values['k']\n", "helper.py")
    failure = worker.failed(project.job("one")).failure
    assert (failure.kind, failure.exception, failure.message) == ("exception", "KeyError", "KeyError: 'k'")
    assert [
        (Path(frame.path).name, frame.line, frame.function, frame.text, frame.user) for frame in failure.frames
    ] == [
        ("pipeline.py", 5, "one", "return helper.work({})", True),
        ("helper.py", 1, "work", "return values['k']", True),
    ]
    assert failure.detail.startswith("Traceback")
    assert str(SOURCE) not in failure.detail


@pytest.mark.parametrize(
    "body", ["sys.exit(3)", "raise BaseException('odd')", "raise GeneratorExit", "raise SystemExit"]
)
def test_nothing_that_is_raised_ends_the_worker(body: str, project: Project, worker: Worker) -> None:
    project.write(one(body))
    assert worker.failed(project.job("one")).failure.kind == "exception"
    assert worker.failed(project.job("one")).failure.kind == "exception"


def test_a_missing_package_is_named_with_its_command(project: Project, worker: Worker) -> None:
    project.write(stages("@stage\ndef one():\n    import cv2.dnn\n@stage\ndef two():\n    import numpy.nonsense\n"))
    failure = worker.failed(project.job("one")).failure
    assert (failure.kind, failure.package) == ("missing-package", "opencv-python")
    assert sys.executable in failure.command
    assert failure.command.endswith("opencv-python")
    assert failure.frames[-1].text == "import cv2.dnn"
    assert worker.failed(project.job("two")).failure.kind == "exception"


FAILURES = [
    ("import-failed", "x = 1 / 0\n@stage\ndef one(): pass\n", "ZeroDivisionError"),
    ("missing-package", "import no_such_package\n@stage\ndef one(): pass\n", "no_such_package"),
    ("unstorable", "@stage\ndef one():\n    return {'f': lambda: 1}\n", "the return value['f'] is a function"),
    ("unstorable", "@stage\ndef one(out: Out):\n    (out / 'return/x').write_text('')\n", "return/"),
    ("unstorable", "@stage\ndef one(out: Out):\n    os.symlink('/etc', out / 'link')\n", "link"),
    ("missing-output", "@stage\ndef one(out: Out):\n    pass\n", "neither wrote into it nor returned"),
    ("missing-output", "@stage\ndef one(out: Out):\n    return out / 'x.png'\n", "x.png, which was not written"),
    ("exception", "@stage\ndef one():\n    raise MemoryError\n", "MemoryError"),
    ("disk-full", "@stage\ndef one():\n    raise OSError(28, 'No space left on device')\n", "No space left"),
]


@pytest.mark.parametrize(("kind", "text", "message"), FAILURES, ids=range(len(FAILURES)))
def test_kinds_of_failure(kind: str, text: str, message: str, project: Project, worker: Worker) -> None:
    project.write(stages(text))
    failure = worker.failed(project.job("one")).failure
    assert failure.kind == kind
    assert message in failure.message
    assert failure.advice or kind == "exception"


def test_code_that_is_not_what_was_planned_is_refused(project: Project, worker: Worker) -> None:
    project.write(one("return 1"))
    failure = worker.failed(project.job("one", code="0" * 32)).failure
    assert failure.kind == "code-changed"
    failure = worker.failed(project.job("gone")).failure
    assert failure.kind == "code-changed"


INPUTS = (
    HEAD
    + """from stageloom import File, Dir
@stage
def one(path=File("data/*.csv"), folder=Dir("more"), times: int = 1):
    {body}
    return sum(len(open(one).read()) for one in path)
"""
)
ADVICE = "Realize again, once nothing writes to it."


def inputs(project: Project, body: str = "pass") -> None:
    project.write(INPUTS.format(body=body))
    for name in ("data/a.csv", "data/b.csv", "more/deep/c.txt"):
        project.write(name, name)
        os.utime(project.root / name, (1e9, 1e9))


def test_input_files_that_stay_as_planned(project: Project, worker: Worker) -> None:
    inputs(project)
    job = project.job("one")
    assert set(job.inputs) == {"data/a.csv", "data/b.csv", "more/deep/c.txt"}
    worker.done(job)
    assert load(Path(job.scratch)) == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("open('data/b.csv', 'w').write('data/x.csv'); os.utime('data/b.csv', (1e9, 1e9))", "data/b.csv changed"),
        ("open('data/c.csv', 'w').write('new')", "data/c.csv came"),
        ("os.remove('data/a.csv')", "data/a.csv went away"),
        ("os.remove('data/a.csv'); os.remove('data/b.csv')", "data/a.csv went away"),
        ("open('more/deep/c.txt', 'a').write('.')", "more/deep/c.txt changed"),
        ("open('more/d.txt', 'a').write('.')", "more/d.txt came"),
    ],
)
def test_input_files_that_are_not_as_planned(change: str, message: str, project: Project, worker: Worker) -> None:
    inputs(project)
    job = project.job("one")
    subprocess.run([sys.executable, "-c", f"import os; {change}"], cwd=project.root, check=True)
    failure = worker.failed(job).failure
    assert failure.kind == "code-changed"
    assert failure.message == f"The input file {message} after the plan was made"
    assert failure.detail == ""
    assert failure.advice == ADVICE
    inputs(project, f"{change}; path = []")
    for name in ("data/c.csv", "more/d.txt"):
        (project.root / name).unlink(missing_ok=True)
    other = Worker()
    other.connect()
    failure = other.failed(project.job("one")).failure
    other.close()
    assert failure.message == f"The input file {message} while one ran"


def test_a_snapshot_that_is_not_there(project: Project, worker: Worker) -> None:
    project.write(one("return 1"))
    job = project.job("one")
    for path in (project.store / "snapshots").rglob("*.json"):
        path.write_text("{broken")
    assert worker.failed(job).failure.kind == "store"


@pytest.mark.parametrize(
    ("body", "number"), [("os.abort()", signal.SIGABRT), ("import ctypes; ctypes.string_at(0)", signal.SIGSEGV)]
)
def test_a_crash_leaves_a_traceback_on_the_workers_own_stderr(
    body: str, number: int, project: Project, worker: Worker
) -> None:
    project.write(one(f"print('last words', flush=True)\ntime.sleep(0.1)\n{body}"))
    request = worker.start(project.job("one"))
    assert worker.wait_dead() == -number
    with pytest.raises(RpcError, match="closed"):
        request.result(60)
    assert "Fatal Python error" in worker.stderr
    assert "in one" in worker.stderr
    assert worker.printed() == "last words\n"


# --- code ------------------------------------------------------------------------------------------------------------


def test_a_worker_runs_the_snapshot_not_the_disk(project: Project, worker: Worker) -> None:
    project.write(stages("import helper\n@stage\ndef one():\n    return helper.value\n"))
    project.write("value = 'planned'\n", "helper.py")
    job = project.job("one")
    project.write("value = 'saved since'\n", "helper.py")
    worker.done(job)
    assert load(Path(job.scratch)) == "planned"


def test_a_worker_that_imported_older_code_answers_stale(project: Project, worker: Worker) -> None:
    project.write(stages("import helper\n@stage\ndef one():\n    return helper.value\n"))
    project.write("value = 1\n", "helper.py")
    worker.done(project.job("one"))
    project.write("value = 2\n", "helper.py")
    assert worker.outcome(project.job("one")) == JobStale()
    project.write("value = 1\n", "helper.py")
    project.write("unrelated = 1\n", "other.py")
    worker.done(project.job("one"))


def test_planning(project: Project, worker: Worker) -> None:
    project.write(
        stages("""
        import math
        from stageloom import File, search
        @stage
        def one(a: int = 3, b=math.pi, c=search.Int(1, 9, default=4), d=File("x" + os.sep + "*.csv")):
            pass
        two = one.bind(b=math.e)
        @stage
        def bad(x=object()):
            pass
        """)
    )
    planned = worker.planned(project.plan_job())
    by_name = {stage.name: stage.configuration for stage in planned.stages}
    assert by_name["one"] == {"a": 3, "b": 3.141592653589793, "c": 4, "d": "x/*.csv"}
    assert by_name["two"]["b"] == 2.718281828459045
    [problem] = planned.problems
    assert (problem.code, problem.stages) == ("bad-parameter", ("bad",))
    assert "x of bad is of the type object" in problem.message


def test_random_numbers_follow_from_the_seed_alone(project: Project, worker: Worker) -> None:
    project.write(
        stages("""
        import random
        @stage
        def first():
            import numpy as np
            return [random.random(), float(np.random.rand())]
        @stage
        def second():
            import numpy as np
            return [random.random(), float(np.random.rand())]
        """)
    )
    results = []
    for stage, seed in (("first", 5), ("first", 5), ("second", 5), ("first", 6)):
        job = project.job(stage, seed=seed)
        worker.done(job)
        results.append(load(Path(job.scratch)))
    assert results[0] == results[1] == results[2] != results[3]
    other = Worker()
    other.connect()
    job = project.job("second", seed=5)
    other.done(job)
    other.close()
    assert load(Path(job.scratch)) == results[0]


def test_dependencies_folders_and_files(project: Project, worker: Worker) -> None:
    project.write(
        stages("""
        from stageloom import File, Dir, auxiliary
        @stage
        def make(out: Out, n: int = 1):
            (out / "a.txt").write_text("made")
        @stage
        def value():
            return [1, 2]
        @stage
        def use(make, value, raw=File("data/*.txt"), one=File("data/a.txt"), folder=Dir("data"), k=auxiliary(7)):
            assert os.getcwd() == os.path.dirname(__file__)
            return [(make / "a.txt").read_text(), value, [p.name for p in raw], one.read_text(), folder.name, k]
        """)
    )
    project.write("A", "data/a.txt")
    project.write("B", "data/b.txt")
    make, value = project.job("make"), project.job("value")
    worker.done(make)
    worker.done(value)
    trees = {"make": [make.scratch], "value": [value.scratch]}
    use = project.job("use", trees=trees)
    worker.done(use)
    assert load(Path(use.scratch)) == ["made", [1, 2], ["a.txt", "b.txt"], "A", "data", 7]
    use = project.job("use", trees=trees, sets={"use.k": 8})
    worker.done(use)
    assert load(Path(use.scratch))[-1] == 8  # type: ignore[index]


# --- beginning and end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", [["-m", "stageloom.worker"], [str(PROGRAM)], ["-I", str(PROGRAM)], ["-I", "-S", str(PROGRAM)]]
)
def test_ways_to_start_it_with_no_packages_at_all(how: list[str], project: Project, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = str(environment / "bin" / "python")
    for name in ("json", "capture", "server", "queue"):
        (project.root / f"{name}.py").write_text("raise RuntimeError('a file of the project stood in')\n")
    project.write(one('print("hello")\nreturn [1, {"a": (2,)}]'))
    worker = Worker([python, *how], cwd=project.root if how[0] != "-m" else tmp_path)
    try:
        result = worker.connect()
        assert os.path.realpath(result.executable) == os.path.realpath(python)
        job = project.job("one")
        worker.done(job)
        assert load(Path(job.scratch)) == [1, {"a": (2,)}]
        assert worker.printed() == "hello\n"
    finally:
        worker.close()


def test_shutdown_and_closing_end_it_in_order(project: Project) -> None:
    first, second = Worker(), Worker()
    first.connect()
    second.connect()
    assert first.host.request("shutdown", Empty(), 5) == Empty()
    second.host.close()
    assert first.wait_dead(5) == 0
    assert second.wait_dead(5) == 0
    first.close()
    second.close()


def test_closing_ends_a_busy_worker_and_its_children(project: Project, worker: Worker) -> None:
    project.write(
        one("""
        import subprocess
        child = subprocess.Popen(["sleep", "300"])
        print(child.pid, flush=True)
        time.sleep(300)
        """)
    )
    worker.start(project.job("one"))
    wait_for(lambda: worker.printed().endswith("\n"))
    child = int(worker.printed())
    worker.host.close()
    worker.wait_dead(5)
    wait_for(lambda: not is_alive(child))


HOST = """
import os, subprocess, sys, time
pipe = subprocess.PIPE
worker = subprocess.Popen(
    [sys.executable, "-m", "stageloom.worker", "--parent", str(os.getpid()), *sys.argv[1:]],
    stdin=pipe,
    stdout=pipe,
    start_new_session=True,
)
sleeper = [sys.executable, "-c", "import time; time.sleep(100)"]
held = subprocess.Popen(sleeper, stdin=worker.stdout, stdout=worker.stdin)
print(worker.pid, held.pid, flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize("options", [[], ["--no-death-signal"]], ids=["signal", "watch"])
@pytest.mark.parametrize("pause", [0.0, 0.7])
def test_killing_the_host_ends_the_worker_even_with_its_pipes_held_open(options: list[str], pause: float) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, *options], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(SOURCE)}
    )
    assert host.stdout is not None
    worker, held = map(int, host.stdout.readline().split())
    time.sleep(pause)
    try:
        assert is_alive(worker)
        host.kill()
        host.wait()
        wait_for(lambda: not is_alive(worker), 5)
    finally:
        os.kill(held, signal.SIGKILL)
        host.stdout.close()


def test_warming_up_says_nothing_of_what_is_missing(project: Project, worker: Worker) -> None:
    assert worker.host.request("worker/warm", WarmParams(("colorsys", "no_such_module")), 20) == Empty()
    project.write(one("assert 'colorsys' in sys.modules"))
    worker.done(project.job("one"))


def test_multiprocessing_in_a_stage(project: Project, worker: Worker) -> None:
    project.write(
        stages("""
        import multiprocessing
        def double(x):
            print("child", x, flush=True)
            return x * 2
        @stage
        def one():
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return pool.map(double, [1, 2, 3])
        """)
    )
    job = project.job("one")
    worker.done(job)
    assert load(Path(job.scratch)) == [2, 4, 6]
    assert sorted(worker.printed(job).splitlines()) == ["child 1", "child 2", "child 3"]
    assert worker.problems == []


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
@pytest.mark.parametrize("program", [["-m", "stageloom.worker"], [str(PROGRAM)]])
def test_processes_that_a_stage_starts_import_its_snapshot(method: str, program: list[str], project: Project) -> None:
    """A fresh interpreter would import the files as they are on the disk by now."""
    project.write(
        stages("""
        import helper, multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        def inner(x):
            return ["{version}", helper.VERSION, x]
        def outer(x):
            return inner(x) + start(inner, x + 1)
        def start(function, x):
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("METHOD")) as pool:
                return pool.submit(function, x).result()
        @stage
        def one(ways: int = 1):
            return start(outer, 1)
        """).replace("METHOD", method)
    )
    pipeline = (project.root / "pipeline.py").read_text()
    for version in ("old", "new"):
        project.write(pipeline.replace("{version}", version))
        project.write(f"VERSION = {version!r}", "helper.py")
        job = project.job("one")
        project.write("raise SystemError('taken from the disk')")
        project.write("raise SystemError('taken from the disk')", "helper.py")
        worker = Worker([sys.executable, *program])
        worker.connect()
        worker.done(job)
        worker.close()
        assert load(Path(job.scratch)) == [version, version, 1, version, version, 2]


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- the code of values ----------------------------------------------------------------------------------------------

SHAPES = """
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
def helper(x): return x{helper}
@dataclass
class Box:
    x: int
    def twice(self): return helper(self.x){box}
class Pair(NamedTuple):
    x: int
    def total(self): return self.x{pair}
class Kind(Enum):
    A = 1
    def text(self): return "a{kind}"
class Plain:
    def __init__(self, x): self.x = x
    def twice(self): return self.x{plain}
class Below(Plain): pass
def function(x): return x{function}
"""
PARTS = ("helper", "box", "pair", "kind", "plain", "function")


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        ("shapes.Box(1)", {"helper", "box"}),
        ("{'a': [shapes.Box(1)]}", {"helper", "box"}),
        ("shapes.Pair(1)", {"pair"}),
        ("shapes.Kind.A", {"kind"}),
        ("shapes.Plain(1)", {"plain"}),
        ("[shapes.Below(1)]", {"plain"}),
        ("shapes.Below", {"plain"}),
        ("shapes.function", {"function"}),
        ("__import__('functools').partial(shapes.function, 1)", {"function"}),
        ("[1, 2.5, {'a': (3,)}]", set()),
        ("__import__('decimal').Decimal(1)", set()),
        ("__import__('collections').deque([1])", set()),
    ],
)
def test_what_is_stored_tells_the_code_of_its_classes(value: str, counts: set[str], project: Project) -> None:
    """A dependant may call any method of what it gets: with other methods it must not be found under the same tree."""

    def tree(**changed: str) -> dict[str, str]:
        project.write(one(f"import shapes\nreturn {value}"))
        project.write(SHAPES.format(**{part: changed.get(part, "") for part in PARTS}), "shapes.py")
        worker = Worker()
        worker.connect()
        job = project.job("one")
        realized = worker.done(job)
        worker.close()
        return {file.path: file.sha256 for file in realized.files}

    first = tree()
    assert tree() == first
    assert {part for part in PARTS if tree(**{part: " + 1" if part != "kind" else "b"}) != first} == counts
    assert all(("code.json" in path) == bool(counts) for path in first if "code" in path)


def test_a_class_made_without_spelling_its_name_counts_as_its_file(project: Project, worker: Worker) -> None:
    project.write(one("import made\nreturn made.Made()"))
    project.write("globals()['Made'] = type('Made', (), {'__module__': 'made'})\n", "made.py")
    job = project.job("one")
    worker.done(job)
    assert '"made:Made"' in (Path(job.scratch) / "return/code.json").read_text()
