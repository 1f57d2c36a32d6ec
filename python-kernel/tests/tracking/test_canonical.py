"""The canonical form: blind to what doesn't matter, and never equal for programs that behave differently."""
# ruff: noqa: E501  # one program a line reads better

from __future__ import annotations

import ast
import contextlib
import io
import re
import tokenize
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import stageloom
from stageloom.tracking.canonical import canonical

FILES = sorted(Path(stageloom.__file__).parent.rglob("*.py")) + sorted(Path(ast.__file__).parent.glob("*.py"))[:40]


def form(source: str) -> str:
    return canonical(ast.parse(source))


@pytest.mark.parametrize("path", FILES[::3], ids=lambda path: path.name)
def test_laying_out_anew_changes_nothing(path: Path) -> None:
    tree = ast.parse(path.read_bytes())
    assert canonical(tree) == canonical(ast.parse(ast.unparse(tree)))


@pytest.mark.parametrize("path", FILES[::9], ids=lambda path: path.name)
def test_comments_change_nothing(path: Path) -> None:
    text = path.read_text("utf-8")
    tokens = [
        (kind, "# other" if kind == tokenize.COMMENT else string)
        for kind, string, *_ in tokenize.generate_tokens(io.StringIO(text).readline)
    ]
    with contextlib.suppress(SyntaxError):  # untokenize can't lay out every f-string
        assert form(tokenize.untokenize(tokens)) == form(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f():\n  a = 1\n  return lambda: a", "def f():\n  b = 1\n  return lambda: b"),
        ("def f():\n  import numpy as np\n  return np.x", "def f():\n  import numpy as xp\n  return xp.x"),
        ("def f():\n  import numpy\n  return numpy.x", "def f():\n  import numpy as n\n  return n.x"),
        ("def f():\n  for a, (b, *c) in x: print(a, b, c)", "def f():\n  for u, (v, *w) in x: print(u, v, w)"),
        (
            "def f(x):\n  match x:\n    case [a, *b]: return a, b",
            "def f(x):\n  match x:\n    case [c, *d]: return c, d",
        ),
        ("def f():\n  return [(a, b) for a in x for b in a]", "def f():\n  return [(b, a) for b in x for a in b]"),
        ("def f():\n  if (n := g()): return n", "def f():\n  if (m := g()): return m"),
        ("def f():\n  x: int = 1\n  return x", "def f():\n  y = 1\n  return y"),
        (
            "def f():\n  def g():\n    a = 1\n    return a\n  b = g()\n  return b",
            "def f():\n  def g():\n    c = 1\n    return c\n  d = g()\n  return d",
        ),
    ],
)
def test_renamed_locals_are_equal(one: str, other: str) -> None:
    assert form(one) == form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f():\n  a = 1; b = 2\n  return a", "def f():\n  a = 1; b = 2\n  return b"),
        ("def f():\n  a = 1\n  def g(): return a\n  return g", "def f():\n  a = 1\n  def g(): return b\n  return g"),
        ("def f():\n  a = 1\n  def g():\n    a = 2\n  g()\n  return a", "def f():\n  a = 1\n  def g():\n    nonlocal a\n    a = 2\n  g()\n  return a"),
        ("def f():\n  a = 1\n  return a", "def f():\n  global a\n  a = 1\n  return a"),
        ("def f():\n  a = 1\n  return [a for a in x] + [a]", "def f():\n  a = 1\n  return [b for b in x] + [b]"),
        ("def f():\n  a = 1\n  class C:\n    a = 2\n    def m(self): return a", "def f():\n  b = 1\n  class C:\n    a = 2\n    def m(self): return a"),
        ("def f():\n  import a.b\n  return a", "def f():\n  import a.b as a\n  return a"),
        ("def f(a): return a", "def f(b): return b"),
        ("def f(*, a=1): return a", "def f(a=1): return a"),
        ("x = 1", "x = 1.0"), ("x = 1", "x = True"), ("x = 0.0", "x = -0.0"), ("x = 'a'", "x = b'a'"),
        ("f(a, *b)", "f(*a, b)"), ("f(a=1)", "f(b=1)"), ("f(**a)", "f(a)"), ("a.b = c", "a.c = b"),
        ("({1: 2}).x", "({2: 1}).x"), ("f({**a})", "f({a: a})"), ("x = [a, [b, c]]", "x = [[a, b], c]"), ("a - (b - c)", "(a - b) - c"),
        ("x[1:2]", "x[1:]"), ("x[1:]", "x[:1]"), ("x[::1]", "x[:1:]"), ("x = f'{a}b'", "x = f'{a}' + 'b'"),
        ("x = f'{a!r}'", "x = f'{a!s}'"), ("x = f'{a:b}'", "x = f'{a:{b}}'"), ("not a == b", "a != b"), ("a < b < c", "a < b and b < c"),
        ("class A:\n  x: int", "class A:\n  x: str"), ("class A:\n  x = 1", "class A:\n  x: int = 1"),
        ("import a, b", "import a\nimport b.c"), ("from . import a", "from .. import a"), ("from a import b", "import a.b as b"),
        ("try:\n  a\nexcept B:\n  c()", "try:\n  a\nexcept:\n  c()"), ("for a in b:\n  c()\nelse:\n  d()", "for a in b:\n  c()\n  d()"),
        ("x = y = 1", "y = x = 1"), ("def f():\n  yield 1", "def f():\n  return 1"),
        ("async def f():\n  [x async for x in y]", "async def f():\n  [x for x in y]"), ("x = 'a\\nb'", "x = 'a', 'b'"),
    ],
)  # fmt: skip
def test_different_programs_differ(one: str, other: str) -> None:
    assert form(one) != form(other)


def test_deep_nesting_is_no_crash() -> None:
    text = "x = " + " + ".join(["1"] * 5000)
    with contextlib.suppress(RecursionError):  # whoever asks counts the file whole
        form(text)


# --- against the interpreter: equal forms, equal behaviour ------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2) -> str:
    kinds = ["name", "name", "number"] + (["add", "list", "lambda", "call", "walrus"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    inner = expressions(depth - 1)
    if kind == "name":
        return draw(NAMES)
    if kind == "number":
        return str(draw(st.integers(1, 3)))
    if kind == "add":
        return f"({draw(inner)} + {draw(inner)})"
    if kind == "list":
        return f"sum([{draw(inner)} for {draw(NAMES)} in range({draw(inner)}) if {draw(inner)}])"
    if kind == "lambda":
        return f"(lambda {draw(NAMES)}: {draw(inner)})({draw(inner)})"
    if kind == "walrus":
        return f"({draw(NAMES)} := {draw(inner)})"
    return f"{draw(NAMES)}({draw(inner)})"


@st.composite
def bodies(draw: st.DrawFn, depth: int = 2) -> list[str]:
    lines: list[str] = []
    declared = draw(st.sampled_from(["", "", "", "global", "nonlocal"]))
    if declared:
        lines.append(f"{declared} {draw(NAMES)}")
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["assign", "assign", "for", "function", "class", "try"] if depth else ["assign"]))
        name = draw(NAMES)
        if kind == "assign":
            lines.append(f"{name} = {draw(expressions())}")
        elif kind == "for":
            lines += [f"for {name} in range(3):", f"    {draw(NAMES)} = {draw(expressions())}"]
        elif kind == "try":
            lines += [
                "try:",
                f"    {name} = 1 // 0",
                f"except Exception as {draw(NAMES)}:",
                f"    {name} = {draw(expressions())}",
            ]
        elif kind == "class":
            lines += [
                f"class {name}:",
                f"    {draw(NAMES)} = {draw(expressions())}",
                f"    def m(self): return {draw(expressions())}",
            ]
        else:
            lines += [f"def {name}({draw(NAMES)}=1):", *(f"    {line}" for line in draw(bodies(depth - 1)))]
    lines.append(f"return {draw(expressions())}")
    return lines


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a function and the same with some of its names replaced."""
    start = ["    b = 2", "    c = 3"][: draw(st.integers(0, 2))]
    lines = ["def f(a=1):", *start, *(f"    {line}" for line in draw(bodies()))]
    source = "\n".join(lines)
    old = draw(NAMES)
    new = draw(st.sampled_from([name for name in "abcd" if name != old]))
    places = [match.start() for match in re.finditer(rf"\b{old}\b", source)]
    assume(places)
    chosen = set(places) if draw(st.booleans()) else draw(st.sets(st.sampled_from(places), min_size=1))
    return source, "".join(new if at in chosen else letter for at, letter in enumerate(source))


def outcome(source: str) -> object:
    space: dict[str, object] = {"a": 10, "b": lambda x: x, "c": 30}
    try:
        exec(compile(source, "x", "exec"), space)
        value = space["f"]()  # type: ignore[operator]
    except SyntaxError:
        return None
    except RecursionError:
        return "recursion"
    except Exception as error:  # noqa: BLE001
        return type(error)
    shown = value if isinstance(value, (int, float)) else type(value)
    return shown, {name: one for name, one in space.items() if isinstance(one, int)}


@given(programs())
@settings(max_examples=400, deadline=None)
def test_equal_forms_behave_alike(pair: tuple[str, str]) -> None:
    one, other = pair
    first, second = outcome(one), outcome(other)
    if first is not None and second is not None and form(one) == form(other):
        assert first == second
