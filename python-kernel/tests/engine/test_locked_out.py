"""A stage that another process is at: its run says for what it waits, and tells its end when it is cancelled."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from stageloom.engine.look import look
from stageloom.engine.observed import Observed
from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.store.store import Store, lock_key


class Heard:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.messages: list[tuple[str, str]] = []

    def changed(self, stage, state, entry):
        self.told.append((stage, state))

    def log(self, stage, stream, text):
        pass

    def progress(self, stage, points, fraction, message):
        self.messages.append((stage, message))


@pytest.mark.parametrize("cancel", [True, False], ids=["cancelled", "waited for"])
def test_a_run_says_for_what_it_waits(tmp_path: Path, *, cancel: bool) -> None:
    (tmp_path / "p.py").write_text("from stageloom import stage\n@stage\ndef a(): return 1\n", "utf-8")
    with Store.open(tmp_path / "store") as store:
        workspace = Workspace(tmp_path, store, LANGUAGES, InlineExecutor())
        pipeline = workspace.read("p.py")
        looked = look(store, pipeline.targets["a"], {}, Observed(pipeline))
        heard = Heard()
        run = workspace.run(pipeline, [], heard)
        results = []
        thread = threading.Thread(target=lambda: results.append(run.execute()), daemon=True)
        with store.lock(lock_key(looked.dref, looked.context_key), wait=0):
            thread.start()
            until = time.monotonic() + 60
            while not heard.told and time.monotonic() < until:
                time.sleep(0.02)
            time.sleep(0.2)
            assert heard.told == [("a", "queued")]
            if cancel:
                run.cancel()
                thread.join(60)
        thread.join(60)
        [result] = results
        [(stage, message)] = heard.messages
        assert stage == "a"
        assert "is realizing the same stage" in message
        assert heard.told[-1] == ("a", "cancelled" if cancel else "done")
        assert result.outcome == ("cancelled" if cancel else "done")
