"""Writes what every peer runs: ``write.py <who> <shape> <n> <file>``, n tiny stages in a chain, or n beside each other.

Each stage adds one to the one before; in a fan all add their number to the first. A file that is run with a number
evaluates all of it that many times more, in the same process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

#: For each stage the one before it, None for the first.
Needs = Sequence[int | None]

_AGAIN = ["import sys", "for _ in range(1 + int(sys.argv[1]) if len(sys.argv) > 1 else 1):", "    once()"]


def stageloom(needs: Needs) -> list[str]:
    """Function stages; a parameter that names a stage is a dependency."""
    lines = ["from stageloom import stage", ""]
    for at, before in enumerate(needs):
        given, value = ("", "0") if before is None else (f"s{before}", f"s{before} + {at - before}")
        lines += ["", "@stage", f"def s{at}({given}):", f"    return {value}", ""]
    return lines


def joblib(needs: Needs) -> list[str]:
    """Cached functions, called in order."""
    return ["from joblib import Memory", "", "memory = Memory('cache', verbose=0)", "", *_called(needs, "memory.cache")]


def diskcache(needs: Needs) -> list[str]:
    """Memoized functions, called in order; their code isn't looked at."""
    lines = ["from diskcache import Cache", "", "cache = Cache('cache', eviction_policy='none')", ""]
    return [*lines, *_called(needs, "cache.memoize()")]


def _called(needs: Needs, decorator: str) -> list[str]:
    lines = []
    for at, before in enumerate(needs):
        lines += ["", f"@{decorator}", f"def s{at}(x):", f"    return x + {1 if before is None else at - before}", ""]
    lines += ["", "def once():", "    made = {None: -1}"]
    lines += [f"    made[{at}] = s{at}(made[{before}])" for at, before in enumerate(needs)]
    return [*lines, f"    assert made[{len(needs) - 1}] == {len(needs) - 1}", "", *_AGAIN]


def luigi(needs: Needs) -> list[str]:
    """Tasks with a file each, all of them asked for; their code isn't looked at."""
    return [
        "import luigi",
        "from pathlib import Path",
        "",
        f"NEEDS = {list(needs)!r}",
        "",
        "class Stage(luigi.Task):",
        "    at = luigi.IntParameter()",
        "    def requires(self):",
        "        return [] if NEEDS[self.at] is None else [Stage(NEEDS[self.at])]",
        "    def output(self):",
        "        return luigi.LocalTarget(f'cache/{self.at}')",
        "    def run(self):",
        "        before = NEEDS[self.at]",
        "        value = 0 if before is None else int(Path(f'cache/{before}').read_text()) + self.at - before",
        "        with self.output().open('w') as file:",
        "            file.write(str(value))",
        "",
        "def once():",
        "    tasks = [Stage(at) for at in range(len(NEEDS))]",
        "    assert luigi.build(tasks, local_scheduler=True, log_level='CRITICAL')",
        "",
        *_AGAIN,
    ]


def hamilton(needs: Needs) -> list[str]:
    """Functions whose parameters name others, with its cache; its recursion needs room."""
    lines = ["import logging, sys, threading", "from hamilton import driver", ""]
    for at, before in enumerate(needs):
        given, value = ("", "0") if before is None else (f"s{before}: int", f"s{before} + {at - before}")
        lines += ["", f"def s{at}({given}) -> int:", f"    return {value}", ""]
    wanted = [f"s{at}" for at in (range(len(needs)) if _is_fan(needs) else [len(needs) - 1])]
    return [
        *lines,
        "",
        "done = []",
        "",
        "def _once():",
        "    built = driver.Builder().with_modules(sys.modules['__main__']).with_cache(path='cache').build()",
        f"    assert built.execute({wanted!r})['{wanted[-1]}'] == {len(needs) - 1}",
        "",
        "def _all():",
        "    for _ in range(1 + int(sys.argv[1]) if len(sys.argv) > 1 else 1):",
        "        _once()",
        "    done.append(True)",
        "",
        "logging.getLogger('hamilton').setLevel('ERROR')",
        "sys.setrecursionlimit(1_000_000)",
        "threading.stack_size(512 << 20)",
        "thread = threading.Thread(target=_all)",
        "thread.start()",
        "thread.join()",
        "sys.exit(0 if done else 1)",
    ]


def ninja(needs: Needs) -> list[str]:
    """Rules that each start a shell: what a build tool needs to see that nothing is to do."""
    lines = [
        "rule first",
        "  command = echo 0 > $out",
        "rule add",
        "  command = read x < $in; echo $$((x + $by)) > $out",
    ]
    for at, before in enumerate(needs):
        if before is None:
            lines += [f"build cache/s{at}: first"]
        else:
            lines += [f"build cache/s{at}: add cache/s{before}", f"  by = {at - before}"]
    return lines


def pyplant(needs: Needs) -> list[str]:
    """Reactors; the recursion limit is raised, without which a chain of 1,000 ends in an error."""
    lines = ["import logging, sys", "from pyplant import *", "", "sys.setrecursionlimit(1_000_000)", ""]
    for at, before in enumerate(needs):
        lines += ["@ReactorFunc", f"def r{at}(pipe):"]
        if before is None:
            lines += [f"    pipe.send('s{at}', 0, Ingredient.Type.simple)", "    yield", ""]
        else:
            lines += [f"    x = yield pipe.receive('s{before}')"]
            lines += [f"    pipe.send('s{at}', x + {at - before}, Ingredient.Type.simple)", ""]
    wanted = range(len(needs)) if _is_fan(needs) else [len(needs) - 1]
    return [
        *lines,
        "logger = logging.getLogger('quiet')",
        "logger.addHandler(logging.NullHandler())",
        "logger.propagate = False",
        "",
        "def once():",
        "    with Plant('plant', logger=logger) as plant:",
        f"        plant.add_reactors({', '.join(f'r{at}' for at in range(len(needs)))})",
        *(f"        plant.run_reactor(r{at})" for at in wanted),
        f"        assert plant.fetch_ingredient('s{len(needs) - 1}') == {len(needs) - 1}",
        "",
        *_AGAIN,
    ]


def pylightnix(needs: Needs) -> list[str]:
    """Derivations that read the file of the one before."""
    text = f"""
from pylightnix import *
from pathlib import Path

NEEDS = {list(needs)!r}
S = mkSS('storage')
Path('storage').mkdir(exist_ok=True)
fsinit(S)

def make(i, before, r):
    def realize(b):
        x = -1 if before is None else int(Path(build_path(b, [before, 'x'])).read_text())
        (Path(build_outpath(b)) / 'x').write_text(str(x + (1 if before is None else i - NEEDS[i])))
    config = {{'name': f's{{i}}'}}
    if before is not None:
        config['before'] = before
    return mkdrv(mkconfig(config), match_only(), build_wrapper(realize), r)

def last(end, r):
    made = {{None: None}}
    for i in range(end + 1):
        if {not _is_fan(needs)} or i in (NEEDS[end], end):
            made[i] = make(i, made[NEEDS[i]], r)
    return made[end]

def once():
    for end in {list(range(len(needs))) if _is_fan(needs) else [len(needs) - 1]}:
        rref = realize1(instantiate(last, end, S=S))
        assert (Path(rref2path(rref, S)) / 'x').read_text() == str(end)
"""
    return [*text.split("\n"), *_AGAIN]


def _is_fan(needs: Needs) -> bool:
    return needs[-1] == 0 and len(needs) > 2


WRITERS: dict[str, Callable[[Needs], list[str]]] = {
    "stageloom": stageloom,
    "joblib": joblib,
    "diskcache": diskcache,
    "luigi": luigi,
    "hamilton": hamilton,
    "ninja": ninja,
    "pyplant": pyplant,
    "pylightnix": pylightnix,
}
SHAPES: dict[str, Callable[[int], int]] = {"chain": lambda at: at - 1, "fan": lambda _: 0}

if __name__ == "__main__":
    peer, shape, count, target = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    before = [None if at == 0 else SHAPES[shape](at) for at in range(count)]
    target.write_text("\n".join(WRITERS[peer](before)) + "\n", encoding="utf-8")
