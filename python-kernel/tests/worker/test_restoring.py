"""A stage finds the process as any other would: what one before it changed is undone, or the process is replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.executors.processes import ProcessExecutor
from stageloom.library import LANGUAGES
from stageloom.library import _Quiet as Quiet
from stageloom.store.store import Store
from stageloom.worker.jobs import PROJECT
from stageloom.worker.restoring import restored
from stageloom.worker.settings import KINDS

HEAD = "import gc, locale, logging, os, signal, sys, time, warnings\nfrom stageloom import stage\n"

#: What a stage does, and what the next one must not see of it.
CHANGES: dict[str, tuple[str, str]] = {
    "variable set": ("os.environ['STAGELOOM_T'] = '1'", "os.environ.get('STAGELOOM_T')"),
    "variable taken": ("os.environ.pop('HOME', None)", "'HOME' in os.environ"),
    "time zone": ("os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()", "time.tzname[0]"),
    "folder": ("os.chdir('/')", "os.getcwd()"),
    "path": ("sys.path.insert(0, '/nowhere')", "'/nowhere' in sys.path"),
    "umask": ("os.umask(0o077)", "oct(os.umask(0o022) or os.umask(0o022))"),
    "filters": ("warnings.simplefilter('error')", "str(warnings.filters[0])"),
    "signals": ("signal.signal(signal.SIGUSR1, lambda *_: None)", "str(signal.getsignal(signal.SIGUSR1))"),
    "blocked": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])",
        "len(signal.pthread_sigmask(signal.SIG_BLOCK, []))",
    ),
    "alarm": ("signal.setitimer(signal.ITIMER_REAL, 500)", "signal.getitimer(signal.ITIMER_REAL)[0] > 0"),
    "locale": ("locale.setlocale(locale.LC_NUMERIC, 'C.UTF-8')", "locale.setlocale(locale.LC_NUMERIC)"),
    "handlers": ("logging.basicConfig(level=10)", "[len(logging.root.handlers), logging.root.level]"),
    "a logger": ("logging.getLogger('stageloom_t').setLevel(10)", "logging.getLogger('stageloom_t').level"),
    "logging off": ("logging.disable(50)", "logging.root.manager.disable"),
    "recursion": ("sys.setrecursionlimit(9999)", "sys.getrecursionlimit()"),
    "collector": ("gc.disable()", "gc.isenabled()"),
    "hook": ("sys.excepthook = print", "sys.excepthook is sys.__excepthook__"),
    "decimals": ("import decimal; decimal.getcontext().prec = 3", "__import__('decimal').getcontext().prec"),
    "sockets": ("import socket; socket.setdefaulttimeout(3)", "__import__('socket').getdefaulttimeout()"),
    "random": ("import random; random.seed(1)", "__import__('random').random() < 2"),
    "numpy print": ("import numpy; numpy.set_printoptions(precision=1)", "str(__import__('numpy').array([0.123456]))"),
    "numpy errors": ("import numpy; numpy.seterr(all='raise')", "__import__('numpy').geterr()['over']"),
    "matplotlib": (
        "import matplotlib; matplotlib.rcParams['lines.linewidth'] = 9",
        "__import__('matplotlib').rcParams['lines.linewidth']",
    ),
    "figures": (
        "import matplotlib; matplotlib.use('agg'); from matplotlib import pyplot; pyplot.figure()",
        "len(__import__('matplotlib.pyplot').pyplot.get_fignums())",
    ),
    "pandas": (
        "import pandas; pandas.set_option('display.max_rows', 3)",
        "__import__('pandas').get_option('display.max_rows')",
    ),
    "soft limit": (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(7)[1]))",
        "__import__('resource').getrlimit(7)[0]",
    ),
}


def realize(folder: Path, text: str, stages: list[str], executor: object | None = None) -> list[str]:
    """Realize stages one after the other and return what each returned."""
    (folder / "p.py").write_text(HEAD + text, "utf-8")
    with Store.open(folder / "store") as store:
        workspace = Workspace(folder, store, LANGUAGES, executor or InlineExecutor())  # type: ignore[arg-type]
        result = workspace.run(workspace.read("p.py"), stages, Quiet()).execute()
        assert result.outcome == "done", {name: entry.failure for name, entry in result.entries.items()}
        found = [result.entries[one].found for one in stages]
        return [workspace.outputs(str(one.rref)).previews[0].preview.text for one in found if one is not None]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    PROJECT.forget()
    yield
    PROJECT.forget()


@pytest.mark.parametrize(("change", "seen"), CHANGES.values(), ids=CHANGES)
def test_what_a_stage_changes_is_undone(change: str, seen: str, tmp_path: Path) -> None:
    body = f"    {change}\n    return 1\n"
    ask = f"    return [{seen}, os.getpid()]\n"
    text = f"@stage\ndef before():\n{ask}@stage\ndef changes(before):\n{body}@stage\ndef after(changes):\n{ask}"
    with ProcessExecutor(1, tmp_path) as executor:
        before, after = realize(tmp_path, text, ["before", "after"], executor)
    assert before == after  # in the same process


def test_what_cannot_be_undone_costs_the_process(tmp_path: Path) -> None:
    change = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.setpriority(0, 0, 19)"
    ask = "    return [os.getpriority(0, 0), os.getpid()]\n"
    text = f"@stage\ndef before():\n{ask}@stage\ndef changes(before):\n    {change}\n    return 1\n"
    with ProcessExecutor(1, tmp_path) as executor:
        before, after = realize(tmp_path, text + f"@stage\ndef after(changes):\n{ask}", ["before", "after"], executor)
    assert eval(before)[0] == eval(after)[0]


def test_what_importing_changes_stays(tmp_path: Path) -> None:
    """A module is imported once in a process: each stage there has what that does."""
    (tmp_path / "sets.py").write_text("import os, sys\nos.environ['STAGELOOM_M'] = 'x'\nsys.path.append('/added')\n")
    text = (
        "import logging\nlogging.getLogger('stageloom_m').setLevel(15)\n"
        "@stage\ndef a():\n    import sets\n    os.environ['STAGELOOM_A'] = '1'\n    return 1\n@stage\ndef b(a):\n"
        "    return [os.environ.get('STAGELOOM_M'), '/added' in sys.path, os.environ.get('STAGELOOM_A'),"
        " logging.getLogger('stageloom_m').level]\n"
    )
    with ProcessExecutor(1, tmp_path) as executor:
        [told] = realize(tmp_path, text, ["b"], executor)
    assert eval(told.replace("null", "None").replace("true", "True")) == ["x", True, None, 15]


def test_a_failed_import_in_a_stage_reads_as_ever(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "p.py").write_text("from stageloom import stage\n@stage\ndef a():\n    import broken\n")
    with Store.open(tmp_path / "store") as store:
        workspace = Workspace(tmp_path, store, LANGUAGES, InlineExecutor())
        failure = workspace.run(workspace.read("p.py"), ["a"], Quiet()).execute().entries["a"].failure
    assert failure is not None
    assert failure.message == "ZeroDivisionError: division by zero"
    assert [frame.path.rpartition("/")[2] for frame in failure.frames] == ["p.py", "broken.py"]


def test_it_costs_little() -> None:
    best = 1.0
    for _ in range(50):
        begun = time.perf_counter()
        with restored(pytest.fail):
            pass
        best = min(best, time.perf_counter() - begun)
    print(f"restored: {best * 1e3:.2f} ms")
    assert best < 0.02


def test_each_kind_reads_in_a_thread_too() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(len(kind.read()) for kind in KINDS.values()))
    thread.start()
    thread.join(60)
    assert len(found) == len(KINDS)
