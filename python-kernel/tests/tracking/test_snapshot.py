"""Which files a snapshot holds, and what of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stageloom.tracking.snapshot import MemoryBlobs, Snapshot, StatCache, take


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def files_of(root: Path, entry: str = "pipeline.py", **overlays: str) -> set[str]:
    return set(take(root, entry, overlays).files)


EMPTY = ("a.py", "c.py", "größe.py", "p/__init__.py", "p/q/__init__.py", "p/q/r.py", "space/inner.py", "other.py")


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ("import a", {"a.py"}),
        ("import a as b, c", {"a.py", "c.py"}),
        ("from a import (\n  x,  # one\n  y as z,\n)", {"a.py"}),
        ("from a import x; import c", {"a.py", "c.py"}),
        ("from a import \\\n  x", {"a.py"}),
        ("if x: import a\nelse:\n  import c", {"a.py", "c.py"}),
        ("def f():\n  import a\n  class B:\n    from c import d", {"a.py", "c.py"}),
        ("try: import nothing\nexcept ImportError: import a", {"a.py"}),
        ("import p.q.r", {"p/__init__.py", "p/q/__init__.py", "p/q/r.py"}),
        ("from p.q import r", {"p/__init__.py", "p/q/__init__.py", "p/q/r.py"}),
        ("from p.q import name", {"p/__init__.py", "p/q/__init__.py"}),
        ("from p import q", {"p/__init__.py", "p/q/__init__.py"}),
        ("from p.relative import x", {"p/__init__.py", "p/relative.py", "p/q/__init__.py", "p/q/r.py", "a.py"}),
        ("import space.inner", {"space/inner.py"}),
        ("from space import inner", {"space/inner.py"}),
        ("import importlib\nimportlib.import_module('a')", {"a.py"}),
        ("__import__('p.q')", {"p/__init__.py", "p/q/__init__.py"}),
        ("# import a\nx = 1", set()),
        ("raise_ = 'x'\nfrom nothing import e\nimport a", {"a.py"}),
        ("import numpy, os.path, pipeline", set()),
        ("x = 1  # é\nimport größe", {"größe.py"}),
    ],
)  # fmt: skip
def test_static_imports_are_followed(tmp_path: Path, source: str, reached: set[str]) -> None:
    files = {
        "pipeline.py": source,
        **dict.fromkeys(EMPTY, ""),
        "p/relative.py": "from .q import r\nfrom . import q\nimport a\n",
    }
    write(tmp_path, files)
    assert files_of(tmp_path) == {"pipeline.py"} | reached


def test_a_computed_import_takes_every_file_of_the_project(tmp_path: Path) -> None:
    outside = ("venv/lib/z.py", ".hidden/x.py", "node_modules/y.py", "e/site-packages/w.py")
    inside = ("plugins/one.py", "plugins/two.py", "setup.py")
    write(
        tmp_path,
        {"pipeline.py": "import importlib\nimportlib.import_module(name)", **dict.fromkeys((*outside, *inside), "")},
    )
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    snapshot = take(tmp_path, "pipeline.py")
    assert snapshot.whole
    assert set(snapshot.files) == {"pipeline.py", "plugins/one.py", "plugins/two.py", "setup.py"}


def test_environments_and_hidden_folders_are_no_project(tmp_path: Path) -> None:
    write(tmp_path, {"pipeline.py": "import venv.x\nimport venv2.x\n", "venv2/x.py": ""})
    (tmp_path / "venv2" / "pyvenv.cfg").write_text("")
    assert files_of(tmp_path) == {"pipeline.py"}


def test_a_src_folder_is_looked_in_where_there_is_a_project_file(tmp_path: Path) -> None:
    write(tmp_path, {"pipeline.py": "import mine\n", "src/mine.py": ""})
    assert files_of(tmp_path) == {"pipeline.py"}
    (tmp_path / "pyproject.toml").write_text("")
    assert files_of(tmp_path) == {"pipeline.py", "src/mine.py"}


def test_overlays_replace_and_add(tmp_path: Path) -> None:
    write(tmp_path, {"pipeline.py": "import a\n", "a.py": "X = 1\n"})
    snapshot = take(tmp_path, "pipeline.py", {"a.py": "import new.b\n", "new/b.py": "é = 1\n"})
    assert snapshot.text("a.py") == "import new.b\n"
    assert snapshot.read("new/b.py") == "é = 1\n".encode()
    assert set(snapshot.files) == {"pipeline.py", "a.py", "new/b.py"}
    unsaved = take(tmp_path, "pipeline.py", {"pipeline.py": "import a\n"})
    assert unsaved.id == take(tmp_path, "pipeline.py").id


def test_a_syntax_error_still_shows_its_imports(tmp_path: Path) -> None:
    write(tmp_path, {"pipeline.py": "import a\ndef f(:\n", "a.py": ""})
    assert files_of(tmp_path) == {"pipeline.py", "a.py"}


def test_odd_bytes_are_no_crash(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_bytes(b"import a\n\xff\xfe\x00")
    (tmp_path / "a.py").write_bytes(b"# -*- coding: latin-1 -*-\nx = '\xe9'\n")
    snapshot = take(tmp_path, "pipeline.py")
    assert set(snapshot.files) == {"pipeline.py", "a.py"}
    assert "é" in snapshot.text("a.py")


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take(tmp_path, "pipeline.py")
    with pytest.raises(ValueError, match="not a path below"):
        take(tmp_path, "../pipeline.py")


def test_json_and_back(tmp_path: Path) -> None:
    write(tmp_path, {"pipeline.py": "import a\n", "a.py": ""})
    blobs = MemoryBlobs()
    snapshot = take(tmp_path, "pipeline.py", {}, blobs)
    text = json.dumps(snapshot.to_json())
    assert Snapshot.from_json(json.loads(text), blobs) == snapshot
    moved = Snapshot.from_json(json.loads(text), blobs, root=tmp_path / "elsewhere")
    assert moved.id == snapshot.id
    assert moved.read("a.py") == b""
    with pytest.raises(ValueError, match="damaged"):
        Snapshot.from_json(json.loads(text.replace('"a.py"', '"b.py"')), blobs)
    with pytest.raises(ValueError, match="format"):
        Snapshot.from_json({"format": 99}, blobs)


def test_identity_is_of_content_entry_and_folders(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, {"pipeline.py": "import a\n", "a.py": "", "d/pipeline.py": "import a\n"})
    write(two, {"pipeline.py": "import a\n", "a.py": ""})
    assert take(one, "pipeline.py").id == take(two, "pipeline.py").id
    assert take(one, "pipeline.py").id != take(one, "d/pipeline.py").id


def test_an_edit_of_the_same_size_in_the_same_second_is_seen(tmp_path: Path) -> None:
    stats, blobs, place = StatCache(), MemoryBlobs(), tmp_path / "pipeline.py"
    seen = set()
    for number in range(10, 60):
        place.write_text(f"x = {number}\n")
        seen.add(take(tmp_path, "pipeline.py", {}, blobs, stats=stats).id)
    assert len(seen) == 50


def test_an_edit_that_restores_the_time_is_seen(tmp_path: Path) -> None:
    stats, blobs, place = StatCache(), MemoryBlobs(), tmp_path / "pipeline.py"
    place.write_text("x = 1\n")
    old = 1_600_000_000_000_000_000
    os.utime(place, ns=(old, old))
    one = take(tmp_path, "pipeline.py", {}, blobs, stats=stats)
    place.write_text("x = 2\n")
    os.utime(place, ns=(old, old))
    assert take(tmp_path, "pipeline.py", {}, blobs, stats=stats).id != one.id


def test_what_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stats, blobs, place = StatCache(), MemoryBlobs(), tmp_path / "pipeline.py"
    place.write_text("x = 1\n")
    monkeypatch.setattr("stageloom.tracking.snapshot.time.time", lambda: place.stat().st_mtime + 10)
    one = take(tmp_path, "pipeline.py", {}, blobs, stats=stats)
    put = []
    monkeypatch.setattr(blobs, "put_source", put.append)
    assert take(tmp_path, "pipeline.py", {}, blobs, stats=stats).id == one.id
    assert not put


@given(st.text(alphabet=" \n\tfromimport.,()\\abc#'\"*", max_size=60))
def test_any_text_can_be_taken(text: str) -> None:
    snapshot = take(Path("/nowhere"), "pipeline.py", {"pipeline.py": text, "a.py": text, "b/c.py": ""})
    assert "pipeline.py" in snapshot.files
