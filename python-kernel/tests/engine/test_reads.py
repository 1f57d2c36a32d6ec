"""What a stage reads without declaring it counts: as what it held when the stage ran."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stageloom.engine.run import Run
from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.library import LANGUAGES
from stageloom.library import _Quiet as Quiet
from stageloom.store.store import Store
from stageloom.worker.jobs import PROJECT

HEAD = "import glob, os, sqlite3, subprocess, sys\nfrom pathlib import Path\nfrom stageloom import File, stage\n"


class House:
    """A project with one pipeline, realized again and again by the same process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "data").mkdir()
        (root / "data" / "x.txt").write_text("one")

    def write(self, body: str, path: str = "p.py") -> None:
        (self.root / path).write_text(HEAD + body if path == "p.py" else body)

    def realize(self, stage: str = "s") -> tuple[str, tuple[str, ...]]:
        """Return the stage's state at the end of a run, and its warnings."""
        with Store.open(self.root / ".stageloom" / "store") as store:
            pipeline = Workspace(self.root, store, LANGUAGES, InlineExecutor()).read("p.py")
            result = Run(store, pipeline, [stage], InlineExecutor(), Quiet()).execute()
            entry = result.entries[stage]
            assert entry.failure is None, entry.failure
            return result.states[stage], tuple(entry.warnings)

    def why(self, stage: str = "s") -> list[str]:
        with Store.open(self.root / ".stageloom" / "store") as store:
            workspace = Workspace(self.root, store, LANGUAGES, InlineExecutor())
            plan = workspace.describe(workspace.read("p.py"))
            [found] = [one for one in plan.stages if one.name == stage]
            return [reason.summary for reason in found.reasons]

    def made(self, stage: str) -> str:
        """Return what the stage's newest realization holds, as it is stored."""
        with Store.open(self.root / ".stageloom" / "store") as store:
            return (store.tree(store.history(stage=stage)[0].tree) / "return" / "value.json").read_text().strip()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    PROJECT.forget()
    yield House(tmp_path)
    PROJECT.forget()


def test_a_file(house: House) -> None:
    house.write("@stage\ndef s(): return open('data/x.txt').read()\n")
    state, [warning] = house.realize()
    assert state == "done"
    assert warning.startswith("It read data/x.txt, which it does not declare")
    assert 'File("data/x.txt")' in warning
    assert house.realize() == ("kept", ())
    (house.root / "data/x.txt").write_text("two")
    assert house.why() == ["data/x.txt changed"]
    assert house.realize()[0] == "done"
    (house.root / "data/x.txt").write_text("one")
    assert house.realize()[0] == "kept"  # what was made from that is there still
    (house.root / "data/x.txt").unlink()
    assert house.why() == ["data/x.txt changed"]


READERS: dict[str, str] = {
    "pathlib": "Path('data/x.txt').read_text()",
    "os": "os.read(os.open('data/x.txt', os.O_RDONLY), 9)",
    "bytes": "open(b'data/x.txt').read()",
    "pandas": "__import__('pandas').read_csv('data/x.txt').shape",
    "numpy": "__import__('numpy').loadtxt('data/x.txt', dtype=str).item()",
    "thread": "__import__('multiprocessing.pool').pool.ThreadPool(1).apply(Path('data/x.txt').read_text)",
    "absolute": "Path(__file__).with_name('data').joinpath('x.txt').read_text()",
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_whoever_opens_it(reader: str, house: House) -> None:
    house.write(f"@stage\ndef s(): return {reader}\n")
    assert "data/x.txt" in house.realize()[1][0]
    assert house.realize()[0] == "kept"
    (house.root / "data/x.txt").write_text("two")
    assert house.realize()[0] == "done"


NOTHING: dict[str, str] = {
    "declared": "@stage\ndef s(f=File('data/x.txt')): return f.read_text()\n",
    "its own": "@stage\ndef s():\n    y = Path('data/y.txt')\n    y.write_text('1')\n    return y.read_text()\n",
    "a package's": "import matplotlib\n@stage\ndef s(): return len(open(matplotlib.__file__).read()) > 0\n",
    "hidden": "@stage\ndef s():\n    os.makedirs('.cache', exist_ok=True)\n    return os.listdir('.cache')\n",
    "outside": "@stage\ndef s(): return Path('/etc/hostname').exists() and open('/etc/hostname').read()\n",
    "sources": "import helper\n@stage\ndef s():\n    import other\n    return helper.x + other.x\n",
    "whole environment": "@stage\ndef s(): return len({**os.environ}) > 0 and len(os.environ.copy()) > 0\n",
    "a process": "@stage\ndef s(): return subprocess.run([sys.executable, '-c', ''], env={**os.environ}).args[1]\n",
    "a library's variables": "@stage\ndef s(): return __import__('tempfile').gettempdir() != ''\n",
}


@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING)
def test_what_does_not_count(body: str, house: House) -> None:
    house.write("x = 1\n", "helper.py")
    house.write("x = 2\n", "other.py")
    house.write(body)
    assert house.realize() == ("done", ())
    assert house.realize()[0] == "kept"


VARIABLES: dict[str, str] = {
    "get": "os.environ.get('STAGELOOM_TEST_MODE')",
    "getenv": "os.getenv('STAGELOOM_TEST_MODE', 'none')",
    "in": "'STAGELOOM_TEST_MODE' in os.environ",
    "item": "os.environ['STAGELOOM_TEST_MODE'] if 'STAGELOOM_TEST_MODE' in os.environ else ''",
    "bytes": "str(os.environb.get(b'STAGELOOM_TEST_MODE'))",
    "copied too": "(dict(os.environ), os.environ.get('STAGELOOM_TEST_MODE'))[1]",
    "each": "[os.environ[name] for name in os.environ if name == 'STAGELOOM_TEST_MODE']",
}


@pytest.mark.parametrize("reader", VARIABLES.values(), ids=VARIABLES)
def test_a_variable(reader: str, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "fast")
    house.write(f"@stage\ndef s(): return {reader}\n")
    _, [warning] = house.realize()
    assert 'Env("STAGELOOM_TEST_MODE")' in warning
    assert house.realize()[0] == "kept"
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "slow")
    assert house.why() == ["the environment variable STAGELOOM_TEST_MODE changed"]
    assert house.realize()[0] == "done"
    monkeypatch.setenv("STAGELOOM_TEST_MODE", "fast")
    assert house.realize()[0] == "kept"
    monkeypatch.delenv("STAGELOOM_TEST_MODE")
    assert house.realize()[0] == "done"


@pytest.mark.parametrize("sets", ["os.environ.setdefault('{}', '1')", "os.environ['{}'] = os.environ.get('{}', '1')"])
def test_a_variable_that_a_module_sets(sets: str, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process finds it as it was before: that counts, for each stage."""
    name = f"STAGELOOM_TEST_SET_{len(sets)}"
    monkeypatch.delenv(name, raising=False)
    house.write(sets.format(name, name) + "\n@stage\ndef s(): return 1\n@stage\ndef t(): return 2\n")
    assert (house.realize("s")[0], house.realize("t")[0]) == ("done", "done")
    assert (house.realize("s")[0], house.realize("t")[0]) == ("kept", "kept")
    monkeypatch.delenv(name)
    assert (house.why("s"), house.why("t")) == ([], [])
    monkeypatch.setenv(name, "2")
    assert (house.realize("s")[0], house.realize("t")[0]) == ("done", "done")


def test_a_variable_is_not_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGELOOM_TEST_SECRET", "hunter2 and more")
    house.write("@stage\ndef s(): return len(os.environ['STAGELOOM_TEST_SECRET'])\n")
    house.realize()
    for folder, _, names in os.walk(house.root):
        for name in names:
            assert b"hunter2" not in (Path(folder) / name).read_bytes(), name


@pytest.mark.parametrize("lister", ["glob.glob('data/*')", "os.listdir('data')", "list(Path('data').iterdir())"])
def test_a_folder(lister: str, house: House) -> None:
    house.write(f"@stage\ndef s(): return len({lister})\n")
    assert house.realize()[0] == "done"
    assert house.realize()[0] == "kept"
    (house.root / "data" / "y.txt").touch()
    assert house.why() == ["what is in the folder data changed"]
    assert house.realize()[0] == "done"


def test_the_projects_own_folder(house: House) -> None:
    house.write("@stage\ndef s(): return sorted(os.listdir())\n")
    house.realize()
    assert house.realize()[0] == "kept"
    (house.root / "new.txt").touch()
    assert house.why() == ["what is in the folder . changed"]


def test_what_a_module_reads_when_it_is_imported(house: House) -> None:
    """It is read once by a process, and counts for every stage that it runs."""
    house.write("TEXT = open('data/x.txt').read()\n@stage\ndef s(): return TEXT\n@stage\ndef t(): return TEXT + '!'\n")
    house.realize("s")
    house.realize("t")
    assert (house.realize("s")[0], house.realize("t")[0]) == ("kept", "kept")
    (house.root / "data/x.txt").write_text("two")
    assert house.why("t") == ["data/x.txt changed"]
    assert (house.realize("s")[0], house.realize("t")[0]) == ("done", "done")
    assert house.made("t") == '"two!"'


FIRST: dict[str, tuple[str, str]] = {
    "a stage that declares it": ("", "@stage\ndef s(f=File('data/x.txt')): return TEXT\n"),
    "a stage that fails": ("", "@stage\ndef s(): raise ValueError\n"),
    "the planner": ("K = len('ab')\n", "@stage\ndef s(k=K): return k\n"),
}


@pytest.mark.parametrize(("head", "first"), FIRST.values(), ids=FIRST)
def test_whoever_imports_the_module_first(head: str, first: str, house: House) -> None:
    house.write(f"{head}TEXT = open('data/x.txt').read()\n{first}@stage\ndef t(): return TEXT + '!'\n")
    with contextlib.suppress(AssertionError):
        house.realize("s")
    assert house.realize("t")[0] == "done"
    assert house.realize("t")[0] == "kept"
    (house.root / "data/x.txt").write_text("two")
    assert house.why("t") == ["data/x.txt changed"]
    assert house.realize("t")[0] == "done"
    assert house.made("t") == '"two!"'


KEPT: dict[str, str] = {
    "functools": "@functools.lru_cache\ndef text(): return open('data/x.txt').read()\n",
    "a class": "class C:\n    @staticmethod\n    @functools.cache\n"
    "    def text(): return open('data/x.txt').read()\n    @functools.cache\n"
    "    def more(): return C.text()\ntext = C.more\n",
}


@pytest.mark.parametrize("keeper", KEPT.values(), ids=KEPT)
def test_what_a_function_keeps_for_its_next_caller(keeper: str, house: House) -> None:
    house.write(f"import functools\n{keeper}@stage\ndef s(): return text()\n@stage\ndef t(): return text() + '!'\n")
    house.realize("s")
    house.realize("t")
    (house.root / "data/x.txt").write_text("two")
    assert (house.why("s"), house.why("t")) == (["data/x.txt changed"], ["data/x.txt changed"])
    assert (house.realize("s")[0], house.realize("t")[0]) == ("done", "done")
    assert (house.made("s"), house.made("t")) == ('"two"', '"two!"')


def test_what_a_module_keeps_is_read_anew_where_it_changed(house: House) -> None:
    house.write(
        "KEPT = []\ndef text():\n    if not KEPT: KEPT.append(open('data/x.txt').read())\n    return KEPT[0]\n"
        "@stage\ndef s(): return text()\n"
    )
    house.realize()
    (house.root / "data/x.txt").write_text("two")
    assert house.realize()[0] == "done"
    assert house.made("s") == '"two"'
    (house.root / "data/x.txt").write_text("three")
    assert house.why() == ["data/x.txt changed"]


def test_what_a_stage_itself_reads_costs_no_process(house: House) -> None:
    """Only what a function may have kept makes this process import the project anew."""
    house.write(
        "sys.times_imported = getattr(sys, 'times_imported', 0) + 1\n"
        "@stage\ndef s(f=File('data/x.txt')): return [f.read_text(), sys.times_imported]\n"
    )
    house.realize()
    before = house.made("s").replace("one", "two")
    (house.root / "data/x.txt").write_text("two")
    assert house.realize()[0] == "done"
    assert house.made("s") == before


def test_a_file_opened_to_be_changed_that_is_only_read(house: House) -> None:
    house.write("import numpy\n@stage\ndef s(): return int(numpy.memmap('data/x.txt', 'u1')[0])\n")
    assert "data/x.txt" in house.realize()[1][0]
    assert house.realize()[0] == "kept"
    (house.root / "data/x.txt").write_text("two")
    assert house.realize()[0] == "done"


def test_a_file_that_is_changed_is_the_stages_own(house: House) -> None:
    house.write("@stage\ndef s():\n    with open('data/x.txt', 'r+') as f: f.write('four')\n    return 1\n")
    assert house.realize() == ("done", ())
    assert house.realize()[0] == "kept"


def test_a_folder_that_another_changes_meanwhile(house: House) -> None:
    """What the stage saw is not what is there at its end, so what it made is never found again."""
    house.write(
        "@stage\ndef s():\n    names = os.listdir('data')\n"
        "    subprocess.run([sys.executable, '-c', \"open('data/y.txt', 'w')\"])\n    return names\n"
    )
    house.realize()
    assert house.why() == ["what is in the folder data changed"]
    assert house.realize()[0] == "done"
    assert house.realize()[0] == "kept"
    assert "y.txt" in house.made("s")


def test_a_folder_that_the_stage_itself_changes(house: House) -> None:
    house.write(
        "@stage\ndef s():\n    os.listdir('data')\n    os.mkdir('data/d')\n    Path('data/new').write_text('1')\n"
        "    Path('data/new').rename('data/y.txt')\n    Path('data/x.txt').unlink()\n    return 1\n"
    )
    assert house.realize()[0] == "done"
    assert house.realize()[0] == "kept"


def test_a_file_that_changes_while_it_is_read(house: House) -> None:
    """What came of it belongs to no content, so it is never found again."""
    house.write(
        "@stage\ndef s():\n    text = Path('data/x.txt').read_text()\n"
        "    subprocess.run([sys.executable, '-c', \"open('data/x.txt', 'a').write('!')\"])\n    return text\n"
    )
    house.realize()
    assert house.realize()[0] == "done"


def test_early_cutoff_looks_at_what_was_read(house: House) -> None:
    body = "@stage\ndef a(n: int = {n}): return n > 0\n@stage\ndef s(a): return open('data/x.txt').read()\n"
    house.write(body.format(n=1))
    house.realize()
    house.write(body.format(n=2))
    assert house.realize()[0] == "done" or house.realize()[0] == "kept"
    (house.root / "data/x.txt").write_text("two")
    house.write(body.format(n=3))
    assert house.realize()[0] == "done"


def test_a_record_without_reads_is_as_it_was() -> None:
    from stageloom.model.objects import Record
    from stageloom.model.references import DRef

    dref = DRef("0" * 32, "s")
    assert "reads" not in Record(dref, {}, "1" * 32).as_json()
    assert Record(dref, {}, "1" * 32).rref != Record(dref, {}, "1" * 32, {"x": "2"}).rref
