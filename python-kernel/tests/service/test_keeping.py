"""What the editor asks about the store as a whole, of the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from host import Host

from stageloom.rpc.errors import RpcError
from stageloom.rpc.messages import ArtifactsParams, InvalidateParams, PinParams, PlanParams, Realization, UndoParams

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
