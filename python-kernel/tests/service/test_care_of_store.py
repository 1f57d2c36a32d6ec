"""What the editor asks about the store as a whole, of the real engine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from host import Host

from stageloom.library import open_workspace
from stageloom.rpc.errors import RequestCancelledError, RpcError
from stageloom.rpc.messages import (
    ArtifactsParams,
    CollectParams,
    InvalidateParams,
    PackParams,
    PinParams,
    PlanParams,
    Realization,
    RemoteParams,
    RunParams,
    UndoParams,
    UnpackParams,
    VerifyParams,
)
from stageloom.rpc.request import Call
from stageloom.service.keeping import Keeping
from stageloom.service.runs import Runs
from stageloom.store.store import Store

PIPELINE = """
import time
from stageloom import stage


@stage
def drawn():
    return time.time_ns()


@stage
def doubled(drawn):
    return drawn * 2
"""


@pytest.fixture
def host(tmp_path: Path):
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    with Host(tmp_path) as host:
        yield host


def realize(host: Host, *targets: str) -> None:
    assert host.ended(host.start("pipeline.py", *targets))[""].is_ == "done"


def chosen(host: Host, name: str) -> Realization:
    [stage] = [one for one in host.ask("pipeline/plan", PlanParams("pipeline.py")).stages if one.name == name]
    assert stage.is_ == "cached"
    return stage.realization


def test_a_pinned_realization_is_chosen_before_newer_ones_until_it_is_unpinned(host: Host):
    realize(host, "drawn")
    older = chosen(host, "drawn").rref
    hidden = host.ask("stage/invalidate", InvalidateParams("pipeline.py", ["drawn"]))
    realize(host, "drawn")
    newer = chosen(host, "drawn").rref
    host.ask("stage/undo", UndoParams(hidden.sequence))
    host.ask("store/pin", PinParams(older, pinned=True))
    host.ask("store/pin", PinParams(older, pinned=True))
    assert newer != older
    assert (chosen(host, "drawn").rref, chosen(host, "drawn").pinned) == (older, True)
    listed = host.ask("store/artifacts", ArtifactsParams())
    assert {one.realization.rref: one.realization.pinned for one in listed.stages[0].realizations} == {
        older: True,
        newer: False,
    }
    host.ask("store/pin", PinParams(older, pinned=False))
    assert (chosen(host, "drawn").rref, chosen(host, "drawn").pinned) == (newer, False)
    with pytest.raises(RpcError, match="no realization"):
        host.ask("store/pin", PinParams(older.replace("drawn", "other"), pinned=True))


def test_garbage_is_told_first_then_collected_and_what_pipelines_reach_stays(host: Host, tmp_path: Path):
    realize(host)
    (tmp_path / "pipeline.py").write_text(PIPELINE.replace("* 2", "* 3"))
    realize(host)
    current = chosen(host, "doubled").rref
    told = host.ask("store/collect", CollectParams())
    assert [(one.path, one.stage) for one in told.garbage] == [("pipeline.py", "doubled")]
    assert (told.count, told.kept, told.in_use) == (1, 2, 0)
    assert told.freed > 0
    assert len(host.ask("store/artifacts", ArtifactsParams()).stages[0].realizations) == 2
    done = host.ask("store/collect", CollectParams(delete=True))
    assert (done.count, done.kept) == (1, 2)
    assert host.ask("store/collect", CollectParams()).count == 0
    assert chosen(host, "doubled").rref == current


def test_what_a_profile_reaches_is_no_garbage(host: Host, tmp_path: Path):
    (tmp_path / "pipeline.py").write_text(PIPELINE.replace("doubled(drawn)", "doubled(drawn, by=1)"))
    (tmp_path / "stageloom.json").write_text('{"profiles": {"large": {"pipeline.py": {"doubled.by": 7}}}}')
    assert host.ended(host.ask("run/start", RunParams("pipeline.py", profile="large")).run)[""].is_ == "done"
    realize(host)
    assert host.ask("store/collect", CollectParams()).count == 0
    (tmp_path / "stageloom.json").unlink()
    assert host.ask("store/collect", CollectParams()).count == 1


def test_looking_for_garbage_ends_when_it_is_cancelled_and_nothing_goes(host: Host, tmp_path: Path):
    realize(host)
    (tmp_path / "pipeline.py").write_text(
        "import time\nfrom stageloom.derivations import Manager, mkdrv\ntime.sleep(120)\n"
        "def stage_a(m: Manager):\n    return mkdrv(m)\n"
    )
    asked = host.engine.endpoint.submit("store/collect", CollectParams(delete=True))
    host.until(lambda: any(job.method == "worker/plan" for job in host.jobs))
    asked.cancel()
    with pytest.raises(RequestCancelledError):
        asked.result(60)
    assert len(host.ask("store/artifacts", ArtifactsParams()).stages) == 2


def test_damage_is_told_and_repaired_in_the_engine_that_has_the_store_open(host: Host, tmp_path: Path):
    realize(host)
    assert not host.ask("store/verify", VerifyParams()).damages
    file = next(one for one in (tmp_path / ".stageloom/store/trees").glob("*/*/**/*") if one.is_file())
    file.chmod(0o644)
    file.write_text("something else")
    told = host.ask("store/verify", VerifyParams())
    assert [one.kind for one in told.damages] == ["tree"]
    assert told.moved == 0
    repaired = host.ask("store/verify", VerifyParams(repair=True))
    assert (repaired.moved, repaired.forgotten >= 1, Path(repaired.folder).is_dir()) == (1, True, True)
    assert not host.ask("store/verify", VerifyParams()).damages
    realize(host)
    assert chosen(host, "doubled")


def test_an_archive_goes_to_another_store_and_one_that_is_none_is_refused(host: Host, tmp_path: Path):
    realize(host)
    found = chosen(host, "doubled").rref
    archive = tmp_path / "results.zip"
    packed = host.ask("store/pack", PackParams([found], str(archive)))
    assert (packed.realizations, packed.size) == (2, archive.stat().st_size)
    other = tmp_path / "other"
    other.mkdir()
    (other / "pipeline.py").write_text(PIPELINE)
    with Host(other) as another:
        assert another.ask("store/unpack", UnpackParams(str(archive))).added == 2
        assert another.ask("store/unpack", UnpackParams(str(archive))).known == 1
        assert chosen(another, "doubled").rref == found
        archive.write_bytes(archive.read_bytes()[:200])
        for path in (archive, other / "pipeline.py", other / "none.zip"):
            with pytest.raises(RpcError) as refused:
                another.ask("store/unpack", UnpackParams(str(path)))
            assert refused.value.data["kind"] == "store"
            assert path.name in refused.value.data["message"]


def test_what_is_pushed_is_pulled_elsewhere_with_a_profile_too(host: Host, tmp_path: Path):
    pytest.importorskip("fsspec")
    remote = (tmp_path / "remote").as_uri()
    with pytest.raises(RpcError, match=r"Nothing of pipeline\.py is cached"):
        host.ask("store/push", RemoteParams(remote, "pipeline.py"))
    with pytest.raises(RpcError, match="nothing at"):
        host.ask("store/pull", RemoteParams(remote))
    realize(host)
    assert host.ask("store/push", RemoteParams(remote, "pipeline.py")).sent == 2
    pushed = host.ask("store/push", RemoteParams(remote))
    assert (pushed.sent, pushed.known) == (0, 2)
    for path in ("pipeline.py", ""):
        other = tmp_path / f"other{path}"
        other.mkdir()
        (other / "pipeline.py").write_text(PIPELINE)
        with Host(other) as another:
            assert another.ask("store/pull", RemoteParams(remote, path)).added == 2
            assert chosen(another, "doubled").rref == chosen(host, "doubled").rref


def test_what_an_archive_is_made_of_stays_while_another_run_ends(host: Host, tmp_path: Path):
    realize(host)
    store = tmp_path / ".stageloom" / "store"

    def in_use() -> int:
        with Store.open(store) as other:
            return other.gc().in_use

    with open_workspace(tmp_path, store) as workspace:
        runs = Runs(workspace, None, None)  # type: ignore[arg-type]  # none is started
        with runs.beside():
            for one in workspace.store.history():
                workspace.store.manifest(one.tree)
                workspace.store.get(one.rref)
                workspace.store.tree(one.tree)
            runs.let_go()
            assert in_use() == 2
        assert in_use() == 0


def test_without_fsspec_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with open_workspace(tmp_path, tmp_path / "store") as workspace:
        keeping = Keeping(workspace, None)  # type: ignore[arg-type]  # no run takes part
        with pytest.raises(RpcError) as lacking:
            keeping.push(RemoteParams("memory://x"), Call("store/push", 1))
    failure = lacking.value.data
    assert (failure["kind"], failure["package"]) == ("missing-package", "fsspec")
    assert failure["command"].endswith("-m pip install fsspec")


def test_what_the_editor_only_looks_at_is_noted_for_others_that_collect(host: Host, tmp_path: Path):
    realize(host)
    drawn = chosen(host, "drawn").rref
    source = tmp_path / "pipeline.py"
    source.write_text(source.read_text().replace("drawn * 2", "drawn * 3"))

    def noted(path: str = "pipeline.py") -> dict[str, list[str]]:
        with Store.open(tmp_path / ".stageloom" / "store", readonly=True) as store:
            return {
                stage: rrefs for stage, (_, rrefs) in store._ledger.ask(lambda one: one.roots(".", path, "")).items()
            }

    assert set(noted()) == {"doubled"}, "which keeps what it was made from"
    overlays = {"pipeline.py": source.read_text() + "\n"}
    host.ask("pipeline/plan", PlanParams("pipeline.py", overlays))
    host.ask("pipeline/plan", PlanParams("pipeline.py"))
    host.until(lambda: "drawn" in noted())
    assert noted()["drawn"] == [drawn]
