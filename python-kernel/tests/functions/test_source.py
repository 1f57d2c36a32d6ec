"""Declarations read from source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stageloom.functions.source import read
from stageloom.tracking.snapshot import MemoryBlobs, Snapshot, take

TABLE = json.loads((Path(__file__).parents[1] / "shared" / "declarations.json").read_text("utf-8"))


def snapshot_of(files: dict[str, str], entry: str = "pipeline.py", root: Path = Path("/nowhere")) -> Snapshot:
    return take(root, entry, files, MemoryBlobs())


def declared(*lines: str, **others: str):
    files = {"pipeline.py": "\n".join(lines), **{f"{name}.py": text for name, text in others.items()}}
    return read(snapshot_of(files), "pipeline.py")


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["title"])
def test_shared_table(case):
    result = declared(*case["source"])
    assert [
        {
            "name": stage.name,
            "function": stage.function,
            "line": stage.span.line,
            "dependencies": [name for names in stage.dependencies.values() for name in names],
            "parameters": [one.name for one in stage.parameters if one.role in ("configuration", "input")],
        }
        for stage in result.stages
    ] == [{key: value for key, value in stage.items() if key != "doc"} for stage in case["stages"]]
    for stage, expected in zip(result.stages, case["stages"], strict=True):
        assert stage.doc == expected.get("doc", stage.doc)
    problems = [one for one in result.problems if one.severity == "error"]
    assert [{"code": one.code, "line": one.span.line, "stages": list(one.stages)} for one in problems] == [
        {key: problem[key] for key in ("code", "line", "stages")} for problem in case["problems"]
    ]
