"""Run by every Python there is: prints the digests that must be equal on all of them, as JSON."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import warnings
from pathlib import Path

from fingerprint_cases import CASES

from stageloom.tracking.canonical import canonical
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import take

#: Constructs whose syntax trees have differed between versions, or might.
SNIPPETS = [
    r"f'a{x}b' 'c' f'{y!r:>{width}.{precision}}'",
    "f'{x=}' f'{x = !s:^10}' f'{{}}' f'{x:}'",
    "f'''{\n  x\n}''' rf'\\d{x}' f'\\N{DIGIT ONE}{x}'",
    "f'{x:{y:{z}}}' f'{lambda_(lambda: 1)}' f'{a[\"b\"]}' f'{(lambda: 1)()}'",
    "f'{x:%Y-%m-%d}' f'{x!a}' f'no' f''",
    "f'outer {f\"inner {x}\"}'",
    "(u'text', b'bytes' rb'x')",
    "'\\ud800' 'é' '\\u0378' '\\U0001fae8'",
    "1_000, 0xff, 1e400, -0.0, 1j, 10**20, 123456789012345678901234567890",
    "a[1:2, ::3], a[*b], a[()], a[1,]",
    "lambda a, /, b=1, *c, d=2, **e: (a, b, c, d, e)",
    "def f(a, /, b: int = 1, *c, d: str = 'x', **e) -> int:\n  'doc'\n  return a",
    "async def f():\n  async with a as b, c:\n    return [x async for x in y if await z]",
    "match p:\n  case {'a': [1, *rest], **more} if rest: pass\n  case A(x, y=z) | None as q: pass\n  case _: pass",
    "with (open(a) as b, open(c) as d):\n  pass",
    "class A(B, metaclass=C):\n  x: int = 1\n  y: 'D[int]'\n  def m(self): return super().m()",
    "try:\n  pass\nexcept (A, B) as e:\n  raise C from e\nelse:\n  pass\nfinally:\n  del x",
    "def f():\n  return [y := 1, {k: v for k, v in z if (w := k)}, w]",
    "def f():\n  global g\n  def h():\n    nonlocal_ = 1\n    return nonlocal_\n  g = h",
    "x: int\ny: list[int] = []\n(z): int = 1\na.b: int = 2",
    "from . import a\nfrom ..b import c as d\nimport e.f.g, h as i",
    "@a.b(c)\n@d\ndef f(): ...",
    "if (n := 10) > 5: print(n)",
    "not a and b or c in d is not e",
    "a if b else c, (yield_), *d",
]


def form_of(snippet: str) -> str | None:
    """Return the canonical form; None where this Python is too old to parse it."""
    try:
        return canonical(ast.parse(snippet))
    except SyntaxError:
        return None


def main() -> None:
    """Print the digests."""
    warnings.simplefilter("ignore")
    result: dict[str, object] = {}
    result.update((snippet, form_of(snippet)) for snippet in SNIPPETS)
    for one in CASES:
        for name, files in (("before", one.before), ("after", one.after)):
            code = Code(take(Path("/nowhere"), "pipeline.py", files))
            result[f"{one.title} {name}"] = code.fingerprint("pipeline.py", "s").digest
    for folder in sys.argv[1:]:
        for path in sorted(Path(folder).glob("*.py"))[:25]:
            text = canonical(ast.parse(path.read_bytes()))
            result[str(path)] = hashlib.sha256(text.encode("ascii")).hexdigest()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
