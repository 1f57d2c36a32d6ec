"""Small projects, an edit to each, and whether the stage ``s`` of ``pipeline.py`` must then run again."""
# ruff: noqa: E501  # one program a line reads better

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Literal

HEAD = "from stageloom import stage\n"


@dataclass(frozen=True)
class Case:
    title: str
    expected: Literal["hit", "miss"]
    files: dict[str, str]
    edits: tuple[tuple[str, str, str], ...]

    @property
    def before(self) -> dict[str, str]:
        return {path: _text(path, text) for path, text in self.files.items()}

    @property
    def after(self) -> dict[str, str]:
        files = self.before
        for path, old, new in self.edits:
            if old == "":
                files[path] = _text(path, new)
                continue
            assert files[path].count(old) >= 1, (self.title, path, old)
            files[path] = files[path].replace(old, new)
        assert files != self.before, self.title
        return files


def _text(path: str, text: str) -> str:
    text = textwrap.dedent(text).lstrip("\n")
    return HEAD + text if path == "pipeline.py" and "stageloom" not in text else text


CASES: list[Case] = []


def case(title: str, expected: Literal["hit", "miss"], files: dict[str, str] | str, *edits: tuple[str, ...]) -> None:
    """Add a case. An edit is (path, old, new), or (old, new) in the pipeline; an empty ``old`` writes a whole file."""
    found = files if isinstance(files, dict) else {"pipeline.py": files}
    full = tuple(edit if len(edit) == 3 else ("pipeline.py", *edit) for edit in edits)
    CASES.append(Case(title, expected, found, full))  # type: ignore[arg-type]


PLAIN = """
    @stage
    def s(x: int = 1):
        '''Doc.'''
        total = x + 1  # count
        return total
    """

# --- what doesn't matter ---------------------------------------------------------------------------------------------
case("a comment", "hit", PLAIN, ("# count", "# something else"))
case("a comment taken away", "hit", PLAIN, ("  # count", ""))
case("a blank line", "hit", PLAIN, ("    return", "\n\n    return"))
case("a docstring", "hit", PLAIN, ("Doc.", "Other words."))
case("a docstring taken away", "hit", PLAIN, ("    '''Doc.'''\n", ""))
case("formatting", "hit", PLAIN, ("x + 1", "(x\n  +\n    1)"))
case("redundant parentheses", "hit", PLAIN, ("return total", "return (total)"))
case("quotes", "hit", "@stage\ndef s(): return 'a' 'b'\n", ("'a' 'b'", '"ab"'))
case("a number's spelling", "hit", "@stage\ndef s(): return 255\n", ("255", "0xFF"))
case("a renamed local", "hit", PLAIN, ("total", "amount"))
case(
    "a renamed loop variable",
    "hit",
    "@stage\ndef s():\n  for i in range(3): print(i)\n",
    ("print(i)", "print(j)"),
    ("for i", "for j"),
)
case(
    "a renamed comprehension variable", "hit", "@stage\ndef s(): return [a for a in range(3)]\n", ("a for a", "b for b")
)
case("renamed exception and with names", "hit", """
    @stage
    def s():
        try:
            with open('x') as file: return file.read()
        except OSError as error:
            return str(error)
    """, ("as file", "as f"), ("file.read", "f.read"), ("as error", "as e"), ("str(error)", "str(e)"))  # fmt: skip
case("a renamed local in a closure", "hit", """
    @stage
    def s():
        count = 0
        def add():
            nonlocal count
            count += 1
            return count
        return add()
    """, ("count", "n"))  # fmt: skip
case("an annotation", "hit", PLAIN, ("x: int", "x: float"))
case("a return annotation", "hit", PLAIN, ("1):", "1) -> int:"))
case("an annotation of a local", "hit", PLAIN, ("total = x", "total: int = x"))
case("pass beside a docstring", "hit", "@stage\ndef s():\n    'doc'\n", ("'doc'", "pass"))
case("the stage's default", "hit", PLAIN, ("x: int = 1", "x: int = 2"))
case("the decorator's arguments", "hit", "@stage\ndef s(): return 1\n", ("@stage", "@stage(pool='big', match=None)"))
case(
    "the decorator by another name",
    "hit",
    "@stage\ndef s(): return 1\n",
    ("@stage", "@st.stage"),
    ("from stageloom import stage", "import stageloom as st"),
)
case(
    "another stage's body",
    "hit",
    "@stage\ndef other(): return 1\n@stage\ndef s(other): return other\n",
    ("return 1", "return 2"),
)
case("another stage added", "hit", PLAIN, ("@stage\ndef s", "@stage\ndef t(): return 2\n\n@stage\ndef s"))
case(
    "a function that it doesn't call", "hit", "def f(): return 1\n@stage\ndef s(): return 2\n", ("return 1", "return 3")
)
case("a constant that it doesn't use", "hit", "A = 1\n@stage\ndef s(): return 2\n", ("A = 1", "A = 5"))
case("the order of functions", "hit", "def f(): return 1\ndef g(): return 2\n@stage\ndef s(): return f() + g()\n",
     ("def f(): return 1\ndef g(): return 2\n", "def g(): return 2\ndef f(): return 1\n"))  # fmt: skip
case("the order of imports", "hit", {"pipeline.py": "import a\nimport b\n@stage\ndef s(): return a.f() + b.f()\n", "a.py": "print(1)\ndef f(): return 1\n", "b.py": "print(2)\ndef f(): return 2\n"},
     ("import a\nimport b", "import b\nimport a"))  # fmt: skip
case("an import that nothing uses", "hit", "@stage\ndef s(): return 1\n", ("@stage", "import os\n@stage"))
case(
    "a docstring of a helper",
    "hit",
    "def f():\n    'one'\n    return 1\n@stage\ndef s(): return f()\n",
    ("'one'", "'two'"),
)
case(
    "a docstring of a class",
    "hit",
    "class A:\n    'one'\n    x = 1\n@stage\ndef s(): return A().x\n",
    ("'one'", "'two'"),
)
case(
    "a docstring of a module",
    "hit",
    {"pipeline.py": "import a\n@stage\ndef s(): return a.f()\n", "a.py": "'one'\ndef f(): return 1\n"},
    ("a.py", "'one'", "'two'"),
)
case(
    "what only runs as a script",
    "hit",
    "@stage\ndef s(): return 1\nif __name__ == '__main__':\n    print(s())\n",
    ("print(s())", "print(1)"),
)
case("what only type checkers read", "hit", """
    from typing import TYPE_CHECKING
    if TYPE_CHECKING:
        from a import T
    @stage
    def s(x: 'T' = 1): return x
    """, ("import T", "import U"))  # fmt: skip
case("a helper moved to another file", "hit", {"pipeline.py": "from a import f\n@stage\ndef s(): return f()\n", "a.py": "def f(): return 1\n"},
     ("from a", "from b"), ("b.py", "", "def f(): return 1\n"))  # fmt: skip
case("a re-export put in between", "hit", {"pipeline.py": "from a import f\n@stage\ndef s(): return f()\n", "a.py": "def f(): return 1\n"},
     ("a.py", "", "from inner import f\n"), ("inner.py", "", "def f(): return 1\n"))  # fmt: skip
case(
    "another function of a helper's file",
    "hit",
    {"pipeline.py": "from a import f\n@stage\ndef s(): return f()\n", "a.py": "def f(): return 1\ndef g(): return 2\n"},
    ("a.py", "return 2", "return 3"),
)
case(
    "a sibling under the same package",
    "hit",
    {
        "pipeline.py": "from p.a import f\n@stage\ndef s(): return f()\n",
        "p/__init__.py": "",
        "p/a.py": "def f(): return 1\n",
        "p/b.py": "X = 1\n",
    },
    ("p/b.py", "X = 1", "X = 2"),
)
case(
    "another entry of a table, untouched constant",
    "hit",
    "T = {'a': 1}\nU = {'b': 1}\n@stage\ndef s(): return T\n",
    ("'b': 1", "'b': 2"),
)
case(
    "an f-string's quotes",
    "hit",
    "@stage\ndef s(x=1): return f'{x!r:>10} a'\n",
    ("f'{x!r:>10} a'", 'f"{x!r:>10}" " a"'),
)
case(
    "a global statement's order",
    "hit",
    "a = b = 0\n@stage\ndef s():\n    global a, b\n    a = b = 1\n",
    ("global a, b", "global b, a"),
)
case(
    "mutating an unrelated table",
    "hit",
    "T = {}\nU = {}\nU['x'] = 1\n@stage\ndef s(): return T\n",
    ("U['x'] = 1", "U['x'] = 2"),
)
case(
    "an effect below the main guard's else stays",
    "hit",
    "@stage\ndef s(): return 1\nif '__main__' == __name__:\n    x = 1\n",
    ("x = 1", "x = 2"),
)

# --- the function itself ---------------------------------------------------------------------------------------------
case("its body", "miss", PLAIN, ("x + 1", "x + 2"))
case("a renamed parameter", "miss", PLAIN, ("(x: int", "(y: int"), ("x + 1", "y + 1"))
case(
    "a local renamed to another's name",
    "miss",
    "@stage\ndef s():\n    a = 1; b = 2\n    return a\n",
    ("return a", "return b"),
)
case(
    "a renamed local that a string of code names",
    "miss",
    "@stage\ndef s():\n    low = 1\n    return eval('low')\n",
    ("low = 1", "top = 1"),
)
case(
    "a renamed local where locals() is read",
    "miss",
    "@stage\ndef s():\n    a = 1\n    return locals()\n",
    ("a = 1", "b = 1"),
)
case(
    "a renamed local that a query reads",
    "miss",
    "@stage\ndef s(t=0):\n    low = 1\n    return t.query('x > @low')\n",
    ("low = 1", "top = 1"),
)
case("a constant's type", "miss", "@stage\ndef s(): return 1\n", ("return 1", "return 1.0"))
case("a truth instead of a number", "miss", "@stage\ndef s(): return 1\n", ("return 1", "return True"))
case("text instead of bytes", "miss", "@stage\ndef s(): return 'a'\n", ("'a'", "b'a'"))
case("an f-string's text", "miss", "@stage\ndef s(x=1): return f'{x} a'\n", ("} a", "} b"))
case("an f-string's format", "miss", "@stage\ndef s(x=1): return f'{x:.2f}'\n", (".2f", ".3f"))
case(
    "a local turned global",
    "miss",
    "n = 0\n@stage\ndef s():\n    n = 1\n    return n\n",
    ("    n = 1", "    global n\n    n = 1"),
)
case("async", "miss", "@stage\ndef s(): return 1\n", ("def s", "async def s"))
case("a keyword's name", "miss", "@stage\ndef s(): return dict(a=1)\n", ("a=1", "b=1"))
case("another operator", "miss", PLAIN, ("x + 1", "x - 1"))
case(
    "the order of statements",
    "miss",
    "@stage\ndef s():\n    print(1)\n    print(2)\n",
    ("print(1)\n    print(2)", "print(2)\n    print(1)"),
)
case(
    "a decorator beside stage",
    "miss",
    "import functools\n@stage\n@functools.lru_cache\ndef s(): return 1\n",
    ("functools.lru_cache", "functools.cache"),
)
case(
    "annotations where a decorator reads them",
    "miss",
    "import validator\n@stage\n@validator.check\ndef s(x: int = 1): return x\n",
    ("x: int", "x: str"),
)

# --- what it reaches -------------------------------------------------------------------------------------------------
CALLS = "def f(): return 1\n@stage\ndef s(): return f()\n"
case("a function it calls", "miss", CALLS, ("return 1", "return 2"))
case(
    "a function that calls itself",
    "miss",
    "def f(n): return f(n - 1) if n else 0\n@stage\ndef s(): return f(3)\n",
    ("else 0", "else 1"),
)
case(
    "functions that call each other",
    "miss",
    "def f(n): return g(n)\ndef g(n): return f(n - 1) if n else 0\n@stage\ndef s(): return f(3)\n",
    ("else 0", "else 1"),
)
case("a helper's default", "miss", "def f(k=1): return k\n@stage\ndef s(): return f()\n", ("k=1", "k=2"))
case("a helper's keyword default", "miss", "def f(*, k=1): return k\n@stage\ndef s(): return f()\n", ("k=1", "k=2"))
case(
    "what a default refers to", "miss", "K = 1\ndef f(k=K): return k\n@stage\ndef s(): return f()\n", ("K = 1", "K = 2")
)
case(
    "a helper's parameter",
    "miss",
    "def f(k): return k\n@stage\ndef s(): return f(k=1)\n",
    ("def f(k): return k", "def f(j): return j"),
)
case(
    "a helper's decorator",
    "miss",
    "def d(f): return f\ndef e(f): return f\n@d\ndef f(): return 1\n@stage\ndef s(): return f()\n",
    ("@d", "@e"),
)
case(
    "what a decorator does",
    "miss",
    "def d(f): return lambda: f() + 1\n@d\ndef f(): return 1\n@stage\ndef s(): return f()\n",
    ("+ 1", "+ 2"),
)
case(
    "a decorator's argument",
    "miss",
    "def d(n): return lambda f: f\n@d(1)\ndef f(): return 1\n@stage\ndef s(): return f()\n",
    ("@d(1)", "@d(2)"),
)
case(
    "a closure",
    "miss",
    "def make(n):\n    def inner(): return n + 1\n    return inner\nf = make(1)\n@stage\ndef s(): return f()\n",
    ("n + 1", "n + 2"),
)
case(
    "what a closure is made with",
    "miss",
    "def make(n):\n    def inner(): return n\n    return inner\nf = make(1)\n@stage\ndef s(): return f()\n",
    ("make(1)", "make(2)"),
)
case(
    "a method",
    "miss",
    "class A:\n    def m(self): return 1\n@stage\ndef s(): return A().m()\n",
    ("return 1", "return 2"),
)
case("a class attribute", "miss", "class A:\n    x = 1\n@stage\ndef s(): return A.x\n", ("x = 1", "x = 2"))
case(
    "a class method",
    "miss",
    "class A:\n    @classmethod\n    def make(cls): return 1\n@stage\ndef s(): return A.make()\n",
    ("return 1", "return 2"),
)
case(
    "a property",
    "miss",
    "class A:\n    @property\n    def p(self): return 1\n@stage\ndef s(): return A().p\n",
    ("return 1", "return 2"),
)
case(
    "a base class",
    "miss",
    "class B:\n    def m(self): return 1\nclass A(B): pass\n@stage\ndef s(): return A().m()\n",
    ("return 1", "return 2"),
)
case(
    "a base class two files away",
    "miss",
    {
        "pipeline.py": "from a import A\n@stage\ndef s(): return A().m()\n",
        "a.py": "import b\nclass A(b.B): pass\n",
        "b.py": "class B:\n    def m(self): return 1\n",
    },
    ("b.py", "return 1", "return 2"),
)
case(
    "which base class",
    "miss",
    "class B: x = 1\nclass C: x = 2\nclass A(B): pass\n@stage\ndef s(): return A().x\n",
    ("class A(B)", "class A(C)"),
)
case(
    "a dataclass's default",
    "miss",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n@stage\ndef s(): return A()\n",
    ("= 1", "= 2"),
)
case(
    "a dataclass's annotation",
    "miss",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n@stage\ndef s(): return A(1)\n",
    ("x: int", "x: 'ClassVar'"),
)
case(
    "a dataclass's field order",
    "miss",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n    y: int\n@stage\ndef s(): return A(1, 2)\n",
    ("    x: int\n    y: int", "    y: int\n    x: int"),
)
case(
    "a metaclass",
    "miss",
    "class M(type):\n    def __call__(cls): return 1\nclass A(metaclass=M): pass\n@stage\ndef s(): return A()\n",
    ("return 1", "return 2"),
)
case(
    "an enumeration",
    "miss",
    "import enum\nclass E(enum.Enum):\n    A = 1\n@stage\ndef s(): return E.A\n",
    ("A = 1", "A = 2"),
)
case(
    "a module's instance",
    "miss",
    "class A:\n    def m(self): return 1\nTHE = A()\n@stage\ndef s(): return THE.m()\n",
    ("return 1", "return 2"),
)
case("a constant", "miss", "K = 1\n@stage\ndef s(): return K\n", ("K = 1", "K = 2"))
case("a constant made from another", "miss", "A = 1\nB = A + 1\n@stage\ndef s(): return B\n", ("A = 1", "A = 2"))
case("a constant bound with others", "miss", "A, B = 1, 2\n@stage\ndef s(): return B\n", ("1, 2", "1, 3"))
case("a constant added to", "miss", "A = 1\nA += 1\n@stage\ndef s(): return A\n", ("+= 1", "+= 2"))
case(
    "a table of functions",
    "miss",
    "def f(): return 1\nT = {'f': f}\n@stage\ndef s(): return T['f']()\n",
    ("return 1", "return 2"),
)
case(
    "a table written to",
    "miss",
    "def f(): return 1\ndef g(): return 2\nT = {}\nT['x'] = f\n@stage\ndef s(): return T['x']()\n",
    ("= f", "= g"),
)
case("a table updated", "miss", "T = {}\nT.update(a=1)\n@stage\ndef s(): return T\n", ("a=1", "a=2"))
case(
    "a list appended to",
    "miss",
    "def f(): return 1\nT = []\nT.append(f)\n@stage\ndef s(): return T[0]()\n",
    ("return 1", "return 2"),
)
case(
    "a table filled in a loop",
    "miss",
    "T = {}\nfor i in range(3):\n    T[i] = i\n@stage\ndef s(): return T\n",
    ("range(3)", "range(4)"),
)
case(
    "an attribute set on a function",
    "miss",
    "def f(): return f.k\nf.k = 1\n@stage\ndef s(): return f()\n",
    ("f.k = 1", "f.k = 2"),
)
case("an alias", "miss", "def f(): return 1\ng = f\n@stage\ndef s(): return g()\n", ("return 1", "return 2"))
case(
    "a partial",
    "miss",
    "from functools import partial\ndef f(x): return x\ng = partial(f, 1)\n@stage\ndef s(): return g()\n",
    ("return x", "return -x"),
)
case(
    "a partial's argument",
    "miss",
    "from functools import partial\ndef f(x): return x\ng = partial(f, 1)\n@stage\ndef s(): return g()\n",
    ("f, 1", "f, 2"),
)
case("a lambda", "miss", "g = lambda x: x + 1\n@stage\ndef s(): return g(1)\n", ("x + 1", "x + 2"))
case(
    "what a lambda calls",
    "miss",
    "def f(x): return x\ng = lambda x: f(x)\n@stage\ndef s(): return g(1)\n",
    ("return x", "return -x"),
)
case(
    "a function given as an argument",
    "miss",
    "def f(x): return x\n@stage\ndef s(): return list(map(f, [1]))\n",
    ("return x", "return -x"),
)
case(
    "what a comprehension calls",
    "miss",
    "def f(x): return x\n@stage\ndef s(): return [f(i) for i in [1]]\n",
    ("return x", "return -x"),
)
case(
    "an enclosed function's call",
    "miss",
    "def f(): return 1\n@stage\ndef s():\n    def inner(): return f()\n    return inner()\n",
    ("return 1", "return 2"),
)
case(
    "a global rebound by a function",
    "miss",
    "MODE = 1\ndef configure():\n    global MODE\n    MODE = 2\nconfigure()\n@stage\ndef s(): return MODE\n",
    ("MODE = 2", "MODE = 3"),
)
case(
    "a dispatched function",
    "miss",
    "import functools\n@functools.singledispatch\ndef f(x): return 0\n@f.register\ndef _(x: int): return 1\n@stage\ndef s(): return f(1)\n",
    ("return 1", "return 2"),
)
case(
    "another stage called as a function",
    "miss",
    "@stage\ndef t(): return 1\n@stage\ndef s(): return t()\n",
    ("return 1", "return 2"),
)
case(
    "a name bound twice",
    "miss",
    "def f(): return 1\ndef f(): return 2\n@stage\ndef s(): return f()\n",
    ("return 2", "return 3"),
)
case(
    "a builtin hidden by the file",
    "miss",
    "@stage\ndef s(): return len('abc')\n",
    ("@stage", "def len(x): return 0\n@stage"),
)
case(
    "with at the top",
    "miss",
    "with open('x') as f:\n    DATA = f.read()\n@stage\ndef s(): return DATA\n",
    ("'x'", "'y'"),
)
case("a walrus at the top", "miss", "print(n := 10)\n@stage\ndef s(): return n\n", ("10", "11"))


case(
    "a class that a parameter's value is of",
    "miss",
    "class T:\n    def m(self): return 1\n@stage\ndef t(): return T()\n@stage\ndef s(t: T): return t.m()\n",
    ("return 1", "return 2"),
)
case(
    "a class that a helper's parameter is of",
    "miss",
    "class T:\n    def m(self): return 1\ndef f(t: 'list[T]'): return t[0].m()\n@stage\ndef s(t=0): return f(t)\n",
    ("return 1", "return 2"),
)
case(
    "a function in an annotation",
    "hit",
    "def positive(x): return x > 0\n@stage\ndef s(t: positive = 0): return t\n",
    ("x > 0", "x >= 0"),
)
case(
    "an annotation under a decorator that doesn't read it",
    "hit",
    "import functools\n@functools.lru_cache\ndef f(x: int): return x\n@stage\ndef s(): return f(1)\n",
    ("x: int", "x: float"),
)


# --- other files -----------------------------------------------------------------------------------------------------
def helper(imports: str, call: str) -> dict[str, str]:
    return {"pipeline.py": f"{imports}\n@stage\ndef s(): return {call}\n", "a.py": "def f(): return 1\n"}


CHANGED = ("a.py", "return 1", "return 2")
case("import a", "miss", helper("import a", "a.f()"), CHANGED)
case("import a as b", "miss", helper("import a as b", "b.f()"), CHANGED)
case("from a import f", "miss", helper("from a import f", "f()"), CHANGED)
case("from a import f as g", "miss", helper("from a import f as g", "g()"), CHANGED)
case("from a import *", "miss", helper("from a import *", "f()"), CHANGED)
case(
    "a star with __all__",
    "miss",
    {
        "pipeline.py": "from a import *\n@stage\ndef s(): return _f()\n",
        "a.py": "__all__ = ['_f']\ndef _f(): return 1\n",
    },
    CHANGED,
)
case(
    "an import inside the function",
    "miss",
    {"pipeline.py": "@stage\ndef s():\n    import a\n    return a.f()\n", "a.py": "def f(): return 1\n"},
    CHANGED,
)
case(
    "a from import inside the function",
    "miss",
    {"pipeline.py": "@stage\ndef s():\n    from a import f as g\n    return g()\n", "a.py": "def f(): return 1\n"},
    CHANGED,
)
case(
    "another function of a file imported inside",
    "hit",
    {
        "pipeline.py": "@stage\ndef s():\n    import a\n    return a.f()\n",
        "a.py": "def f(): return 1\ndef g(): return 1\n",
    },
    ("a.py", "def g(): return 1", "def g(): return 2"),
)
case(
    "a conditional import",
    "miss",
    helper("import sys\nif sys.platform == 'linux':\n    from a import f\nelse:\n    f = None", "f()"),
    CHANGED,
)
case(
    "the condition of an import",
    "miss",
    helper("import sys\nif sys.platform == 'linux':\n    from a import f\nelse:\n    f = None", "f()"),
    ("'linux'", "'win32'"),
)
case(
    "a tried import",
    "miss",
    helper("try:\n    from nothing import f\nexcept ImportError:\n    from a import f", "f()"),
    CHANGED,
)
case(
    "two modules away",
    "miss",
    {
        "pipeline.py": "import b\n@stage\ndef s(): return b.g()\n",
        "b.py": "from a import f\ndef g(): return f()\n",
        "a.py": "def f(): return 1\n",
    },
    CHANGED,
)
case(
    "three modules away",
    "miss",
    {
        "pipeline.py": "import c\n@stage\ndef s(): return c.h()\n",
        "c.py": "import b\ndef h(): return b.g()\n",
        "b.py": "from a import f\ndef g(): return f()\n",
        "a.py": "def f(): return 1\n",
    },
    CHANGED,
)
case(
    "a re-export",
    "miss",
    {
        "pipeline.py": "from p import f\n@stage\ndef s(): return f()\n",
        "p/__init__.py": "from .inner import f\n",
        "p/inner.py": "def f(): return 1\n",
    },
    ("p/inner.py", "return 1", "return 2"),
)
case(
    "a re-export of a star",
    "miss",
    {
        "pipeline.py": "from p import f\n@stage\ndef s(): return f()\n",
        "p/__init__.py": "from .inner import *\n",
        "p/inner.py": "def f(): return 1\n",
    },
    ("p/inner.py", "return 1", "return 2"),
)
case(
    "a submodule by its full name",
    "miss",
    {
        "pipeline.py": "import p.q.r\n@stage\ndef s(): return p.q.r.f()\n",
        "p/__init__.py": "",
        "p/q/__init__.py": "",
        "p/q/r.py": "def f(): return 1\n",
    },
    ("p/q/r.py", "return 1", "return 2"),
)
case(
    "a submodule of a bare folder",
    "miss",
    {"pipeline.py": "from p.q import r\n@stage\ndef s(): return r.f()\n", "p/q/r.py": "def f(): return 1\n"},
    ("p/q/r.py", "return 1", "return 2"),
)
case(
    "a relative import two levels up",
    "miss",
    {
        "pipeline.py": "from p.q.r import g\n@stage\ndef s(): return g()\n",
        "p/__init__.py": "",
        "p/q/__init__.py": "",
        "p/q/r.py": "from ..a import f\ndef g(): return f()\n",
        "p/a.py": "def f(): return 1\n",
    },
    ("p/a.py", "return 1", "return 2"),
)
case(
    "a package's __init__ that does something",
    "miss",
    {
        "pipeline.py": "from p.a import f\n@stage\ndef s(): return f()\n",
        "p/__init__.py": "import os\nos.environ['X'] = '1'\n",
        "p/a.py": "def f(): return 1\n",
    },
    ("p/__init__.py", "'1'", "'2'"),
)
case(
    "a package's __init__ that only names things",
    "hit",
    {
        "pipeline.py": "from p.a import f\n@stage\ndef s(): return f()\n",
        "p/__init__.py": "VERSION = '1'\n",
        "p/a.py": "def f(): return 1\n",
    },
    ("p/__init__.py", "'1'", "'2'"),
)
case(
    "what importing a file does",
    "miss",
    {"pipeline.py": "import a\n@stage\ndef s(): return 1\n", "a.py": "print('one')\n"},
    ("a.py", "one", "two"),
)
case(
    "what an import's import does",
    "miss",
    {
        "pipeline.py": "import a\n@stage\ndef s(): return 1\n",
        "a.py": "import b\n",
        "b.py": "import numpy\nnumpy.random.seed(1)\n",
    },
    ("b.py", "seed(1)", "seed(2)"),
)
case(
    "what the file itself does first",
    "miss",
    "import numpy\nnumpy.random.seed(1)\n@stage\ndef s(): return 1\n",
    ("seed(1)", "seed(2)"),
)
case(
    "what it calls for its effect",
    "miss",
    "def prepare(): print(1)\nprepare()\n@stage\ndef s(): return 1\n",
    ("print(1)", "print(2)"),
)
case(
    "a loop with an effect",
    "miss",
    "import os\nfor k in ('a', 'b'):\n    os.environ[k] = '1'\n@stage\ndef s(): return 1\n",
    ("'b'", "'c'"),
)
case(
    "an import with an effect added",
    "miss",
    {"pipeline.py": "@stage\ndef s(): return 1\n", "a.py": "print(1)\n"},
    ("@stage", "import a\n@stage"),
)
case(
    "a monkey patch in the file",
    "miss",
    {
        "pipeline.py": "import a\ndef g(): return 2\na.f = g\n@stage\ndef s(): return a.f()\n",
        "a.py": "def f(): return 1\n",
    },
    ("return 2", "return 3"),
)
case(
    "a monkey patch taken away",
    "miss",
    {"pipeline.py": "import a\na.f = print\n@stage\ndef s(): return a.f()\n", "a.py": "def f(): return 1\n"},
    ("a.f = print\n", ""),
)
case(
    "a monkey patch of a package from elsewhere",
    "miss",
    "import numpy\nnumpy.mean = min\n@stage\ndef s(): return 1\n",
    ("= min", "= max"),
)
case(
    "which module a name stands for",
    "miss",
    "import numpy as np\n@stage\ndef s(): return np.ones(3)\n",
    ("import numpy as np", "import jax.numpy as np"),
)
case(
    "which function a name stands for",
    "miss",
    "from math import sin as f\n@stage\ndef s(): return f(1)\n",
    ("import sin", "import cos"),
)
case(
    "a name from a star of a package",
    "miss",
    "from math import *\n@stage\ndef s(): return sin(1)\n",
    ("from math", "from cmath"),
)
case(
    "a package replaced by a project file",
    "miss",
    {"pipeline.py": "import yaml\n@stage\ndef s(): return yaml.load('')\n"},
    ("yaml.py", "", "def load(x): return 0\n"),
)
case("a registry filled by a decorator", "miss", {
    "pipeline.py": "from r import TABLE\nimport plugin\n@stage\ndef s(): return TABLE['x']()\n",
    "r.py": "TABLE = {}\ndef register(f):\n    TABLE[f.__name__] = f\n    return f\n",
    "plugin.py": "from r import register\n@register\ndef x(): return 1\n",
}, ("plugin.py", "return 1", "return 2"))  # fmt: skip
case("a registry object's method as decorator", "miss", {
    "pipeline.py": "from r import registry\nimport plugin\n@stage\ndef s(): return registry.get('x')()\n",
    "r.py": "class R:\n    def __init__(self): self.t = {}\n    def add(self, f):\n        self.t[f.__name__] = f\n        return f\n    def get(self, n): return self.t[n]\nregistry = R()\n",
    "plugin.py": "from r import registry\n@registry.add\ndef x(): return 1\n",
}, ("plugin.py", "return 1", "return 2"))  # fmt: skip
CODEC = {
    "chem.py": "from stageloom import Codec\nclass Molecule: pass\n"
    "class MoleculeFile(Codec[Molecule], of=Molecule, suffix='.mol'):\n"
    "    def save(self, value, path): path.write_text(text(value))\n    def load(self, path): return Molecule()\n"
    "def text(value): return 'a'\ndef other(): return 1\n",
    "pipeline.py": "import chem\n@stage\ndef s(): return chem.Molecule()\n",
}
case("a codec's own code", "miss", CODEC, ("chem.py", "path.write_text(", "path.write_bytes("))
case("what a codec's code calls", "miss", CODEC, ("chem.py", "'a'", "'b'"))
case("something beside a codec", "hit", CODEC, ("chem.py", "return 1", "return 2"))
case("subclasses that register themselves", "miss", {
    "pipeline.py": "from base import Base\nimport plugin\n@stage\ndef s(): return Base.known[0]().run()\n",
    "base.py": "class Base:\n    known = []\n    def __init_subclass__(cls): Base.known.append(cls)\n",
    "plugin.py": "from base import Base\nclass P(Base):\n    def run(self): return 1\n",
}, ("plugin.py", "return 1", "return 2"))  # fmt: skip

case("a registry filled by a decorator's helper", "miss", {
    "pipeline.py": "from r import TABLE\nimport plugin\n@stage\ndef s(): return TABLE['x']()\n",
    "r.py": "TABLE = {}\ndef keep(f): TABLE[f.__name__] = f\ndef register(f):\n    keep(f)\n    return f\n",
    "plugin.py": "from r import register\n@register\ndef x(): return 1\n",
}, ("plugin.py", "return 1", "return 2"))  # fmt: skip
case("a registry that the stage doesn't read", "hit", {
    "pipeline.py": "import plugin\n@stage\ndef s(): return 3\n",
    "r.py": "TABLE = {}\ndef register(f):\n    TABLE[f.__name__] = f\n    return f\n",
    "plugin.py": "from r import register\n@register\ndef x(): return 1\n",
}, ("plugin.py", "return 1", "return 2"))  # fmt: skip
case("a plugin's import taken away", "miss", {
    "pipeline.py": "from r import TABLE\nimport plugin\n@stage\ndef s(): return TABLE\n",
    "r.py": "TABLE = {}\ndef register(f):\n    TABLE[f.__name__] = f\n    return f\n",
    "plugin.py": "from r import register\n@register\ndef x(): return 1\n",
}, ("import plugin\n", ""))  # fmt: skip
case(
    "another function kept by the same cache",
    "hit",
    "import joblib\nmemory = joblib.Memory('x')\n@memory.cache\ndef f(): return 1\n@memory.cache\ndef g(): return 2\n@stage\ndef s(): return g()\n",
    ("return 1", "return 3"),
)
case(
    "a function kept by a cache",
    "miss",
    "import joblib\nmemory = joblib.Memory('x')\n@memory.cache\ndef f(): return 1\n@stage\ndef s(): return f()\n",
    ("return 1", "return 3"),
)

# --- which branch at the top of a file ------------------------------------------------------------------------------
BRANCHES = "import x\nK = 0\nif x.A:\n    K = 1\n{} x.B:\n    K = 2\n@stage\ndef s(): return K\n"
case("elif turned into if", "miss", BRANCHES.format("elif"), ("elif", "if"))
case(
    "an assignment moved to the else branch",
    "miss",
    "import x\nK = 0\nif x.A:\n    K = 1\nelse:\n    pass\n@stage\ndef s(): return K\n",
    ("    K = 1\nelse:\n    pass", "    pass\nelse:\n    K = 1"),
)
TRIED = "import x\nK = 0\ntry:\n    x.f()\nexcept:\n    K = 2\n@stage\ndef s(): return K\n"
case("what a failure sets, set in any case", "miss", TRIED, ("except:", "finally:"))
case("what a failure sets, set on success", "miss", TRIED, ("except:\n", "except:\n    pass\nelse:\n"))
case(
    "try taken away",
    "miss",
    "import x\ntry:\n    K = x.f()\nexcept:\n    K = 2\n@stage\ndef s(): return K\n",
    ("try:\n    K = x.f()\nexcept:\n    K = 2", "K = x.f()\nK = 2"),
)
case(
    "an effect moved to the else branch",
    "miss",
    "import os\nif os.sep == '/':\n    os.environ['A'] = '1'\nelse:\n    pass\n@stage\ndef s(): return 1\n",
    ("    os.environ['A'] = '1'\nelse:\n    pass", "    pass\nelse:\n    os.environ['A'] = '1'"),
)
case(
    "a branch put elsewhere in the file",
    "hit",
    "import x\nif x.A:\n    K = 1\nelse:\n    K = 2\n@stage\ndef s(): return K\n",
    ("import x\n", "import x\n\n\n"),
)

# --- what can't be told ----------------------------------------------------------------------------------------------
case("getattr with a text", "miss", helper("import a", "getattr(a, 'f')()"), CHANGED)
case(
    "getattr with another text",
    "hit",
    {
        "pipeline.py": "import a\n@stage\ndef s(): return getattr(a, 'g')()\n",
        "a.py": "def f(): return 1\ndef g(): return 3\n",
    },
    CHANGED,
)
case(
    "getattr with a variable",
    "miss",
    {"pipeline.py": "import a\n@stage\ndef s(name='f'): return getattr(a, name)()\n", "a.py": "def f(): return 1\n"},
    CHANGED,
)
case(
    "a module handed on",
    "miss",
    {
        "pipeline.py": "import a\ndef use(m): return m.f()\n@stage\ndef s(): return use(a)\n",
        "a.py": "def f(): return 1\n",
    },
    CHANGED,
)
case(
    "vars of a module",
    "miss",
    {"pipeline.py": "import a\n@stage\ndef s(name='f'): return vars(a)[name]()\n", "a.py": "def f(): return 1\n"},
    CHANGED,
)
case(
    "a module's __dict__",
    "miss",
    {"pipeline.py": "import a\n@stage\ndef s(name='f'): return a.__dict__[name]()\n", "a.py": "def f(): return 1\n"},
    CHANGED,
)
case(
    "globals()",
    "miss",
    "def f(): return 1\n@stage\ndef s(name='f'): return globals()[name]()\n",
    ("return 1", "return 2"),
)
case("eval", "miss", "def f(): return 1\n@stage\ndef s(code='f()'): return eval(code)\n", ("return 1", "return 2"))
case(
    "import_module with a text",
    "miss",
    {
        "pipeline.py": "import importlib\n@stage\ndef s(): return importlib.import_module('a').f()\n",
        "a.py": "def f(): return 1\n",
    },
    CHANGED,
)
case(
    "import_module with a variable",
    "miss",
    {
        "pipeline.py": "import importlib\n@stage\ndef s(name='a'): return importlib.import_module(name).f()\n",
        "a.py": "def f(): return 1\n",
    },
    CHANGED,
)
case(
    "a folder put on the path",
    "miss",
    {
        "pipeline.py": "import sys\nsys.path.append('lib')\nimport a\n@stage\ndef s(): return a.f()\n",
        "lib/a.py": "def f(): return 1\n",
    },
    ("lib/a.py", "return 1", "return 2"),
)
case(
    "a module's __getattr__",
    "miss",
    {"pipeline.py": "import a\n@stage\ndef s(): return a.lazy\n", "a.py": "def __getattr__(name): return 1\n"},
    CHANGED,
)
case(
    "a file with a syntax error",
    "miss",
    {"pipeline.py": "import a\n@stage\ndef s(): return a.f()\n", "a.py": "def f(: return 1\n"},
    ("a.py", "return 1", "return 2"),
)
case(
    "a star of a file with a syntax error",
    "miss",
    {"pipeline.py": "from a import *\n@stage\ndef s(): return f()\n", "a.py": "def f(: return 1\n"},
    ("a.py", "return 1", "return 2"),
)
case("the file's own name, moved", "hit", "@stage\ndef s(): return 1\n", ("@stage", "# __file__\n@stage"))

# --- the order of what a file does when it is imported ----------------------------------------------------------------
_ORDERED = "\n@stage\ndef s(): return K\n"
case(
    "a value taken before its name is bound anew",
    "miss",
    "A = 1\nK = A\nA = 2\n" + _ORDERED,
    ("K = A\nA = 2\n", "A = 2\nK = A\n"),
)
case(
    "a copy taken before a change",
    "miss",
    "C = {}\nK = dict(C)\nC['a'] = 2\n" + _ORDERED,
    ("K = dict(C)\nC['a'] = 2\n", "C['a'] = 2\nK = dict(C)\n"),
)
case(
    "a draw moved below the seed",
    "miss",
    "import numpy as np\nK = np.random.rand()\nnp.random.seed(1)\n" + _ORDERED,
    ("K = np.random.rand()\nnp.random.seed(1)\n", "np.random.seed(1)\nK = np.random.rand()\n"),
)
case(
    "a default moved past an assignment",
    "miss",
    "A = 1\ndef f(k=A): return k\nA = 2\n@stage\ndef s(): return f()\n",
    ("def f(k=A): return k\nA = 2\n", "A = 2\ndef f(k=A): return k\n"),
)
case(
    "a class moved past an assignment",
    "miss",
    "A = 1\nclass C: x = A\nA = 2\n@stage\ndef s(): return C.x\n",
    ("class C: x = A\nA = 2\n", "A = 2\nclass C: x = A\n"),
)
case(
    "an alias moved past a wrapping",
    "miss",
    "def w(f): return lambda: 2\ndef f(): return 1\ng = f\nf = w(f)\n@stage\ndef s(): return g()\n",
    ("g = f\nf = w(f)\n", "f = w(f)\ng = f\n"),
)
case(
    "a call moved past what the function reads",
    "miss",
    "def f(): return A\nA = 1\nK = f()\nA = 2\n" + _ORDERED,
    ("K = f()\nA = 2\n", "A = 2\nK = f()\n"),
)
case(
    "a value moved past a call that fills a table",
    "miss",
    "T = {}\ndef fill(): T['x'] = 1\nOK = fill()\nK = len(T)\n" + _ORDERED,
    ("OK = fill()\nK = len(T)\n", "K = len(T)\nOK = fill()\n"),
)
case(
    "a condition moved past an assignment",
    "miss",
    "A = 0\nK = 1\nif A:\n    K = 2\nA = 1\n" + _ORDERED,
    ("if A:\n    K = 2\nA = 1\n", "A = 1\nif A:\n    K = 2\n"),
)
case(
    "another module's value set before or after",
    "miss",
    {"pipeline.py": "import a\na.X = 2\nK = a.f()\n" + _ORDERED, "a.py": "X = 1\ndef f(): return X\n"},
    ("a.X = 2\nK = a.f()\n", "K = a.f()\na.X = 2\n"),
)
case(
    "unrelated statements swapped",
    "hit",
    "A = 1\nB = int('2')\nK = 3\n" + _ORDERED,
    ("A = 1\nB = int('2')\nK = 3\n", "K = 3\nB = int('2')\nA = 1\n"),
)
case(
    "a statement moved past one of another name bound twice",
    "hit",
    "A = 1\nK = 3\nA = 2\n" + _ORDERED,
    ("K = 3\nA = 2\n", "A = 2\nK = 3\n"),
)
case(
    "functions moved past what they read",
    "hit",
    "A = 1\ndef f(): return A\nA = 2\nclass C:\n    def m(self): return f() + A\n@stage\ndef s(): return C().m()\n",
    ("def f(): return A\nA = 2\n", "A = 2\ndef f(): return A\n"),
)
case(
    "functions moved past an effect",
    "hit",
    "import os\ndef f(k=1): return k\nos.umask(2)\n@stage\ndef s(): return f()\n",
    ("def f(k=1): return k\nos.umask(2)\n", "os.umask(2)\ndef f(k=1): return k\n"),
)
case(
    "a stage moved past an effect",
    "hit",
    "import os\nos.umask(2)\n@stage\ndef s(x=int('1')): return x\n",
    ("os.umask(2)\n", ""),
    ("return x\n", "return x\nos.umask(2)\n"),
)

# --- project functions called for a value -----------------------------------------------------------------------------
_FILLED = "T = {}\ndef fill():\n    T['x'] = 1\n    return True\nOK = fill()\n@stage\ndef s(): return T['x']\n"
case("what a function called for a value fills", "miss", _FILLED, ("= 1", "= 2"))
case(
    "what a function called for a default fills",
    "miss",
    _FILLED,
    ("OK = fill()", "def f(k=fill()): return k"),
    ("= 1", "= 2"),
)
case(
    "what an imported function fills when called for a value",
    "miss",
    {
        "pipeline.py": "import a\nOK = a.fill()\n@stage\ndef s(): return a.T['x']\n",
        "a.py": "T = {}\ndef fill(): T['x'] = 1\n",
    },
    ("a.py", "= 1", "= 2"),
)
_SEEDED = "import numpy as np\ndef setup():\n    np.random.seed(1)\n    return 1\nrng = setup()\n@stage\ndef s(): return np.random.rand()\n"
case("what a function called for a value does elsewhere", "miss", _SEEDED, ("seed(1)", "seed(2)"))
case(
    "the same by an import within the function",
    "miss",
    _SEEDED,
    ("import numpy as np\ndef setup():", "def setup():\n    import numpy as np"),
    ("seed(1)", "seed(2)"),
)
case(
    "what a function called by one called for a value does elsewhere",
    "miss",
    _SEEDED.replace("def setup():\n    np.", "def deep():\n    np.").replace(
        "rng =", "def setup(): return deep()\nrng ="
    ),
    ("seed(1)", "seed(2)"),
)
case(
    "what an imported function called for a value does elsewhere",
    "miss",
    {
        "pipeline.py": "import a, numpy as np\nrng = a.setup()\n@stage\ndef s(): return np.random.rand()\n",
        "a.py": "import os\nimport numpy as np\ndef setup(): np.random.seed(1)\n",
    },
    ("a.py", "seed(1)", "seed(2)"),
)
case(
    "what a function called for a value sets in another module",
    "miss",
    "import os\ndef setup(): os.environ['A'] = '1'\nrng = setup()\n@stage\ndef s(): return os.environ['A']\n",
    ("'1'", "'2'"),
)
case(
    "what a function called for a value does to another value",
    "miss",
    "import a\nT = a.T()\ndef fill(): T.put(1)\nOK = fill()\n@stage\ndef s(): return T.get()\n",
    ("put(1)", "put(2)"),
)
case(
    "a function called for a value that isn't used and does nothing else",
    "hit",
    "import numpy as np\ndef f():\n    found = []\n    found.append(np.ones(1))\n    print(found)\n    return found\nX = f()\n@stage\ndef s(): return np.ones(3)\n",
    ("ones(1)", "ones(2)"),
)
case(
    "another stage called at the top",
    "hit",
    "import numpy as np\n@stage\ndef other():\n    np.random.seed(1)\nX = other(x=1)\n@stage\ndef s(): return np.ones(3)\n",
    ("seed(1)", "seed(2)"),
)

# --- decorators that are values ---------------------------------------------------------------------------------------
_CALLABLE = "class R:\n    def __init__(self): self.all = []\n    def __call__(self, f):\n        self.all.append(f)\n        return f\n    def add(self, f): return self(f)\nREG = R()\n{}\n@{}\ndef f(): return 1\n@stage\ndef s(): return [one() for one in REG.all]\n"
case("a registry that is called", "miss", _CALLABLE.format("", "REG"), ("return 1", "return 2"))
case("a registry's bound method", "miss", _CALLABLE.format("add = REG.add", "add"), ("return 1", "return 2"))
case(
    "a registry made with its table",
    "miss",
    "def make():\n    table = {}\n    def register(f):\n        table[f.__name__] = f\n        return f\n    return register, table\nregister, TABLE = make()\n@register\ndef f(): return 1\n@stage\ndef s(): return TABLE['f']()\n",
    ("return 1", "return 2"),
)
case(
    "a registry in another file",
    "miss",
    {
        "pipeline.py": "import b\nfrom a import TABLE\n@stage\ndef s(): return TABLE['f']()\n",
        "b.py": "from a import register\n@register\ndef f(): return 1\n",
        "a.py": "def make():\n    t = {}\n    def r(f): t[f.__name__] = f\n    return r, t\nregister, TABLE = make()\n",
    },
    ("b.py", "return 1", "return 2"),
)
case(
    "a decorator that hands on to a registry",
    "miss",
    "from lib import Registry\nREG = Registry()\ndef reg(f):\n    REG.put(f)\n    return f\n@reg\ndef f(): return 1\n@stage\ndef s(): return REG.first()()\n",
    ("return 1", "return 2"),
)
case(
    "another function under a library's decorator",
    "hit",
    "import numba\njit = numba.njit(cache=True)\n@jit\ndef f(): return 1\n@jit\ndef g(): return 3\n@stage\ndef s(): return g()\n",
    ("return 1", "return 2"),
)
case(
    "another function under a decorator that logs",
    "hit",
    "import logging\nLOG = logging.getLogger()\ndef timed(f):\n    def inner():\n        LOG.info('x')\n        return f()\n    return inner\n@timed\ndef f(): return 1\n@stage\ndef s(): LOG.info('y')\n",
    ("return 1", "return 2"),
)

# --- a star import below what it binds anew ---------------------------------------------------------------------------
_STARRED = {
    "pipeline.py": "def f(): return 0\nfrom a import *\n@stage\ndef s(): return f()\n",
    "a.py": "def f(): return 1\ndef g(): return 5\n",
}
case("what a star import binds anew", "miss", _STARRED, ("a.py", "return 1", "return 2"))
case(
    "what a star import of a star import binds anew",
    "miss",
    {**_STARRED, "a.py": "from b import *\n", "b.py": "def f(): return 1\n"},
    ("b.py", "return 1", "return 2"),
)
case(
    "a star import moved above the definition",
    "miss",
    _STARRED,
    ("def f(): return 0\nfrom a import *\n", "from a import *\ndef f(): return 0\n"),
)
case("something else that a star import gives", "hit", _STARRED, ("a.py", "return 5", "return 6"))
case(
    "what a star import above the definition gives",
    "hit",
    {**_STARRED, "pipeline.py": "from a import *\ndef f(): return 0\n@stage\ndef s(): return f()\n"},
    ("a.py", "return 1", "return 2"),
)

# --- docstrings that are read -----------------------------------------------------------------------------------------
_TOLD = "from lib import tool\n@{}\ndef f():\n    'one'\n    return 1\n@stage\ndef s():\n    'mine'\n    return f()\n"
case("a docstring under an unknown decorator", "miss", _TOLD.format("tool"), ("'one'", "'two'"))
case(
    "a docstring of a method under an unknown decorator",
    "miss",
    "from lib import tool\nclass A:\n    @tool\n    def f(self): 'one'\n@stage\ndef s(): return A()\n",
    ("'one'", "'two'"),
)
case(
    "a docstring under a decorator that doesn't read it",
    "hit",
    "import functools\n" + _TOLD.format("functools.lru_cache(None)"),
    ("'one'", "'two'"),
)
case("a stage's docstring beside a decorated helper", "hit", _TOLD.format("tool"), ("'mine'", "'yours'"))
case(
    "a docstring where the file reads one",
    "miss",
    "def f():\n    'one'\n@stage\ndef s(): return f.__doc__\n",
    ("'one'", "'two'"),
)
case(
    "a docstring where the file asks for one",
    "miss",
    "import inspect\ndef f():\n    'one'\n@stage\ndef s(): return inspect.getdoc(f)\n",
    ("'one'", "'two'"),
)
case(
    "a docstring that another file reads",
    "miss",
    {"pipeline.py": "import a\n@stage\ndef s(): return a.f.__doc__\n", "a.py": "def f():\n    'one'\n"},
    ("a.py", "'one'", "'two'"),
)
case(
    "a module's own docstring where it is read",
    "miss",
    {"pipeline.py": "import a\n@stage\ndef s(): return a.f()\n", "a.py": "'one'\ndef f(): return __doc__\n"},
    ("a.py", "'one'", "'two'"),
)
case(
    "a module's docstring where the module is a value",
    "hit",
    {"pipeline.py": "import a\n@stage\ndef s(): return id(a)\n", "a.py": "'one'\ndef f(): return 1\n"},
    ("a.py", "'one'", "'two'"),
)

# --- annotations that are read ----------------------------------------------------------------------------------------
_READ = "import inspect, typing\ndef f(x: int = 1): return x\n@stage\ndef s(): return {}\n"
case("an annotation where signatures are read", "miss", _READ.format("inspect.signature(f)"), ("x: int", "x: float"))
case(
    "an annotation where type hints are read", "miss", _READ.format("typing.get_type_hints(f)"), ("x: int", "x: float")
)
case("an annotation where they are read as they are", "miss", _READ.format("f.__annotations__"), ("x: int", "x: float"))
case(
    "an annotation by which a function is registered",
    "miss",
    "from functools import singledispatch\n@singledispatch\ndef d(x): return 0\ndef f(x: int): return 1\nd.register(f)\n@stage\ndef s(): return d(1)\n",
    ("x: int", "x: str"),
)
case(
    "an annotation of a function in a function where they are read",
    "miss",
    "def make():\n    def f(x: int): return x\n    return f\n@stage\ndef s(): return make().__annotations__\n",
    ("x: int", "x: str"),
)
case(
    "annotations made text where they are read",
    "miss",
    _READ.format("f.__annotations__"),
    ("", "from __future__ import annotations\nfrom stageloom import stage\n" + _READ.format("f.__annotations__")),
)
case(
    "annotations made text in a class",
    "miss",
    "class A:\n    x: int = 1\n@stage\ndef s(): return A\n",
    (
        "",
        "from __future__ import annotations\nfrom stageloom import stage\nclass A:\n    x: int = 1\n@stage\ndef s(): return A\n",
    ),
)
case(
    "annotations made text where nothing reads them",
    "hit",
    _READ.format("f()"),
    ("", "from __future__ import annotations\nfrom stageloom import stage\n" + _READ.format("f()")),
)

# --- the order beside calls into other files --------------------------------------------------------------------------
_AFTER = {
    "pipeline.py": "import a, numpy as np\nOK = a.setup()\nK = np.random.rand()\nL = a.T['x']\nM = 3\n@stage\ndef s(): return {}\n",
    "a.py": "import numpy as np\nT = {'x': 0}\ndef setup():\n    np.random.seed(1)\n    T['x'] = 1\n",
}
_SWAP_K = ("OK = a.setup()\nK = np.random.rand()\n", "K = np.random.rand()\nOK = a.setup()\n")
case(
    "a draw moved above an imported function that seeds",
    "miss",
    {**_AFTER, "pipeline.py": _AFTER["pipeline.py"].format("K")},
    _SWAP_K,
)
case(
    "a value moved above an imported function that sets it",
    "miss",
    {**_AFTER, "pipeline.py": _AFTER["pipeline.py"].format("L")},
    ("L = a.T['x']\n", ""),
    ("OK =", "L = a.T['x']\nOK ="),
)
case(
    "a constant moved above an imported function that seeds",
    "hit",
    {**_AFTER, "pipeline.py": _AFTER["pipeline.py"].format("M")},
    ("M = 3\n", ""),
    ("OK =", "M = 3\nOK ="),
)
case(
    "what a function called for a condition does elsewhere",
    "miss",
    _SEEDED,
    ("rng = setup()", "if setup():\n    rng = 1"),
    ("seed(1)", "seed(2)"),
)
case(
    "the same change a second time on one line",
    "miss",
    "L = []\nL.append(1)\n@stage\ndef s(): return L\n",
    ("L.append(1)", "L.append(1); L.append(1)"),
)

# --- values that an import has functions fill ------------------------------------------------------------------------
_FILLED = """
T = []
N = 3
def fill(table):
    {body}
    return True
OK = fill(T)
@stage
def s(): return T
@stage
def other(): return N
"""
for _title, _body in {
    "a method": "table.append(1)",
    "an item": "table[0:0] = [1]",
    "an alias": "rows = table\n    rows.append(1)",
    "something in it": "rows = table[0]\n    rows.append(1)",
    "a loop": "for row in table: row.append(1)",
    "a library": "import heapq\n    heapq.heappush(table, 1)",
    "a helper": "put(table, 1)",
}.items():
    _text_ = _FILLED.format(body=_body) + "def put(table, x): table.append(x)\n"
    case(f"a list filled by a call: {_title}", "miss", _text_, ("return True", "table.pop(); return True"))
    case(f"a list filled by a call, helper: {_title}", "miss", _text_, ("OK = fill(T)", "OK = fill(list(T))"))
case(
    "a list filled by another file's function",
    "miss",
    {
        "pipeline.py": "from helper import fill\nT = []\nOK = fill(T)\n@stage\ndef s(): return T\n",
        "helper.py": "def fill(t):\n    t.append(1)\n    return 1\n",
    },
    ("helper.py", "append(1)", "append(2)"),
)
case(
    "another file's list filled here",
    "miss",
    {
        "pipeline.py": "import helper\nOK = helper.fill(helper.T, 1)\n@stage\ndef s(): return helper.T\n",
        "helper.py": "T = []\ndef fill(t, x):\n    t.append(x)\n    return 1\n",
    },
    ("helper.T, 1", "helper.T, 2"),
)
case(
    "when a list is filled",
    "miss",
    _FILLED.format(body="table.append(1)").replace("return T", "return A").replace("OK =", "A = len(T)\nOK ="),
    ("A = len(T)\nOK = fill(T)", "OK = fill(T)\nA = len(T)"),
)
case(
    "a list filled by a decorator's function",
    "miss",
    "T = []\ndef into(t):\n    def deco(f):\n        t.append(f)\n        return f\n    return deco\n"
    "@into(T)\ndef one(): return 1\n@stage\ndef s(): return [f() for f in T]\n",
    ("return 1", "return 2"),
)
case(
    "what a function that changes nothing is given",
    "hit",
    "T = [1]\ndef size(t):\n    count = 0\n    for one in t: count += one\n    return count\nM = size(T)\n"
    "@stage\ndef s(): return T\n",
    ("return count", "return count + 1"),
)
case(
    "a function that fills a list of its own",
    "hit",
    "T = [1]\ndef size(t):\n    own = []\n    own.append(1)\n    return own\nM = size(T)\n@stage\ndef s(): return T\n",
    ("own.append(1)", "own.append(2)"),
)
case(
    "who draws from an iterator first",
    "miss",
    "import itertools\nC = itertools.count()\ndef mark(f):\n    f.n = next(C)\n    return f\n"
    "@mark\ndef a(): pass\n@mark\ndef b(): pass\n@stage\ndef s(): return a.n\n",
    ("@mark\ndef a(): pass\n@mark\ndef b(): pass\n", "@mark\ndef b(): pass\n@mark\ndef a(): pass\n"),
)

# --- what functions do for a result that nobody uses -------------------------------------------------------------------
_SETS = "import plots\ndef setup():\n    {}\n    return 1\nOK = setup()\n@stage\ndef s(): return plots.draw()\n"
case("an effect whose result is dropped", "miss", _SETS.format("_ = plots.style('a')"), ("'a'", "'b'"))
case("an effect whose result has a name", "miss", _SETS.format("old = plots.style('a')"), ("'a'", "'b'"))
case("an effect with two results", "miss", _SETS.format("x, y = plots.style('a')"), ("'a'", "'b'"))
case("a result that is used", "hit", _SETS.format("x = plots.style('a'); print(x)"), ("'a'", "'b'"))

# --- what is read of functions beside what they do ---------------------------------------------------------------------
_READ = {
    "pipeline.py": "import inspect, typing, helper\n@stage\ndef s(): return {}\n",
    "helper.py": "def f(x: int = 1) -> int:\n    '''Doc.'''\n    return x  # remark\n\ndef g(): pass\n",
}


def _read(how: str) -> dict[str, str]:
    return {**_READ, "pipeline.py": _READ["pipeline.py"].format(how)}


for _how in ("inspect.signature(helper.f)", "typing.get_type_hints(helper.f)", "helper.f.__annotations__"):
    case(f"an annotation that {_how} reads", "miss", _read(_how), ("helper.py", "x: int", "x: float"))
    case(f"a remark beside what {_how} reads", "hit", _read(_how), ("helper.py", "# remark", "# other"))
case("a docstring that getdoc reads", "miss", _read("inspect.getdoc(helper.f)"), ("helper.py", "Doc.", "Other."))
case(
    "a remark that getsource reads", "miss", _read("inspect.getsource(helper.f)"), ("helper.py", "# remark", "# other")
)
case("an annotation that nobody reads", "hit", _read("helper.f(2)"), ("helper.py", "x: int", "x: float"))
case(
    "the source of a stage's own file",
    "miss",
    "import inspect\ndef f(): return 1  # remark\n@stage\ndef s(): return inspect.getsource(f)\n",
    ("# remark", "# other"),
)
case(
    "the source of what nobody can tell",
    "miss",
    "import inspect\ndef f(): return 1  # remark\n@stage\ndef s():\n    return [inspect.getsource(one) for one in [f]]\n",
    ("# remark", "# other"),
)
