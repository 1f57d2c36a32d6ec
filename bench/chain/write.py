"""Writes the chain that every peer runs: n tiny stages, each adding one to the one before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def stageloom(n: int) -> str:
    """Function stages; a parameter that names a stage is a dependency."""
    lines = ["from stageloom import stage", "", "", "@stage", "def s0():", "    return 0"]
    for i in range(1, n):
        lines += ["", "", "@stage", f"def s{i}(s{i - 1}):", f"    return s{i - 1} + 1"]
    return "\n".join(lines) + "\n"


def joblib(n: int) -> str:
    """Cached functions, called in order."""
    lines = ["from joblib import Memory", "", "memory = Memory('cache', verbose=0)", ""]
    for i in range(n):
        lines += ["", "@memory.cache", f"def s{i}(x):", "    return x + 1", ""]
    lines += ["x = -1"] + [f"x = s{i}(x)" for i in range(n)] + [f"assert x == {n - 1}"]
    return "\n".join(lines) + "\n"


def pyplant(n: int) -> str:
    """Reactors; the recursion limit is raised, without which a chain of 1,000 ends in an error."""
    lines = ["import logging, sys", "from pyplant import *", "", "sys.setrecursionlimit(1_000_000)", ""]
    lines += ["@ReactorFunc", "def r0(pipe):", "    pipe.send('s0', 0, Ingredient.Type.simple)", "    yield", ""]
    for i in range(1, n):
        lines += [
            "@ReactorFunc",
            f"def r{i}(pipe):",
            f"    x = yield pipe.receive('s{i - 1}')",
            f"    pipe.send('s{i}', x + 1, Ingredient.Type.simple)",
            "",
        ]
    lines += [
        "logger = logging.getLogger('quiet')",
        "logger.addHandler(logging.NullHandler())",
        "logger.propagate = False",
        "with Plant('plant', logger=logger) as plant:",
        f"    plant.add_reactors({', '.join(f'r{i}' for i in range(n))})",
        f"    plant.run_reactor(r{n - 1})",
        f"    assert plant.fetch_ingredient('s{n - 1}') == {n - 1}",
    ]
    return "\n".join(lines) + "\n"


def pylightnix(n: int) -> str:
    """Derivations that read the file of the one before."""
    return f"""
from pylightnix import *
from pathlib import Path

S = mkSS('storage')
Path('storage').mkdir(exist_ok=True)
fsinit(S)

def make(i, before, r):
    def realize(b):
        x = -1 if before is None else int(Path(build_path(b, [before, 'x'])).read_text())
        (Path(build_outpath(b)) / 'x').write_text(str(x + 1))
    config = {{'name': f's{{i}}'}}
    if before is not None:
        config['before'] = before
    return mkdrv(mkconfig(config), match_only(), build_wrapper(realize), r)

def chain(r):
    before = None
    for i in range({n}):
        before = make(i, before, r)
    return before

rref = realize1(instantiate(chain, S=S))
assert (Path(rref2path(rref, S)) / 'x').read_text() == '{n - 1}'
"""


WRITERS: dict[str, Callable[[int], str]] = {
    "stageloom": stageloom,
    "joblib": joblib,
    "pyplant": pyplant,
    "pylightnix": pylightnix,
}

if __name__ == "__main__":
    peer, count, target = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    target.write_text(WRITERS[peer](count), encoding="utf-8")
