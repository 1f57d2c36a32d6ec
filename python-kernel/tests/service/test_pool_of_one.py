"""One worker is enough for whatever waits: chains, reactors, stages that realize others, runs that want the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from host import Host, Kernel

from stageloom.rpc.endpoint import inline
from stageloom.rpc.messages import JobOutcome, JobStale, PoolRunParams, RealizeJob
from stageloom.rpc.request import Call
from stageloom.rpc.wire import decode


class HostOfOne(Host):
    """Has one worker, which serves one job at a time, and planners."""

    def __init__(self, workspace: Path) -> None:
        self._worker: Kernel | None = None
        self._turn = threading.Lock()
        self._starter = ThreadPoolExecutor(1)  # Linux ends a worker with the thread that started it
        self.began = 0
        super().__init__(workspace)

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.close()
        self._starter.shutdown()
        super().__exit__()

    def _run(self, params: PoolRunParams, call: Call) -> JobOutcome:
        if params.role == "planner":
            return super()._run(params, call)
        with self._turn:
            self.change(params, "running")
            while True:
                outcome: JobOutcome = self._serving().request(
                    params.method, decode(RealizeJob, params.params), timeout=300
                )
                if not isinstance(outcome, JobStale):
                    return outcome
                assert self._worker is not None
                self._worker.close()
                self._worker = None

    def _serving(self) -> Any:
        if self._worker is None:
            self.began += 1
            self._worker = self._starter.submit(Kernel, "stageloom.worker", "worker").result(60)
            for method in ("job/log", "job/progress", "log/message"):
                self._worker.endpoint.on(method, lambda *_: None, inline)
            self._worker.start()
        return self._worker.endpoint


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HostOfOne]:
    with HostOfOne(tmp_path) as one:
        yield one


HEAD = "import os\nimport stageloom\nfrom stageloom import latest, stage\n"
DEPTH = 100


def write(folder: Path, text: str) -> None:
    (folder / "p.py").write_text(text, "utf-8")


def test_a_chain(tmp_path: Path, host: HostOfOne) -> None:
    chain = "".join(f"@stage\ndef s{n}(s{n - 1}): return s{n - 1} + 1\n" for n in range(1, DEPTH))
    write(tmp_path, f"{HEAD}@stage\ndef s0(): return 0\n{chain}")
    ended = host.ended(host.start("p.py"))
    assert ended[""].is_ == "done"
    assert host.began == 1


def test_stages_that_realize_one_another(tmp_path: Path, host: HostOfOne) -> None:
    nest = "".join(f"@stage\ndef s{n}(): return stageloom.realize('p.py:s{n - 1}') + 1\n" for n in range(1, DEPTH))
    write(tmp_path, f"{HEAD}@stage\ndef s0(): return 0\n{nest}")
    assert host.ended(host.start("p.py", f"s{DEPTH - 1}"))[""].is_ == "done"


def test_a_stage_that_asks_for_itself_fails_at_once(tmp_path: Path, host: HostOfOne) -> None:
    write(tmp_path, f"{HEAD}@stage\ndef s(): return stageloom.realize('p.py:t')\n@stage\ndef t(s): return s\n")
    ended = host.ended(host.start("p.py", "s"))
    assert ended[""].is_ == "failed"
    assert "s is being made right now" in ended["s"].failure.message


def test_reactors_that_wait(tmp_path: Path, host: HostOfOne) -> None:
    text = (
        "from stageloom.pyplant import *\n@ReactorFunc\ndef r0(pipe):\n    pipe.send('i0', 0, Ingredient.Type.simple)\n"
    )
    for n in range(1, DEPTH):
        text += (
            f"@ReactorFunc\ndef r{n}(pipe):\n    got = yield pipe.receive('i{n - 1}')\n"
            f"    pipe.send('i{n}', got + 1, Ingredient.Type.simple)\n"
        )
    write(tmp_path, text)
    ended = host.ended(host.start("p.py", f"r{DEPTH - 1}"), timeout=500)
    assert ended[""].is_ == "done", {name: one.failure for name, one in ended.items() if name and one.failure}


def test_two_runs_that_want_one_derivation(tmp_path: Path, host: HostOfOne) -> None:
    text = "@stage\ndef s():\n    import time\n    time.sleep(0.5)\n    open('count', 'a').write('x')\n    return 1\n"
    write(tmp_path, HEAD + text + "@stage\ndef t(s): return s\n")
    runs = [host.start("p.py", "t"), host.start("p.py", "t")]
    assert [host.ended(run)[""].is_ for run in runs] == ["done", "done"]
    assert (tmp_path / "count").read_text() == "x"


def test_ten_instances_of_one_derivation(tmp_path: Path, host: HostOfOne) -> None:
    text = "import random\n@stage(match=latest(10))\ndef s(): return random.random()\n"
    write(tmp_path, HEAD + text + "@stage\ndef t(s): return len(set(s))\n")
    ended = host.ended(host.start("p.py"))
    assert ended[""].is_ == "done", [one.failure for name, one in ended.items() if name]
