"""A stage that is given a list of one value has not done the work of one that is given the value."""

from __future__ import annotations

from pathlib import Path

from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.store.store import Store

MAPPED = (
    "from stageloom import stage\n@stage(each=[1])\ndef a(x): return x\n@stage\ndef s(a): return type(a).__name__\n"
)
PLAIN = MAPPED.replace("@stage(each=[1])\ndef a(x)", "@stage\ndef a(x=1)")


class Deaf:
    def changed(self, stage, state, entry):
        pass

    def log(self, stage, stream, text):
        pass

    def progress(self, stage, points, fraction, message):
        pass


def made(folder: Path, store: Store, text: str) -> str:
    (folder / "p.py").write_text(text, "utf-8")
    workspace = Workspace(folder, store, LANGUAGES, InlineExecutor())
    result = workspace.run(workspace.read("p.py"), [], Deaf()).execute()
    assert result.outcome == "done"
    return (store.tree(result.entries["s"].found.tree) / "return" / "value.json").read_text("utf-8").strip()


def test_each_taken_away_runs_what_got_the_list(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        assert made(tmp_path, store, MAPPED) == '"list"'
        assert made(tmp_path, store, PLAIN) == '"int"'
        assert made(tmp_path, store, MAPPED) == '"list"'
