"""A store that is deleted while the editor is open."""

from __future__ import annotations

import shutil
from pathlib import Path

from host import Host

from stageloom.rpc.messages import PlanParams


def test_an_engine_whose_store_was_deleted_ends_so_that_the_next_starts_anew(tmp_path: Path):
    (tmp_path / "p.py").write_text(
        "from stageloom import stage\n\n\n@stage\ndef one():\n    return 1\n", encoding="utf-8"
    )
    with Host(tmp_path) as host:
        assert host.ended(host.start("p.py"))[""].is_ == "done"
        for path in [tmp_path / ".stageloom", *(tmp_path / ".stageloom").rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(tmp_path / ".stageloom")
        host.engine.process.wait(60)
        assert any("was deleted" in message for message in host.messages)
    with Host(tmp_path) as host:
        assert [stage.is_ for stage in host.ask("pipeline/plan", PlanParams("p.py")).stages] == ["absent"]
