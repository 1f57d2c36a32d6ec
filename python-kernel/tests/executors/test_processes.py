"""Stages side by side in worker processes: speed, order, deaths, interrupts, and that nothing outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stageloom.engine.workspace import Workspace
from stageloom.executors.processes import ProcessExecutor
from stageloom.library import LANGUAGES
from stageloom.store.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups are looked at")

SOURCES = Path(__file__).resolve().parents[2] / "src"


class Heard:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.printed: dict[str, str] = {}

    def changed(self, stage, state, entry):
        self.told.append((stage, state))

    def log(self, stage, stream, text):
        self.printed[stage] = self.printed.get(stage, "") + text

    def progress(self, stage, points, fraction, message):
        pass


def realize(folder: Path, text: str, size: int, *, heard: Heard | None = None, helper: str = "", after: float = 0):
    """Realize all stages of a file; ``after`` seconds the run is cancelled."""
    (folder / "p.py").write_text(
        "import os, signal, subprocess, sys, time\nfrom stageloom import stage\n" + text, "utf-8"
    )
    if helper:
        (folder / "helper.py").write_text(helper, "utf-8")
    with Store.open(folder / "store") as store, ProcessExecutor(size, folder) as executor:
        workspace = Workspace(folder, store, LANGUAGES, executor)
        run = workspace.run(workspace.read("p.py"), [], heard or Heard())
        if after:
            threading.Timer(after, run.cancel).start()
        result = run.execute()
        made = {name: entry.found for name, entry in result.entries.items() if entry.found is not None}
        previews = {name: workspace.outputs(str(found.rref)).previews[0].preview for name, found in made.items()}
        return result, {name: getattr(preview, "text", None) for name, preview in previews.items()}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], within: float = 60.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_independent_stages_run_side_by_side_each_in_another_process(tmp_path: Path) -> None:
    stages = "".join(
        f"@stage\ndef s{n}():\n    time.sleep(1)\n    return [os.getpid(), time.time()]\n" for n in range(3)
    )
    result, made = realize(tmp_path, stages + "@stage\ndef last(s0, s1, s2):\n    return [s0[0], s1[0], s2[0]]\n", 3)
    assert result.outcome == "done"
    pids = eval(made["last"])
    assert len(set(pids)) == 3
    assert os.getpid() not in pids
    ends = [eval(made[f"s{n}"])[1] for n in range(3)]
    assert max(ends) - min(ends) < 0.9
    assert gone(pids)


def test_a_pool_of_one_serves_a_chain_of_a_hundred(tmp_path: Path) -> None:
    chain = "@stage\ndef s0():\n    return 0\n"
    chain += "".join(f"@stage\ndef s{n}(s{n - 1}):\n    return s{n - 1} + 1\n" for n in range(1, 100))
    result, made = realize(tmp_path, chain, 1)
    assert result.outcome == "done"
    assert made["s99"].strip() == "99"


def test_more_stages_than_processes_wait_and_say_so(tmp_path: Path) -> None:
    heard = Heard()
    stages = "".join(f"@stage\ndef s{n}():\n    time.sleep(0.3)\n    return {n}\n" for n in range(4))
    result, _ = realize(tmp_path, stages, 2, heard=heard)
    assert result.outcome == "done"
    for n in range(4):
        assert [state for stage, state in heard.told if stage == f"s{n}"] == ["queued", "running", "done"]
    assert all(entry.took < 0.9 for entry in result.entries.values())


def test_what_a_stage_prints_is_its_own(tmp_path: Path) -> None:
    heard = Heard()
    stages = "".join(
        f"@stage\ndef s{n}():\n    for k in range(50): print('{n}', k, flush=True)\n    return {n}\n" for n in range(2)
    )
    realize(tmp_path, stages, 2, heard=heard)
    for n in range(2):
        assert heard.printed[f"s{n}"] == "".join(f"{n} {k}\n" for k in range(50))


@pytest.mark.parametrize(
    ("work", "kind", "words"),
    [
        ("os.kill(os.getpid(), 9)", "killed", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "crashed", "SIGSEGV"),
        ("sys.stderr.flush(); os.write(2, b'the end of it'); os._exit(3)", "crashed", "exit code 3"),
    ],
)
def test_a_dead_worker_says_how_it_died_and_is_replaced(tmp_path: Path, work: str, kind: str, words: str) -> None:
    text = f"@stage\ndef a():\n    {work}\n@stage\ndef b():\n    time.sleep(0.2)\n    return 2\n"
    text += "@stage\ndef c(a): return a\n"
    result, made = realize(tmp_path, text + "@stage\ndef d(b): return b + 1\n", 1)
    assert result.states == {"a": "failed", "b": "done", "c": "skipped", "d": "done"}
    failure = result.entries["a"].failure
    assert failure.kind == kind
    assert words in failure.message
    assert made["d"].strip() == "3"


def test_a_failure_has_its_traceback_and_retries_and_limits_hold(tmp_path: Path) -> None:
    text = (
        "@stage\ndef a():\n    return {}['lost']\n"
        f"@stage(retries=1)\ndef b():\n    flag = {str(tmp_path / 'flag')!r}\n"
        "    if not os.path.exists(flag):\n        open(flag, 'w').close()\n        os.kill(os.getpid(), 9)\n"
        "    return 1\n"
        "@stage(timeout=0.5)\ndef c():\n    time.sleep(300)\n"
    )
    begun = time.monotonic()
    result, _ = realize(tmp_path, text, 2)
    assert time.monotonic() - begun < 150
    assert result.states == {"a": "failed", "b": "done", "c": "failed"}
    assert result.entries["a"].failure.frames[-1].text == "return {}['lost']"
    assert [one.kind for one in result.entries["b"].tries] == ["killed"]
    assert result.entries["c"].failure.kind == "timeout"


def test_workers_of_older_sources_never_run_newer_ones(tmp_path: Path) -> None:
    text = "import helper\n@stage\ndef a():\n    return helper.f()\n"
    (tmp_path / "p.py").write_text("from stageloom import stage\n" + text, "utf-8")
    with Store.open(tmp_path / "store") as store, ProcessExecutor(1, tmp_path) as executor:
        workspace = Workspace(tmp_path, store, LANGUAGES, executor)
        for number in range(3):
            (tmp_path / "helper.py").write_text(f"def f(): return {number}\n", "utf-8")
            result = workspace.run(workspace.read("p.py"), [], Heard()).execute()
            found = result.entries["a"].found
            assert found is not None
            assert workspace.outputs(str(found.rref)).previews[0].preview.text.strip() == str(number)


@pytest.mark.parametrize("work", ["time.sleep(600)", "while True: pass", "len(str(10 ** (10**9)))"])
def test_cancelling_ends_what_runs_and_what_waits(tmp_path: Path, work: str) -> None:
    stages = "".join(f"@stage\ndef s{n}():\n    {work}\n" for n in range(3))
    begun = time.monotonic()
    result, _ = realize(tmp_path, stages + "@stage\ndef below(s0): return 1\n", 2, after=1.0)
    assert time.monotonic() - begun < 100
    assert result.outcome == "cancelled"
    assert set(result.states.values()) == {"cancelled"}


COMMAND = [sys.executable, "-m", "stageloom", "realize", "p.py", "--jobs", "2"]
PIDS = """import os, subprocess, sys, time
from stageloom import stage
@stage
def a():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open("a.pids", "w") as file: file.write(f"{os.getpid()} {child.pid}\\n")
    time.sleep(600)
@stage
def b():
    with open("b.pids", "w") as file: file.write(f"{os.getpid()}\\n")
    sum(3 ** 400000 % 7 for _ in range(100000))
"""


def begun(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Start the command line and return it, and the processes of two stages and a child of one, all at work."""
    (folder / "p.py").write_text(PIDS, "utf-8")
    process = subprocess.Popen(
        COMMAND,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    found: list[int] = []
    while len(found) < 3:
        assert time.monotonic() < end, "the stages did not begin"
        time.sleep(0.05)
        found = [int(pid) for path in folder.glob("*.pids") for pid in path.read_text().split()]
    return process, found


def test_nothing_survives_a_killed_parent(tmp_path: Path) -> None:
    process, pids = begun(tmp_path)
    process.kill()
    process.wait(60)
    assert gone(pids)


def test_an_interrupt_of_the_command_ends_everything_and_is_told(tmp_path: Path) -> None:
    process, pids = begun(tmp_path)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=120)
    assert time.monotonic() - started < 100
    assert process.returncode == 130, told
    assert "a  cancelled" in told
    assert gone(pids)


def test_the_library_and_the_command_say_what_a_number_of_jobs_is(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("from stageloom import stage\n@stage\ndef a(): return 41\n", "utf-8")
    program = "import stageloom; print(stageloom.realize('p.py:a', jobs=2)); stageloom.realize('p.py:a', jobs=0)"
    done = said(tmp_path, sys.executable, "-c", program)
    assert done.stdout == "41\n"
    assert "jobs must be 1 or more, not 0" in done.stderr
    done = said(tmp_path, *COMMAND[:-1], "0")
    assert done.returncode == 2
    assert "'0' is not a number of stages" in done.stderr


def said(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(SOURCES)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("work", "kept"),
    [("while True: pass", True), ("time.sleep(600)", True), ("len(str(10 ** (10**9)))", False)],
    ids=["loops", "sleeps", "deaf"],
)
def test_a_worker_that_stopped_when_asked_goes_on_and_another_is_replaced(
    tmp_path: Path, work: str, kept: bool
) -> None:
    text = (
        "@stage\ndef before():\n    return os.getpid()\n"
        f"@stage(timeout=1)\ndef long(n=1):\n    {work}\n"
        "@stage\ndef after(before):\n    time.sleep(0.1)\n    return [before, os.getpid()]\n"
    )
    (tmp_path / "p.py").write_text("import os, time\nfrom stageloom import stage\n" + text, "utf-8")
    with Store.open(tmp_path / "store") as store, ProcessExecutor(1, tmp_path) as executor:
        workspace = Workspace(tmp_path, store, LANGUAGES, executor)
        pipeline = workspace.read("p.py")
        results = [workspace.run(pipeline, [one], Heard()).execute() for one in ("before", "long", "after")]
        assert [one.outcome for one in results] == ["done", "failed", "done"]
        failure = results[1].entries["long"].failure
        assert failure is not None
        assert failure.kind == "timeout"
        found = results[2].entries["after"].found
        assert found is not None
        first, second = eval(workspace.outputs(str(found.rref)).previews[0].preview.text)
    assert (first == second) is kept
