"""A run beside garbage collection: what is collected as it is looked up is made again, with all it names."""

from __future__ import annotations

import textwrap

from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.store.gc import Policy
from stageloom.store.store import Store
from stageloom.store.sweep import Leftovers, Sweep

PIPELINE = """
    import os
    from stageloom import stage


    @stage
    def a():
        return os.urandom(8).hex()


    @stage
    def b(a, times: int = 1):
        return a * times
"""


class Quiet:
    """Hears nothing."""

    def changed(self, stage, state, entry):
        """Hear nothing."""

    log = progress = changed


def run(root, **sets):
    with Store.open(root / "store") as store:
        workspace = Workspace(root, store, LANGUAGES, InlineExecutor())
        return workspace.run(workspace.read("pipeline.py", sets=sets), (), Quiet()).execute()


def test_what_was_collected_before_it_was_held_is_made_again(tmp_path, monkeypatch):
    (tmp_path / "pipeline.py").write_text(textwrap.dedent(PIPELINE))
    assert run(tmp_path).states == {"a": "done", "b": "done"}
    check, collected = Store.check, []

    def late(store, trees):
        if not collected:
            monkeypatch.setattr(Sweep, "run", lambda *_, **__: Leftovers(0, 0))  # which comes later
            with Store.open(tmp_path / "store") as other:
                collected.append(other.gc(Policy(), delete=True))
        return check(store, trees)

    monkeypatch.setattr(Store, "check", late)
    result = run(tmp_path, **{"b.times": 2})
    assert len(collected[0].victims) == 2
    assert result.states == {"a": "done", "b": "done"}
    with Store.open(tmp_path / "store") as store:
        for entry in result.entries.values():
            context = store.record(entry.found.rref).context
            assert all(store.get(rref) is not None for rrefs in context.values() for rref in rrefs)
