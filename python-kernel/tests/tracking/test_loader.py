"""Modules imported by content from a snapshot."""

from __future__ import annotations

import importlib
import inspect
import json
import linecache
import os
import pickle
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from stageloom.tracking.blobs import FolderBlobs, MissingBlobError
from stageloom.tracking.loader import IncompatibleSnapshotError, Loader, install, uninstall
from stageloom.tracking.snapshot import MemoryBlobs, Snapshot, take


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = MemoryBlobs()
        self.loaders: list[Loader] = []

    def take(self, entry: str = "pipeline.py", **overlays: str) -> Snapshot:
        return take(self.root, entry, {f"{name}.py": text for name, text in overlays.items()}, self.blobs)

    def install(self, snapshot: Snapshot, cache: Path | None = None) -> Loader:
        self.loaders.append(install(snapshot, self.blobs, cache))
        return self.loaders[-1]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project folder; what is imported from it is forgotten afterwards."""
    modules, path = dict(sys.modules), list(sys.path)
    root = tmp_path / "project"
    root.mkdir()
    found = Project(root)
    yield found
    for loader in found.loaders:
        uninstall(loader)
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    sys.path[:] = path
    importlib.invalidate_caches()
    linecache.clearcache()


def test_content_is_that_of_the_snapshot_not_of_the_disk(project: Project) -> None:
    write(
        project.root,
        {"pipeline.py": "import tl_helper\nVALUE = tl_helper.f()\n", "tl_helper.py": "def f(): return 1\n"},
    )
    loader = project.install(project.take())
    (project.root / "tl_helper.py").write_text("def f(): return 2\n")
    (project.root / "pipeline.py").write_text("VALUE = 3\n")
    module = loader.load("pipeline.py")
    assert module.VALUE == 1
    assert module.__name__ == "pipeline"
    assert module.__file__ == str(project.root / "pipeline.py")
    assert set(loader.loaded()) == {"pipeline.py", "tl_helper.py"}


def test_stale_bytecode_is_not_read(project: Project) -> None:
    write(project.root, {"pipeline.py": "import tl_helper\n", "tl_helper.py": "VALUE = 1\n"})
    status = os.stat(project.root / "tl_helper.py")
    subprocess.run([sys.executable, "-c", "import tl_helper"], cwd=project.root, check=True, env={"PYTHONPATH": "."})
    (project.root / "tl_helper.py").write_text("VALUE = 2\n")  # same size
    os.utime(project.root / "tl_helper.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    loader = project.install(project.take())
    loader.load("pipeline.py")
    assert sys.modules["tl_helper"].VALUE == 2


def test_edits_within_one_second_are_two_versions(project: Project) -> None:
    write(project.root, {"pipeline.py": "X = 1\n"})
    one = project.take()
    (project.root / "pipeline.py").write_text("X = 2\n")
    two = project.take()
    assert one.id != two.id
    loader = project.install(one)
    assert loader.compatible(two)
    loader.load("pipeline.py")
    assert loader.compatible(one)
    assert not loader.compatible(two)
    with pytest.raises(IncompatibleSnapshotError):
        loader.switch(two)


def test_a_file_not_imported_yet_may_change(project: Project) -> None:
    write(
        project.root, {"pipeline.py": "def f():\n    import tl_late\n    return tl_late.X\n", "tl_late.py": "X = 1\n"}
    )
    loader = project.install(project.take())
    module = loader.load("pipeline.py")
    (project.root / "tl_late.py").write_text("X = 2\n")
    second = project.take()
    assert loader.compatible(second)
    loader.switch(second)
    assert module.f() == 2


def test_a_module_that_became_a_package_is_another_version(project: Project) -> None:
    write(project.root, {"pipeline.py": "import tl_helper\n", "tl_helper.py": "X = 1\n"})
    loader = project.install(project.take())
    loader.load("pipeline.py")
    write(project.root, {"tl_helper/__init__.py": "X = 1\n"})
    assert not loader.compatible(project.take())


def test_two_entries_of_one_name_are_kept_apart(project: Project) -> None:
    write(project.root, {"a/tl_same.py": "X = 'a'\n", "b/tl_same.py": "X = 'b'\n"})
    one, two = project.take("a/tl_same.py"), project.take("b/tl_same.py")
    loader = project.install(one)
    assert loader.load("a/tl_same.py").X == "a"
    assert not loader.compatible(two)


def test_packages_relative_imports_and_namespaces(project: Project) -> None:
    write(
        project.root,
        {
            "pipeline.py": """
                import tl_space.inner.deep
                from tl_pkg import mod, VALUE
                from tl_pkg.sub.leaf import where
                TOTAL = (mod.up(), VALUE, where(), tl_space.inner.deep.X)
            """,
            "tl_pkg/__init__.py": "from .mod import VALUE\n",
            "tl_pkg/mod.py": "VALUE = 5\ndef up():\n    from . import sub\n    return sub.NAME\n",
            "tl_pkg/sub/__init__.py": "NAME = __name__\n",
            "tl_pkg/sub/leaf.py": "from ..mod import VALUE as V\ndef where(): return V\n",
            "tl_space/inner/deep.py": "X = 'deep'\n",
        },
    )
    loader = project.install(project.take())
    for path in project.root.rglob("*.py"):
        path.unlink()  # nothing is read from disk
    assert loader.load("pipeline.py").TOTAL == ("tl_pkg.sub", 5, 5, "deep")
    assert list(sys.modules["tl_space"].__path__) == [str(project.root / "tl_space")]
    assert sys.modules["tl_pkg"].__path__ == [str(project.root / "tl_pkg")]


def test_the_entrys_folder_goes_before_the_root(project: Project) -> None:
    write(
        project.root,
        {
            "tl_util.py": "X = 'root'\n",
            "dir/tl_util.py": "X = 'dir'\n",
            "dir/pipeline.py": "import tl_util\n",
            "tl_only.py": "",
        },
    )
    snapshot = project.take("dir/pipeline.py", tl_only="")
    assert snapshot.folders == ("dir", "")
    assert set(snapshot.files) == {"dir/pipeline.py", "dir/tl_util.py"}
    project.install(snapshot).load("dir/pipeline.py")
    assert sys.modules["tl_util"].X == "dir"


def test_a_dynamic_import_is_read_once_and_recorded(project: Project) -> None:
    write(project.root, {"pipeline.py": "X = 1\n", "tl_plugin.py": "X = 'first'\n"})
    loader = project.install(project.take())
    loader.load("pipeline.py")
    assert "tl_plugin.py" not in loader.loaded()
    importlib.import_module("tl_plugin")
    (project.root / "tl_plugin.py").write_text("X = 'other'\n")
    assert importlib.reload(sys.modules["tl_plugin"]).X == "first"
    assert "tl_plugin.py" in loader.loaded()
    assert not loader.compatible(project.take())


def test_a_folder_put_on_the_path_is_followed(project: Project) -> None:
    write(
        project.root,
        {
            "pipeline.py": """
                import sys, os
                sys.path.append(os.path.join(os.path.dirname(__file__), "lib"))
                import tl_in_lib
            """,
            "lib/tl_in_lib.py": "X = 1\n",
        },
    )
    snapshot = project.take()
    assert "lib/tl_in_lib.py" in snapshot.files
    loader = project.install(snapshot)
    (project.root / "lib" / "tl_in_lib.py").write_text("X = 2\n")
    loader.load("pipeline.py")
    assert sys.modules["tl_in_lib"].X == 1


def test_an_installed_package_goes_before_a_bare_folder(project: Project) -> None:
    write(project.root, {"pipeline.py": "import hypothesis\n", "hypothesis/data.txt": "", "hypothesis/notes.py": ""})
    sys.modules.pop("hypothesis", None)
    loader = project.install(project.take())
    loader.load("pipeline.py")
    assert "site-packages" in (sys.modules["hypothesis"].__file__ or "")


def test_tracebacks_and_getsource_show_the_snapshot(project: Project) -> None:
    write(project.root, {"pipeline.py": "def boom():\n    raise ValueError('old')  # this line\n"})
    loader = project.install(project.take())
    (project.root / "pipeline.py").write_text("\n\n\nprint('other')\n")
    module = loader.load("pipeline.py")
    assert inspect.getsource(module.boom) == "def boom():\n    raise ValueError('old')  # this line\n"
    with pytest.raises(ValueError, match="old") as caught:
        module.boom()
    text = "".join(traceback.format_exception(caught.value))
    assert "raise ValueError('old')  # this line" in text


def test_an_odd_name_can_be_loaded_and_its_values_pickled(project: Project) -> None:
    write(project.root, {"01-train.py": "class Model:\n    pass\n", "random.py": "def f(): return 4\n"})
    loader = project.install(project.take("01-train.py"))
    module = loader.load("01-train.py")
    assert isinstance(pickle.loads(pickle.dumps(module.Model())), module.Model)
    assert loader.load("random.py").f() == 4
    assert not hasattr(__import__("random"), "f")


def test_compiled_code_is_kept_by_content(project: Project, tmp_path: Path) -> None:
    write(project.root, {"pipeline.py": "def f(x): return x[1:2], 1.5, 'é'\n"})
    cache = tmp_path / "cache"
    snapshot = project.take()
    first = project.install(snapshot, cache).load("pipeline.py").f
    kept = {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    assert kept
    code = f"""
import sys, json, pathlib
from stageloom.tracking import loader, snapshot
root = pathlib.Path({str(project.root)!r})
import builtins
real = builtins.compile
def refuse(source, filename, *rest, **more):
    assert "pipeline.py" not in str(filename), "compiled again"
    return real(source, filename, *rest, **more)
builtins.compile = refuse
found = loader.install(snapshot.take(root, "pipeline.py"), None, pathlib.Path({str(cache)!r}))
print(found.load("pipeline.py").f("abc"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONPATH": source_folder()}
    )
    assert done.stdout.strip() == str(first("abc"))
    for path in kept:
        path.write_bytes(b"damaged" + path.read_bytes())
    again = subprocess.run(
        [sys.executable, "-c", code.replace("builtins.compile = refuse", "")],
        check=False,
        capture_output=True, text=True, env={"PYTHONPATH": source_folder()},
    )  # fmt: skip
    assert again.stdout == done.stdout, again.stderr


def source_folder() -> str:
    return str(Path(__file__).parents[2] / "src")


def test_a_syntax_error_is_told_as_such(project: Project) -> None:
    write(project.root, {"pipeline.py": "def f(:\n"})
    loader = project.install(project.take())
    with pytest.raises(SyntaxError):
        loader.load("pipeline.py")


def test_another_process_reads_a_snapshot(project: Project, tmp_path: Path) -> None:
    write(project.root, {"pipeline.py": "import tl_helper\nX = tl_helper.X\n", "tl_helper.py": "X = 'kept'\n"})
    snapshot = project.take()
    sources = tmp_path / "sources"
    for sha256 in snapshot.files.values():
        (sources / sha256[:2]).mkdir(parents=True, exist_ok=True)
        (sources / sha256[:2] / sha256).write_bytes(project.blobs.source(sha256))
    (tmp_path / "snapshot.json").write_text(json.dumps(snapshot.to_json()))
    (project.root / "tl_helper.py").unlink()
    code = f"""
import json, pathlib
from stageloom.tracking.blobs import FolderBlobs
from stageloom.tracking.loader import install
from stageloom.tracking.snapshot import Snapshot
base = pathlib.Path({str(tmp_path)!r})
snapshot = Snapshot.from_json(json.loads((base / "snapshot.json").read_text()), FolderBlobs(base / "sources"))
print(install(snapshot).load("pipeline.py").X)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONPATH": source_folder()}
    )
    assert done.stdout == "kept\n"
    one = sources / snapshot.files["pipeline.py"][:2] / snapshot.files["pipeline.py"]
    one.write_bytes(b"X = 'forged'\n")
    with pytest.raises(MissingBlobError, match="damaged"):
        FolderBlobs(sources).source(snapshot.files["pipeline.py"])


def test_a_module_of_the_same_name_that_was_imported_otherwise_is_not_taken_for_the_projects(project: Project) -> None:
    write(
        project.root,
        {"pipeline.py": "import tl_helper\nVALUE = tl_helper.f()\n", "tl_helper.py": "def f(): return 1\n"},
    )
    for name in ("pipeline", "tl_helper"):
        stranger = ModuleType(name)
        stranger.__file__ = f"/elsewhere/{name}.py"
        sys.modules[name] = stranger
    loader = project.install(project.take())
    assert loader.load("pipeline.py").VALUE == 1
