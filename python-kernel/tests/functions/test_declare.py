"""The decorator at run time: a decorated function stays a function."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

import stageloom
from stageloom import Dir, File, Out, Stage, auxiliary, report, search, stage
from stageloom.functions.inputs import NoInputError
from stageloom.progress import Reporter, reporting, silence
from stageloom.rpc.messages import Point

SOURCE = Path(stageloom.__file__).resolve().parents[1]


@stage
def plain(a: int, b: int = 2) -> int:
    """Adds."""
    return a + b


@stage(auxiliary="workers", pool="gpu")
def special(
    depth: int = search.Int(1, 9, default=3),
    workers: int = auxiliary(4),
    here: Any = File("test_declare.py"),  # noqa: B008
) -> Any:
    return depth, workers, here


bound = plain.bind(b=10)


def test_a_stage_is_called_as_the_function_it_is() -> None:
    assert plain(1) == 3
    assert plain(1, b=5) == 6
    assert (plain.__name__, plain.__doc__, plain.__module__) == ("plain", "Adds.", __name__)
    assert special() == (3, 4, Path(__file__))
    assert special(5, workers=1, here=None) == (5, 1, None)
    assert special.pool == "gpu"


def test_instances() -> None:
    assert bound(1) == 11
    assert bound(1, b=3) == 4
    assert bound.bind(a=1)() == 11
    assert repr(bound) == "<stage plain(b=10)>"
    with pytest.raises(TypeError, match="plain has no parameter 'c'; it has a, b"):
        plain.bind(c=1)
    with pytest.raises(TypeError, match="needs a value for 'a', which is bound to the stage plain"):
        plain.bind(a=plain)()


def test_stages_are_pickled_by_name() -> None:
    assert pickle.loads(pickle.dumps(plain)) is plain
    again = pickle.loads(pickle.dumps(bound))
    assert isinstance(again, Stage)
    assert again(1) == 11


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: stage(3), "goes on a function"),  # type: ignore[call-overload]
        (lambda: stage(plain), "goes on a function"),
        (lambda: stage(int), "goes on a function"),
        (lambda: stage(auxiliary=["x"])(lambda a: a), "no parameter 'x'"),
        (lambda: stage(match="best"), "takes latest"),  # type: ignore[call-overload]
        (lambda: File(3), "takes the path as a text"),
        (lambda: Dir(""), "takes the path as a text"),
        (lambda: search.Int(1.5, 2, default=2), "needs integers"),  # type: ignore[arg-type]
        (lambda: search.Int(1, 2, default=3), "is not from 1 to 2"),
        (lambda: search.Float(0, 1, default=0.5, log=True), "starts above 0"),
        (lambda: search.Float(0, 1, default=0.5, step=-1), "a step is above 0"),
        (lambda: search.Categorical(["a"], default="b"), "not among the choices"),
    ],
)
def test_wrong_uses_say_what_is_wrong(use: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        use()


def test_out(tmp_path: Path) -> None:
    out = Out(tmp_path)
    (out / "a").mkdir()
    (out / "a" / "b.txt").write_text("x")
    (out / "c/d.txt").write_text("x")
    assert sorted(path.name for path in tmp_path.rglob("*.txt")) == ["b.txt", "d.txt"]
    assert os.fspath(out) == str(out) == str(tmp_path)
    for name in ("../x", "/x", "a/../../x"):
        with pytest.raises(ValueError, match="not below the stage's folder"):
            out / name


def test_inputs_that_are_not_there() -> None:
    @stage
    def reads(raw: Any = File("no/such/file.csv")) -> Any:  # noqa: B008
        return raw

    with pytest.raises(NoInputError, match="There is no file"):
        reads()


# --- report ----------------------------------------------------------------------------------------------------------


def test_report_outside_a_job_does_nothing() -> None:
    report(step=1, anything=object())  # type: ignore[arg-type]


def test_reports_of_many_threads_all_arrive() -> None:
    got: list[Point] = []
    lock = threading.Lock()

    def send(points: Any, fraction: float | None, message: str) -> None:
        with lock:
            got.extend(points)

    with reporting(send):
        threads = [threading.Thread(target=lambda: [report(v=1) for _ in range(2_000)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(got) == 8_000


def test_reports_end_with_the_job_and_after_a_fork() -> None:
    got: list[Any] = []
    with reporting(lambda *sent: got.append(sent)):
        report(loss=1)
        silence()
        report(loss=2)
    report(loss=3)
    assert [point.values for points, _, _ in got for point in points] == [{"loss": 1.0}]


def test_a_step_that_is_not_finite() -> None:
    reporter = Reporter(lambda *_: None)
    with pytest.raises(ValueError, match="no place on an axis"):
        reporter.add(float("inf"), None, None, {})
    reporter.close()


# --- the package -----------------------------------------------------------------------------------------------------


def test_every_name_is_there_and_no_other() -> None:
    for name in stageloom.__all__:
        assert getattr(stageloom, name) is not None
    assert set(stageloom.__all__) <= set(dir(stageloom))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = stageloom.nonsense


def test_what_a_file_of_stages_imports_is_light() -> None:
    code = """
import sys
before = set(sys.modules)
from stageloom import Out, File, report, search, stage
heavy = {"sqlite3", "json", "hashlib", "stageloom.rpc.messages", "stageloom.store.store", "asyncio", "ast", "numpy"}
new = set(sys.modules) - before
assert "stageloom.rpc.messages" not in new and "stageloom.library" not in new and "sqlite3" not in new, new
assert not any(name.startswith(("stageloom.engine", "stageloom.store", "stageloom.tracking")) for name in new), new
"""
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(SOURCE)}, check=True)


def test_types_of_decorated_functions(tmp_path: Path) -> None:
    mypy = pytest.importorskip("mypy.api")
    (tmp_path / "pipeline.py").write_text(
        textwrap.dedent("""
        from stageloom import stage, Out, File, report, search, auxiliary

        @stage
        def one(n: int = search.Int(1, 9, default=3), k: int = auxiliary(4)) -> float:
            report(step=1, loss=n)
            return float(n)

        @stage(pool="gpu")
        def two(one: float, out: Out, raw: object = File("x.csv")) -> None:
            (out / "a.txt").write_text(str(one))

        reveal_type(one(n=3))
        reveal_type(one.bind(n=4)())
        one("wrong")
        """)
    )
    found, _, _ = mypy.run(["--cache-dir", str(tmp_path / "cache"), "--no-incremental", str(tmp_path / "pipeline.py")])
    assert found.count('Revealed type is "float"') + found.count('Revealed type is "builtins.float"') == 2, found
    assert 'Argument 1 to "__call__" of "Stage" has incompatible type "str"; expected "int"' in found
    assert "Found 1 error" in found, found
