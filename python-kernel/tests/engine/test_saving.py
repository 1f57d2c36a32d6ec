"""What a run places is made durable in groups, and nothing is told as done before."""

from __future__ import annotations

import errno
import os
import textwrap
import threading
import time
from pathlib import Path

import pytest

from forking import ended, fork
from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.model.references import RRef
from stageloom.store.files import Files
from stageloom.store.store import Store

CHAIN = """
    from stageloom import stage


    @stage
    def a():
        return "a"


    @stage
    def b(a):
        return a + "b"


    @stage
    def c(b):
        return b + "c"


    @stage
    def d():
        return "d"
"""


class Watched(Files):
    """Counts what asks the disk to wait, and refuses what ``refuses`` says."""

    def __init__(self) -> None:
        super().__init__()
        self.syncs = 0
        self.refuses = lambda operation, path: False

    def before(self, operation: str, path: str) -> None:
        self.syncs += operation == "fsync"
        if self.refuses(operation, path):
            raise OSError(errno.ENOSPC, "No space left on device", path)


class Heard:
    """Keeps what a run tells, and for what is told as done whether the store has it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.told: list[tuple[str, str]] = []
        self.early: list[str] = []

    def changed(self, stage, state, entry):
        self.told.append((stage, state))
        if state in ("done", "kept") and self.store.get(entry.found.rref) is None:
            self.early.append(stage)

    def log(self, stage, stream, text):
        pass

    def progress(self, stage, points, fraction, message):
        pass


def realize(root: Path, files: Files, text: str = CHAIN):
    (root / "pipeline.py").write_text(textwrap.dedent(text))
    with Store.open(root / "store", files=files) as store:
        workspace = Workspace(root, store, LANGUAGES, InlineExecutor())
        heard = Heard(store)
        before = set(threading.enumerate())
        pipeline = workspace.read("pipeline.py")
        result = workspace.run(pipeline, [], heard).execute()
        assert heard.early == [], "told as done before the store had it"
        assert store.verify() == []
        for thread in set(threading.enumerate()) - before:
            thread.join(60)
            assert not thread.is_alive(), "nothing waits in the background"
        return result, heard


@pytest.mark.parametrize("worker", [True, False], ids=["on the thread that settles", "on the run's own"])
def test_a_listener_that_fails_loses_nothing_of_the_run(tmp_path, capfd, worker):
    class Failing(Heard):
        def changed(self, stage, state, entry):
            super().changed(stage, state, entry)
            if (threading.current_thread() is not own) == worker:
                raise RuntimeError("the listener's own fault")

    late = 'import time; time.sleep(1); return a + "b"'  # so that the timer comes first
    text = CHAIN.replace('return a + "b"', late) if worker else CHAIN
    (tmp_path / "pipeline.py").write_text(textwrap.dedent(text))
    with Store.open(tmp_path / "store") as store:
        workspace = Workspace(tmp_path, store, LANGUAGES, InlineExecutor())
        run = workspace.run(workspace.read("pipeline.py"), [], heard := Failing(store))
        results = []
        own = threading.Thread(target=lambda: results.append(run.execute()), daemon=True)
        own.start()
        own.join(60)
        [result] = results
        assert result.outcome == "done"
        assert set(result.states.values()) == {"done"}
        assert {stage for stage, state in heard.told if state == "done"} == set(result.states)
    assert capfd.readouterr().err.count("RuntimeError: the listener") == 1


def test_a_chain_waits_for_the_disk_in_groups_not_per_stage(tmp_path):
    count = 60
    text = "from stageloom import stage\n\n\n@stage\ndef s0():\n    return 0\n"
    for number in range(1, count):
        text += f"\n\n@stage\ndef s{number}(s{number - 1}):\n    return s{number - 1} + 1\n"
    files = Watched()
    result, heard = realize(tmp_path, files, text)
    assert set(result.states.values()) == {"done"}
    assert len(heard.told) == 2 * count
    assert files.syncs < count, "less than once a stage"
    print(f"{count} stages: the disk was waited for {files.syncs} times")


def test_what_cannot_be_stored_fails_and_takes_with_it_what_was_made_from_it(tmp_path):
    (tmp_path / "first").mkdir()
    result, _ = realize(tmp_path / "first", Watched())
    tree = result.entries["a"].found.tree
    files = Watched()
    files.refuses = lambda operation, path: operation == "rename" and path.endswith(f"{tree}.json")
    (tmp_path / "second").mkdir()
    result, heard = realize(tmp_path / "second", files)
    assert result.outcome == "failed"
    assert result.states == {"a": "failed", "b": "skipped", "c": "skipped", "d": "done"}
    assert result.entries["a"].failure.kind == "disk-full"
    assert result.first_failure == "a"
    assert [one for one in heard.told if one[1] in ("done", "kept")] == [("d", "done")]
    again, _ = realize(tmp_path / "second", Watched())
    assert again.states == {"a": "done", "b": "done", "c": "done", "d": "kept"}


def test_equal_work_of_one_run_is_done_once(tmp_path):
    text = """
        from stageloom import stage


        @stage
        def a():
            return 1


        @stage
        def later(a):
            return a


        @stage
        def latest(later):
            return later


        @stage
        def q(a):
            open({log!r}, "a").write("x")
            return a


        again = q.bind(a=latest)
    """
    log = tmp_path / "log"
    result, _ = realize(tmp_path, Watched(), textwrap.dedent(text).format(log=str(log)))
    assert log.read_text() == "x"
    assert result.states == {"a": "done", "later": "done", "latest": "done", "q": "done", "again": "kept"}


def test_equal_work_is_done_once_while_the_first_is_being_made_durable(tmp_path):
    class Slow(Watched):
        def before(self, operation, path):
            super().before(operation, path)
            if operation == "fsync":
                time.sleep(0.5)

    text = """
        import time
        from stageloom import stage


        @stage
        def a():
            return 1


        @stage
        def q(a):
            open({log!r}, "a").write("x")
            return a


        @stage
        def later(a):
            time.sleep(0.4)
            return a


        again = q.bind(a=later)
    """
    log = tmp_path / "log"
    result, _ = realize(tmp_path, Slow(), textwrap.dedent(text).format(log=str(log)))
    assert log.read_text() == "x"
    assert result.states == {"a": "done", "q": "done", "later": "done", "again": "kept"}


def test_early_cutoff_records_a_chain_in_groups(tmp_path):
    realize(tmp_path, Watched())
    files = Watched()
    result, _ = realize(tmp_path, files, CHAIN.replace('return "a"', 'return "" + "a"'))
    assert result.states == {"a": "done", "b": "kept", "c": "kept", "d": "kept"}
    assert result.entries["c"].found.kept


SLOW = """
    import time
    from stageloom import stage


    @stage
    def s0():
        return "0"
""" + "".join(
    f"""

    @stage
    def s{at}(s{at - 1}):
        time.sleep({{seconds}})
        return s{at - 1} + "{at}"
"""
    for at in range(1, 40)
)


class Lazy(Watched):
    """A disk that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[float, float]] = []

    def before(self, operation, path):
        super().before(operation, path)
        if operation == "fsync":
            begun = time.time()
            time.sleep(0.2)
            self.spans.append((begun, time.time()))


def test_stages_run_on_while_the_disk_takes_what_came_before(tmp_path):
    files = Lazy()
    result, heard = realize(tmp_path, files, SLOW.format(seconds=0.03))
    assert set(result.states.values()) == {"done"}
    assert [stage for stage, state in heard.told if state == "done"] == [f"s{at}" for at in range(40)]
    starts = [entry.started for entry in result.entries.values()]
    assert any(first < start < last for first, last in files.spans for start in starts), "each waited for the disk"


def test_much_work_is_durable_before_the_next_stage_begins(tmp_path):
    text = """
        import os
        import time
        from stageloom import stage


        @stage
        def long():
            time.sleep(1.1)
            return "long"


        @stage
        def ends(long):
            os._exit(3)
    """
    (tmp_path / "pipeline.py").write_text(textwrap.dedent(text))

    def run() -> None:
        with Store.open(tmp_path / "store", files=Lazy()) as store:
            workspace = Workspace(tmp_path, store, LANGUAGES, InlineExecutor())
            workspace.run(workspace.read("pipeline.py"), [], Heard(store)).execute()

    assert ended(fork(run)) == 3
    with Store.open(tmp_path / "store") as store:
        assert [found.stage for found in store.history()] == ["long"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9")
@pytest.mark.parametrize("after", [1, 5, 12, 20, 30])
def test_a_run_that_is_killed_has_stored_all_that_it_told_as_done(tmp_path, after):
    (tmp_path / "pipeline.py").write_text(textwrap.dedent(SLOW.format(seconds=0.01)))
    told = tmp_path / "told"

    class Telling(Heard):
        def changed(self, stage, state, entry):
            if state == "done":
                with told.open("a") as file:
                    file.write(f"{entry.found.rref}\n")
                    file.flush()
                if len(told.read_text().splitlines()) >= after:
                    os.kill(os.getpid(), 9)

    def run() -> None:
        with Store.open(tmp_path / "store", files=Lazy()) as store:
            workspace = Workspace(tmp_path, store, LANGUAGES, InlineExecutor())
            workspace.run(workspace.read("pipeline.py"), [], Telling(store)).execute()

    assert ended(fork(run)) == -9
    rrefs = told.read_text().split()
    assert len(rrefs) >= after
    with Store.open(tmp_path / "store") as store:
        assert store.verify() == []
        for rref in rrefs:
            found = store.get(RRef.parse(rref))
            assert found is not None, f"{rref} was told as done and is not there"
            store.tree(found.tree)
    result, _ = realize(tmp_path, Watched(), SLOW.format(seconds=0.01))
    assert set(result.states.values()) <= {"done", "kept", "cached"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9")
def test_what_finished_is_durable_soon_while_the_next_stage_runs_on(tmp_path):
    (tmp_path / "pipeline.py").write_text(
        textwrap.dedent(CHAIN).replace('return a + "b"', 'import time; time.sleep(60); return a + "b"')
    )

    def run() -> None:
        with Store.open(tmp_path / "store") as store:
            workspace = Workspace(tmp_path, store, LANGUAGES, InlineExecutor())
            workspace.run(workspace.read("pipeline.py"), ["b"], Heard(store)).execute()

    child = fork(run)
    try:
        until = time.monotonic() + 60
        with Store.open(tmp_path / "store") as store:
            while not store.history(stage="a") and time.monotonic() < until:
                time.sleep(0.02)
            assert store.history(stage="a"), "a stage that finished waits for the one after it"
            assert store.history(stage="b") == []
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
