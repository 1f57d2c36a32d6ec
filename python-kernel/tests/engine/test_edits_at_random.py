"""What a process answers after edit upon edit is what one answers that has seen none of them."""

from __future__ import annotations

import ast
import contextlib
import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stageloom.engine.workspace import Workspace
from stageloom.executors.inline import InlineExecutor
from stageloom.functions import language, source
from stageloom.library import LANGUAGES
from stageloom.library import _Quiet as Quiet
from stageloom.store.store import Store
from stageloom.tracking import fingerprint, sources, summary
from stageloom.tracking.parsed import Parsed
from stageloom.worker.jobs import PROJECT

STEPS = int(os.environ.get("STAGELOOM_RANDOM_EDITS", "60"))

HEAD = [
    '"""A pipeline."""\n',
    "from stageloom import File, stage\n",
    "import helper\nfrom helper import twice\n",
    "N = 3\nM = N + 1; K = [1, 2]\n",
    "TABLE = {}\n",
]

BLOCKS = [
    "def plain{i}(x):\n    # a remark 1\n    return x + {i}\n",
    "def calls{i}(x):\n    return twice(x) * plain{j}(x)\n",
    "class Thing{i}:\n    size = {i}\n    def at(self, x=2):\n        return x * self.size\n",
    "@stage\ndef s{i}():\n    return {i}\n",
    '@stage\ndef s{i}(s{j}, a=N, b={i}):\n    """Adds 1."""\n    total = s{j} + a\n    return total + {i}\n',
    "@stage(pool='p{j}', retries=2)\ndef s{i}(\n    s{j},\n    a=K,\n):\n    return plain{j}(1) + {i}\n",
    "@stage\ndef s{i}(s{j}):\n    def inner{i}(y):\n        return helper.OFFSET + y\n    return inner{i}({i})\n",
    "@stage(each=[1, {i}])\ndef s{i}(n, s{j}=1):\n    return n + {i}\n",
    "t{i} = s{i}.bind(b={i})\nu{i} = s{j}.bind(a=s{i})\n",
    "def note{i}(f):\n    TABLE[f.__name__] = f\n    return f\n\n@note{i}\ndef noted{i}(x):\n    return x * {i}\n",
    "@stage\ndef s{i}(text=File('raw.txt')):\n    return Thing{j}().at({i})\n",
    "def sets{i}():\n    global N\n    N = {i}\n",
    "if N > {i}:\n    def plain{j}(x): return x - {i}\nelse:\n    W = {i}\n",
    "@stage\ndef s{i}(\u00e4=1, s{j}=2): return '\u00fc\u20ac', {i}, s{j}  # \u00f6 {i}\n",
    "TABLE['x{i}'] = plain{j}\n",
    "try:\n    import absent{i}\nexcept ImportError:\n    absent{i} = {i}\n",
    "for one in range({i}):\n    TABLE[one] = one\n",
    "VALUE{i} = twice({i}) \\\n    + 1\n",
    "from stageloom import auxiliary, stage as st{i}\n@st{i}\ndef s{i}(s{j}, a=auxiliary({i})): return s{j} * a\n",
]
#: What keeps an edit from being followed in part, or decides by what others do when they are imported.
MORE = [
    "def fill{i}(table, x={i}):\n    rows = table\n    rows[x] = {i}\n    return x\n\nOK{i} = fill{i}(TABLE)\n",
    "@stage\ndef s{i}(s{j}):\n    import inspect\n    return [inspect.getsource(plain{j}), {i}]\n",
    "def mark{i}(f):\n    _ = helper.other({i})\n    f.n = next(K)\n    return f\n\n@mark{i}\ndef marked{i}(x): pass\n",
    "import inspect\n\n@stage\ndef s{i}(s{j}):\n    return [str(inspect.signature(helper.twice)), {i}]\n",
]
HELPER = "OFFSET = 5\n\ndef twice(x):\n    return x * 2\n\ndef other(x):\n    return x\n"
TAME = ["plain1(3)", "helper.other", "N", "K", "s1", "TABLE", "helper", "1", "'x'"]
WORDS = ["plain1", "helper.other", "N", "K", "s1", "locals()", "(y := 1)", "TABLE", "helper", "eval('1')", "1", "'x'"]
LINES = [
    "# a comment",
    "",
    "X = 1",
    "x = (",
    "@stage",
    "else:",
    "    pass",
    '"""',
    "from helper import *",
    "del N",
    "\\",
]


class Author:
    """Edits a pipeline and its helper as people do, and worse."""

    def __init__(self, seed: int, blocks: int) -> None:
        self.random = random.Random(seed)
        self.words = WORDS if seed % 2 else TAME
        self.kinds = [*BLOCKS, *MORE * 3] if seed > 8 else BLOCKS
        self.numbers = max(3, blocks // 2)
        self.blocks = [*HEAD, *(self.block() for _ in range(blocks))]
        self.helper = HELPER
        self.sound = list(self.blocks)

    def chain(self) -> Author:
        """Begin with stages that all depend on each other, as a sound file has them."""
        plain = [f"def plain{at}(x):\n    return x + {at}\n" for at in range(3)]
        body = "    # a remark\n    total = plain{k}(s{j}) + a\n    return total + {i}\n"
        rest = "@stage\ndef s{i}(s{j}, a=N):\n" + body
        stages = [rest.format(i=at, j=at - 1, k=at % 3) for at in range(1, self.numbers)]
        self.blocks = [*HEAD, *plain, "@stage\ndef s0():\n    return helper.twice(1) + 1\n", *stages]
        return self

    def block(self) -> str:
        pick = self.random.randrange
        return self.random.choice(self.kinds).format(i=pick(self.numbers), j=pick(self.numbers))

    @property
    def text(self) -> str:
        return "\n".join(self.blocks)

    def edit(self) -> str:
        """Make one edit and return its kind."""
        kinds = [
            *[self.body] * 8, *[self.number] * 3, self.word, self.word, self.line, self.add, self.remove, self.move,
            self.rename, self.letter, self.letter, self.help, self.decorate, self.comment, self.nothing,
        ]  # fmt: skip
        if "* (" in self.helper and self.random.random() < 0.7:
            self.helper = HELPER
        if self._reads():
            self.sound = list(self.blocks)
        elif self.random.random() < 0.7:
            self.blocks = list(self.sound)
            return "mend"
        kind = self.random.choice(kinds)
        kind()
        return kind.__name__

    def _reads(self) -> bool:
        try:
            ast.parse(self.text)
        except (SyntaxError, ValueError):
            return False
        return True

    def _at(self) -> int:
        return self.random.randrange(len(self.blocks))

    def _sub(self, pattern: str, new: str) -> None:
        at = self._at()
        found = list(re.finditer(pattern, self.blocks[at]))
        if found:
            one = self.random.choice(found)
            self.blocks[at] = self.blocks[at][: one.start()] + new + self.blocks[at][one.end() :]

    def number(self) -> None:
        self._sub(r"\b\d+\b", str(self.random.randrange(200)))

    def body(self) -> None:
        """Change a number or a name in the body of a function, which is what people mostly do."""
        made = str(self.random.randrange(200)) if self.random.random() < 0.8 else self.random.choice(self.words)
        self._sub(r"\d+(?= *$)", made)

    def word(self) -> None:
        self._sub(r"\b(?:\d+|x|y|total)\b", self.random.choice(self.words))

    def line(self) -> None:
        at = self._at()
        lines = self.blocks[at].split("\n")
        place = self.random.randrange(len(lines))
        lines[place : place + self.random.randrange(2)] = [self.random.choice(LINES)]
        self.blocks[at] = "\n".join(lines)

    def add(self) -> None:
        self.blocks.insert(self._at() + 1, self.block())

    def remove(self) -> None:
        if len(self.blocks) > 8:
            del self.blocks[self._at()]

    def move(self) -> None:
        self.blocks.insert(self._at(), self.blocks.pop(self._at()))

    def rename(self) -> None:
        self._sub(r"(?:plain|s|calls|Thing)\d", f"s{self.random.randrange(self.numbers)}")

    def letter(self) -> None:
        at = self._at()
        place = self.random.randrange(len(self.blocks[at]) + 1)
        cut = place + self.random.randrange(2)
        new = self.random.choice(["", " ", "x", "1", "(", "'", "#", ":", "=", ";", "\u00e9"])
        self.blocks[at] = self.blocks[at][:place] + new + self.blocks[at][cut:]

    def help(self) -> None:
        old, new = self.random.choice(
            [("x * 2", "x * 3"), ("x * 3", "other(x)"), ("OFFSET = 5", "OFFSET = 6"), ("other(x)", "x * ("), ("(", "(")]
        )
        self.helper = self.helper.replace(old, new) if self.random.random() < 0.8 else HELPER

    def decorate(self) -> None:
        self._sub(r"(?m)^(?:@stage\n)?def ", self.random.choice(["@stage\ndef ", "def ", "@note1\ndef ", "async def "]))

    def comment(self) -> None:
        self._sub(r"(?m)$", f"  # remark {self.random.randrange(9)}")

    def nothing(self) -> None:
        """Save without a change."""


KEPT: list[dict[Any, Any]] = [
    sources._parsed, summary._functions, fingerprint._summaries, fingerprint._latest, source._latest, language._latest,
]  # fmt: skip


@contextlib.contextmanager
def forgotten() -> Iterator[None]:
    """Be a process that has seen nothing, for a while."""
    held = [dict(one) for one in KEPT]
    for one in KEPT:
        one.clear()
    source._file.cache_clear()
    try:
        yield
    finally:
        for one, before in zip(KEPT, held, strict=True):
            one.clear()
            one.update(before)
        source._file.cache_clear()


def answer(root: Path, store: Store) -> tuple[Any, ...]:
    """Return all that is said of the pipeline, by nothing that was kept on the disk."""
    shutil.rmtree(store.cache, ignore_errors=True)
    workspace = Workspace(root, store, LANGUAGES, InlineExecutor())
    pipeline = workspace.read("p.py", may_run=False)
    plan = workspace.describe(pipeline)
    declared = source.read(pipeline.snapshot, "p.py", pipeline.blobs)
    code = pipeline.code
    names = {target.function: None for target in pipeline.targets.values() if target.path == "p.py"}
    parts = {name: (code.fingerprint("p.py", name), code.parts("p.py", name)) for name in names if not broken(code)}
    stages = [
        (target.name, target.derivation, target.dref, target.span, target.parameters, target.doc, target.pool)
        for target in pipeline.targets.values()
    ]
    return plan, declared, parts, stages, code.problems()


def counting(ask: Callable[..., Any], name: str, counts: Counter[str]) -> Callable[..., Any]:
    """Return ``ask``, with what it knows counted."""

    def asked(*args: Any) -> Any:
        found = ask(*args)
        counts[name] += found is not None
        return found

    return asked


def broken(code: fingerprint.Code) -> bool:
    return bool(code.problems())


@pytest.mark.parametrize(
    ("seed", "blocks"), [(1, 8), (2, 8), (3, 20), (4, 20), (5, 60), (6, 60), (7, 61), (8, 100), (9, 60), (10, 60)]
)
def test_edits_in_one_process_are_as_in_new_ones(
    tmp_path: Path, seed: int, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, counts = Author(seed, blocks), Counter[str]()
    if 5 < seed < 9:
        author.chain()
    for place, name in (
        (summary, "_edited"),
        (source, "_edited"),
        (fingerprint.Code, "_follow"),
        (language._Reader, "_again"),
    ):
        monkeypatch.setattr(place, name, counting(getattr(place, name), f"{place.__name__}.{name}", counts))
    (tmp_path / "raw.txt").write_text("raw")
    pipeline, helper = tmp_path / "p.py", tmp_path / "helper.py"
    with Store.open(tmp_path / ".stageloom" / "store") as store:
        for step in range(STEPS):
            kind = author.edit() if step else "start"
            pipeline.write_text(author.text, encoding="utf-8")
            helper.write_text(author.helper)
            kept = answer(tmp_path, store)
            with forgotten():
                fresh = answer(tmp_path, store)
            for name, one, other in zip(("plan", "declared", "parts", "stages", "problems"), kept, fresh, strict=True):
                assert one == other, f"{name} differ after {kind}, step {step} of seed {seed}:\n{author.text}"
            counts[kind] += 1
            counts["stages"] += len(kept[3])
            found = sources._parsed.get(author.text.encode())
            counts["parsed in part"] += found is not None and found.before is not None
            if step in (0, 10, 30):
                realize(tmp_path, store)
    print(dict(counts))
    assert counts["stages"] > STEPS
    if seed > 8:
        return
    for what in ("parsed in part", "Code._follow", f"{summary.__name__}._edited", f"{source.__name__}._edited"):
        assert counts[what] > 1, what
    if seed > 5:
        assert counts["_Reader._again"] > STEPS


def realize(root: Path, store: Store) -> None:
    """Realize what can be, so that there is something to be stale."""
    PROJECT.forget()
    workspace = Workspace(root, store, LANGUAGES, InlineExecutor())
    found = workspace.read("p.py", may_run=False)
    for name, target in found.targets.items():
        if target.derivation is not None:
            with contextlib.suppress(Exception):  # what random edits made may well not run
                workspace.run(found, [name], Quiet()).execute()
    PROJECT.forget()


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_after_an_edit_is_that_of_the_whole_text(seed: int) -> None:
    author, counts = Author(seed, 12), Counter[str]()
    last = Parsed(author.text, ast.parse(author.text))
    for _ in range(STEPS * 8):
        author.edit()
        text = author.text
        made = last.edited(text)
        try:
            whole = ast.parse(text)
        except (SyntaxError, ValueError):
            assert made is None, text
            counts["wrong"] += 1
            continue
        if made is not None:
            assert ast.dump(made.tree, include_attributes=True) == ast.dump(whole, include_attributes=True), text
        counts["in part" if made is not None else "whole"] += 1
        last = made or Parsed(text, whole)
    print(dict(counts))
    assert counts["in part"] > STEPS
