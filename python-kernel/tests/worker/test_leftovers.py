"""What a stage leaves running or open is noticed when it returns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stageloom.engine.run import RunResult
from stageloom.engine.workspace import Workspace
from stageloom.executors.processes import ProcessExecutor
from stageloom.library import LANGUAGES
from stageloom.library import _Quiet as Quiet
from stageloom.store.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the system tells which files are open")

HEAD = "import os, subprocess, sys, threading, time\nfrom stageloom import Out, stage\n"


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[ProcessExecutor]:
    with ProcessExecutor(1, tmp_path) as one:
        yield one


def realize(folder: Path, text: str, executor: ProcessExecutor) -> tuple[RunResult, list[str]]:
    (folder / "p.py").write_text(HEAD + text, "utf-8")
    with Store.open(folder / "store") as store:
        workspace = Workspace(folder, store, LANGUAGES, executor)
        result = workspace.run(workspace.read("p.py"), [], Quiet()).execute()
        found = [entry.found for entry in result.entries.values() if entry.found is not None]
        texts = [one.preview for rref in found for one in workspace.outputs(str(rref.rref)).previews]
        return result, [getattr(one, "text", "").strip() for one in texts]


@pytest.mark.parametrize(
    "leaves",
    [
        "global kept; kept = open(out / 'a', 'w'); kept.write('x')",
        "threading.Thread(target=write, args=(out / 'a',)).start(); time.sleep(0.5)",
        "ring = [open(out / 'a', 'w')]; ring.append(ring); ring[0].write('lost by Python where it collects this')",
        "subprocess.Popen([sys.executable, '-c', SLOW, str(out / 'a')]); time.sleep(2)",
    ],
    ids=["a file", "a thread's", "one that nobody has any more", "a process's"],
)
def test_a_file_that_is_still_open_is_an_error(leaves: str, tmp_path: Path, executor: ProcessExecutor) -> None:
    text = (
        "SLOW = 'import sys, time; f = open(sys.argv[1], \"w\"); f.flush(); time.sleep(60)'\n"
        "def write(path):\n    with open(path, 'w') as file:\n        time.sleep(30)\n        file.write('late')\n"
        f"@stage\ndef s(out: Out) -> None:\n    (out / 'b').write_text('1')\n    {leaves}\n"
    )
    result, _ = realize(tmp_path, text, executor)
    failure = result.entries["s"].failure
    assert failure is not None
    assert (failure.kind, failure.message.startswith("a is still open for writing")) == ("unstorable", True)


def test_no_stage_runs_beside_a_thread_that_was_left(tmp_path: Path, executor: ProcessExecutor) -> None:
    text = (
        "def idle(): time.sleep(60)\n@stage\ndef a():\n    threading.Thread(target=idle, name='idler').start()\n"
        "    return os.getpid()\n@stage\ndef b(a): return [a == os.getpid(), threading.active_count() > 5]\n"
    )
    result, texts = realize(tmp_path, text, executor)
    assert result.outcome == "done"
    assert "It left a thread running (idler)" in result.entries["a"].warnings[0]
    assert eval(texts[1].replace("false", "False").replace("true", "True"))[0] is False
