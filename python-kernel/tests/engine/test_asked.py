"""What a stage asks of files without opening them in Python counts too: if they are there, and what others read."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from test_reads import House, house

from stageloom.worker.listening import _watched

__all__ = ["house"]

THERE: dict[str, str] = {
    "exists": "os.path.exists('data/{}')",
    "isfile": "os.path.isfile('data/{}')",
    "is_file": "Path('data/{}').is_file()",
    "pathlib": "Path('data', '{}').exists()",
    "access": "os.access('data/{}', os.R_OK)",
    "stat": "bool([1 for _ in [0] if TRY('data/{}')])",
    "open": "READ('data/{}')",
}
HELP = """
def TRY(path):
    try:
        return os.stat(path).st_size >= 0
    except OSError:
        return False
def READ(path):
    try:
        return open(path).read() and True
    except OSError:
        return False
"""


@pytest.mark.parametrize("asks", THERE.values(), ids=THERE)
def test_whether_a_file_is_there(asks: str, house: House) -> None:
    house.write(f"{HELP}@stage\ndef s(): return {asks.format('new.txt')}\n")
    assert house.realize() == ("done", ()) or "READ" in asks
    assert house.realize()[0] == "kept"
    (house.root / "data/new.txt").write_text("here")
    assert len(house.why()) == 1
    assert house.realize()[0] == "done"
    assert house.made("s") == "true"
    assert house.realize()[0] == "kept"
    (house.root / "data/new.txt").unlink()
    assert house.realize()[0] == "kept"  # what was made without it is there still


def test_what_it_holds_is_of_no_matter_to_who_asks_whether_it_is_there(house: House) -> None:
    house.write("@stage\ndef s(): return Path('data/x.txt').exists()\n")
    house.realize()
    (house.root / "data/x.txt").write_text("something else")
    assert house.why() == []
    (house.root / "data/x.txt").unlink()
    assert house.why() == ["whether data/x.txt is there changed"]


def test_the_size_and_the_time_of_a_file(house: House) -> None:
    house.write(
        "@stage\ndef s(): return os.path.getsize('data/x.txt')\n"
        "@stage\ndef t(): return Path('data/x.txt').stat().st_mtime\n"
    )
    house.realize("s")
    house.realize("t")
    then = time.time() - 1000
    os.utime(house.root / "data/x.txt", (then, then))
    assert (house.why("s"), house.why("t")) == ([], ["the time of data/x.txt changed"])
    (house.root / "data/x.txt").write_text("longer")
    assert house.why("s") == ["the size of data/x.txt changed"]


@pytest.mark.parametrize(
    "body",
    [
        "os.makedirs('made/by', exist_ok=True); return os.path.isdir('made')",
        "p = Path('kept.txt')\n    if not p.exists(): p.write_text('1')\n    return p.read_text()",
        "if os.path.exists('z'): os.remove('z')\n    open('z', 'w').close()\n    return os.path.getsize('z')",
    ],
)
def test_what_a_stage_makes_itself_is_its_own(body: str, house: House) -> None:
    house.write(f"@stage\ndef s():\n    {body}\n")
    assert house.realize() == ("done", ())
    assert house.realize()[0] == "kept"


def test_whether_it_is_there_is_known_by_a_standing_answer(house: House) -> None:
    from stageloom.library import realize

    house.write("@stage\ndef s(): return os.path.exists('data/new.txt')\n")
    target, root = str(house.root / "p.py"), str(house.root)
    assert [realize(target, root=root), realize(target, root=root)] == [False, False]
    (house.root / "data/new.txt").touch()
    assert realize(target, root=root) is True


NATIVE: dict[str, tuple[str, str]] = {
    "memmap": ("numpy", "numpy.memmap('data/f', 'u1', 'r').sum().item()"),
    "mapped array": ("numpy", "numpy.load('data/f.npy', mmap_mode='r').sum().item()"),
    "h5py": ("h5py", "h5py.File('data/f.h5', 'r')['x'][()].sum().item()"),
    "h5py by Path": ("h5py", "h5py.File(Path('data/f.h5'), 'r')['x'][()].sum().item()"),
    "parquet": ("pyarrow.parquet", "pyarrow.parquet.read_table('data/f.parquet').column('x').to_pylist()"),
    "parquet file": ("pyarrow.parquet", "pyarrow.parquet.ParquetFile('data/f.parquet').read().num_rows"),
    "dataset": ("pyarrow.dataset", "pyarrow.dataset.dataset('data/f.parquet').to_table().num_rows"),
    "pandas": ("pandas", "pandas.read_parquet('data/f.parquet').shape[0]"),
    "polars": ("polars", "polars.read_parquet('data/f.parquet').height"),
    "polars, later": ("polars", "polars.scan_parquet(Path('data/f.parquet')).collect().height"),
    "sqlite": ("sqlite3", "sqlite3.connect('data/f.db').execute('select x from t').fetchall()"),
    "sqlite, by address": (
        "sqlite3",
        "sqlite3.connect('file:data/f.db?mode=ro', uri=True).execute('select x from t').fetchall()",
    ),
}


def fill(folder: Path, number: int) -> None:
    """Write files of every kind."""
    import sqlite3

    h5py, numpy = pytest.importorskip("h5py"), pytest.importorskip("numpy")
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (folder / "f").write_bytes(bytes([number]))
    numpy.save(folder / "f.npy", numpy.arange(number))
    with h5py.File(folder / "f.h5", "w") as file:
        file["x"] = [number]
    parquet.write_table(arrow.table({"x": [number] * number}), folder / "f.parquet")
    (folder / "f.db").unlink(missing_ok=True)
    with sqlite3.connect(folder / "f.db") as base:
        base.execute("create table t(x)")
        base.execute("insert into t values (?)", (number,))


@pytest.mark.parametrize(("module", "reads"), NATIVE.values(), ids=NATIVE)
def test_what_native_code_opens(module: str, reads: str, house: House) -> None:
    pytest.importorskip(module)
    fill(house.root / "data", 1)
    house.write(f"import {module}\n@stage\ndef s(): return {reads}\n")
    state, warnings = house.realize()
    assert (state, len(warnings)) == ("done", 1), warnings
    assert "It read data/f" in warnings[0]
    assert house.realize()[0] == "kept"
    fill(house.root / "data", 2)
    assert len(house.why()) == 1
    assert house.realize()[0] == "done"


def test_what_native_code_writes_is_the_stages_own(house: House) -> None:
    pytest.importorskip("h5py")
    house.write(
        "import h5py\n@stage\ndef s():\n    with h5py.File('o.h5', 'w') as f: f['x'] = [1]\n"
        "    return h5py.File('o.h5', 'r')['x'][()].sum().item()\n"
    )
    assert house.realize() == ("done", ())
    assert house.realize()[0] == "kept"


PROCESSES: dict[str, str] = {
    "argument": "subprocess.run(['cat', 'data/x.txt'], capture_output=True, text=True).stdout",
    "option": "subprocess.run(['grep', '-c', '--file=data/x.txt', '/dev/null'], capture_output=True, text=True).stdout",
    "elsewhere": "subprocess.run(['cat', 'x.txt'], cwd='data', capture_output=True, text=True).stdout",
    "shell": "subprocess.run('cat < data/x.txt', shell=True, capture_output=True, text=True).stdout",
    "popen": "os.popen('cat data/x.txt').read()",
    "system": "os.system('grep -q one data/x.txt')",
    "folder": "subprocess.run(['grep', '-r', 'o', 'data'], capture_output=True, text=True).stdout",
}


@pytest.mark.skipif(sys.platform == "win32", reason="these programs are not there")
@pytest.mark.parametrize("runs", PROCESSES.values(), ids=PROCESSES)
def test_what_the_arguments_of_a_process_name(runs: str, house: House) -> None:
    house.write(f"@stage\ndef s(): return {runs}\n")
    assert "It read data/x.txt" in house.realize()[1][0]
    assert house.realize()[0] == "kept"
    (house.root / "data/x.txt").write_text("two")
    assert house.why() == ["data/x.txt changed"]
    assert house.realize()[0] == "done"


@pytest.mark.skipif(sys.platform == "win32", reason="these programs are not there")
def test_the_program_that_is_run_counts_and_what_it_writes_does_not(house: House) -> None:
    (house.root / "tool.py").write_text("import sys; open(sys.argv[1], 'w').write('1')")
    house.write("@stage\ndef s():\n    subprocess.run([sys.executable, 'tool.py', 'data/out.txt'])\n    return 1\n")
    state, [warning] = house.realize()
    assert (state, "It read tool.py," in warning) == ("done", True)
    assert house.realize()[0] == "kept"
    (house.root / "tool.py").write_text("import sys; open(sys.argv[1], 'w').write('2')")
    assert house.why() == ["tool.py changed"]


def test_the_log_says_once_that_processes_are_not_seen(house: House) -> None:
    house.write("@stage\ndef s():\n    for _ in range(3): subprocess.run([sys.executable, '-c', ''])\n    return 1\n")
    house.realize()
    [log] = (house.root / ".stageloom" / "store" / "runs").rglob("log.txt")
    assert log.read_text().count("This stage starts other processes") == 1


def test_nobody_stands_in_for_anything_afterwards(house: House) -> None:
    before = (os.stat, os.lstat, os.access, os.fspath, os.path.expanduser)
    house.write("@stage\ndef s(): return os.path.exists('data')\n")
    house.realize()
    assert (os.stat, os.lstat, os.access, os.fspath, os.path.expanduser) == before
    assert _watched == []


CACHES: dict[str, str] = {
    "a variable": "_C = None\ndef text():\n    global _C\n"
    "    if _C is None: _C = open('data/x.txt').read()\n    return _C\n",
    "a dict": "_C = {}\ndef text():\n    if 'x' not in _C: _C['x'] = open('data/x.txt').read()\n    return _C['x']\n",
    "an object": "class Box:\n    held = None\nBOX = Box()\ndef text():\n"
    "    if BOX.held is None: BOX.held = open('data/x.txt').read()\n    return BOX.held\n",
    "a class": "class Box:\n    held = None\ndef text():\n"
    "    if Box.held is None: Box.held = open('data/x.txt').read()\n    return Box.held\n",
    "a default": "def text(held=[]):\n    if not held: held.append(open('data/x.txt').read())\n    return held[0]\n",
    "a function": "def text():\n    if not hasattr(text, 'held'): text.held = open('data/x.txt').read()\n"
    "    return text.held\n",
    "a closure": "def make():\n    held = []\n    def text():\n"
    "        if not held: held.append(open('data/x.txt').read())\n        return held[0]\n    return text\n"
    "text = make()\n",
    "a property": "import functools\nclass Box:\n    @functools.cached_property\n"
    "    def held(self): return open('data/x.txt').read()\nBOX = Box()\ndef text(): return BOX.held\n",
    "an array": "import numpy\nBUFFER = numpy.zeros(3, 'u1')\ndef text():\n"
    "    if not BUFFER.any(): BUFFER[:] = numpy.fromfile('data/x.txt', 'u1')[:3]\n"
    "    return BUFFER.tobytes().decode()\n",
    "whether it is there": "_C = {}\ndef text():\n"
    "    if 'x' not in _C: _C['x'] = str(os.path.exists('data/x.txt'))\n    return _C['x']\n",
}


@pytest.mark.parametrize("where", ["the pipeline", "a helper"])
@pytest.mark.parametrize("cache", CACHES.values(), ids=CACHES)
def test_what_a_module_keeps_counts_for_each_stage_that_works_with_it(cache: str, where: str, house: House) -> None:
    """The second stage of a process finds it there, and is not seen to read it."""
    if where == "a helper":
        house.write("import os\n" + cache, "helper.py")
        cache = "from helper import text\n"
    stages = "@stage\ndef s(): return text()\n@stage\ndef t(): return text() + '!'\n@stage\ndef u(): return 1\n"
    house.write(cache + stages)
    for one in "stu":
        assert house.realize(one)[0] == "done"
    for one in "stu":
        assert house.realize(one)[0] == "kept"
    (house.root / "data/x.txt").unlink()
    whys = [len(house.why(one)) for one in "stu"]
    assert whys == [1, 1, 0]
    if "exists" not in (house.root / ("helper.py" if where == "a helper" else "p.py")).read_text():
        (house.root / "data/x.txt").write_text("two")
    expected = "two" if (house.root / "data/x.txt").exists() else "False"
    assert house.realize("t")[0] == "done"
    assert house.made("t") == f'"{expected}!"'


def test_what_the_stage_itself_keeps_counts_too(house: House) -> None:
    house.write(
        "_C = None\n@stage\ndef s():\n    global _C\n    _C = _C or open('data/x.txt').read()\n    return _C\n"
        "@stage\ndef t():\n    global _C\n    _C = _C or open('data/x.txt').read()\n    return _C + '!'\n"
    )
    house.realize("s")
    house.realize("t")
    (house.root / "data/x.txt").write_text("two")
    assert (len(house.why("s")), len(house.why("t"))) == (1, 1)
    assert house.realize("t")[0] == "done"
    assert house.made("t") == '"two!"'
