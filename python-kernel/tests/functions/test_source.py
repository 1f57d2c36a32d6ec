"""Declarations read from source."""
# ruff: noqa: E501, RUF007  # one case a line reads better; pairwise() is newer than the oldest Python

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stageloom.functions.source import read
from stageloom.model.rings import rings, way_around
from stageloom.tracking.cache import Cache
from stageloom.tracking.snapshot import MemoryBlobs, Snapshot, take

TABLE = json.loads((Path(__file__).parents[1] / "shared" / "declarations.json").read_text("utf-8"))


def snapshot_of(files: dict[str, str], entry: str = "pipeline.py", root: Path = Path("/nowhere")) -> Snapshot:
    return take(root, entry, files, MemoryBlobs())


def declared(*lines: str, **others: str):
    files = {"pipeline.py": "\n".join(lines), **{f"{name}.py": text for name, text in others.items()}}
    return read(snapshot_of(files), "pipeline.py")


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["title"])
def test_shared_table(case):
    result = declared(*case["source"])
    assert [
        {
            "name": stage.name,
            "function": stage.function,
            "line": stage.span.line,
            "dependencies": [name for names in stage.dependencies.values() for name in names],
            "parameters": [one.name for one in stage.parameters if one.role in ("configuration", "input")],
        }
        for stage in result.stages
    ] == [{key: value for key, value in stage.items() if key != "doc"} for stage in case["stages"]]
    for stage, expected in zip(result.stages, case["stages"], strict=True):
        assert stage.doc == expected.get("doc", stage.doc)
    problems = [one for one in result.problems if one.severity == "error"]
    assert [{"code": one.code, "line": one.span.line, "stages": list(one.stages)} for one in problems] == [
        {key: problem[key] for key in ("code", "line", "stages")} for problem in case["problems"]
    ]


HEAD = "from stageloom import Dir, File, Out, stage, search"


def parameter(text: str, before: str = "", annotation: str = ""):
    result = declared(HEAD, before, "@stage", f"def one(x{annotation}={text}): pass")
    return result.stages[0].parameters[0], result


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("1e-3", 0.001),
        ("True", True),
        ("None", None),
        ("'a' 'b'", "ab"),
        ("b'a'", {"$bytes": "YQ=="}),
        ("[1, 'a', [2.5]]", [1, "a", [2.5]]),
        ("(1, 2)", {"$tuple": [1, 2]}),
        ("{1, 2}", {"$set": [1, 2]}),
        ("{'a': {'b': 1}, **{'c': 2}}", {"a": {"b": 1}, "c": 2}),
        ("2 ** 10 - 1", 1023),
        ("7 // 2 * 1.5", 4.5),
        ("1 << 4 | 1", 17),
        ("not 0", True),
        ("'a' * 3", "aaa"),
        ("float('inf')", {"$float": "inf"}),
        ("dict(a=1)", {"a": 1}),
        ("frozenset([2, 1])", {"$set": [1, 2]}),
        ("(10, 20)[1]", 20),
        ("f'plain'", "plain"),
        ("N", 5),
        ("N * 2 + M['k'][0]", 17),
        ("search.Int(1, 10, default=3)", 3),
        ("search.Float(1e-5, 1e-1, default=N / 10, log=True)", 0.5),
        ("search.Categorical(['a', 'b'], default='b')", "b"),
    ],
)
def test_static_values(text: str, value: object) -> None:
    one, result = parameter(text, "N: int = 5\nM = {'k': [7]}")
    assert (one.role, one.value, one.static) == ("configuration", value, True)
    assert not result.problems
    assert not result.needs_planner


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("N", "N = 1\nN = 2"),
        ("N", "N = 1\nN += 1"),
        ("N", "import os\nif os.name: N = 1"),
        ("N", "for N in range(3): pass"),
        ("N", "N = 1\ndef f():\n    global N\n    N = 2"),
        ("N", "N = [1]\nN.append(2)"),
        ("N", "N = {}\nN['a'] = 1"),
        ("N", "from elsewhere import N"),
        ("N", "N = M\nM = N"),
        ("N", "with open('x') as N: pass"),
        ("N", "N = 1\ndel N"),
        ("compute()", ""),
        ("search.Int(1, 2)", ""),
        ("10 ** 10 ** 10", ""),
        ("'a' * 10 ** 9", ""),
        ("1 / 0", ""),
        ("[x for x in y]", ""),
        ("float(1)", "def float(x): return 3"),
    ],
)
def test_values_that_only_running_tells(text: str, before: str) -> None:
    one, result = parameter(text, before)
    assert (one.role, one.static, one.text) == ("configuration", False, text)
    assert result.needs_planner == ("one",)
    assert not result.problems


@pytest.mark.parametrize("text", ["lambda: 1", "(i for i in 'a')", "...", "1j", "{1: 2}", "helper", "Class", "[1j]"])
def test_values_that_cannot_be_stored(text: str) -> None:
    _, result = parameter(text, "def helper(): pass\nclass Class: pass")
    (problem,) = result.problems
    assert problem.code == "bad-parameter"
    assert problem.stages == ("one",)
    assert "'x'" in problem.message
    assert "cannot be stored" in problem.message


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("File('data/*.csv')", "file", "data/*.csv"),
        ("Dir('data')", "dir", "data"),
        ("File(BASE + '/x')", "file", "base/x"),
    ],
)
def test_inputs(text: str, kind: str, value: str) -> None:
    one, result = parameter(text, "BASE = 'base'")
    assert (one.role, one.kind, one.value, one.source, one.text) == ("input", kind, value, "input", text)
    assert not result.problems


def test_a_bad_input() -> None:
    _, result = parameter("File(1)")
    assert "takes one text" in result.problems[0].message


def test_roles_places_and_texts() -> None:
    result = declared(
        HEAD,
        "@stage(pool='big', match=best(3))",
        "def first(größe: int = 1_0, *, out: Out, data=File('é')):",
        "    '''Do it.'''",
        "@stage()",
        "def second(first, folder: 'Out'): pass",
    )
    first, second = result.stages
    assert [one.role for one in first.parameters] == ["configuration", "out", "input"]
    assert [one.role for one in second.parameters] == ["dependency", "out"]
    assert (first.pool, first.match, first.doc) == ("big", "best(3)", "Do it.")
    assert first.span.path == "pipeline.py"
    assert (first.place, first.whole[0], first.whole[2]) == ((2, 4, 2, 9), 1, 3)
    assert first.parameters[0].place == (2, 10, 2, 15)
    assert first.parameters[2].place == (2, 41, 2, 45)
    assert second.dependencies == {"first": ("first",)}


def test_columns_count_as_the_editor_does() -> None:
    (stage,) = declared(HEAD, "@stage", "def f(a='\U0001f600', b=1): pass").stages
    assert stage.parameters[1].place == (2, 14, 2, 15)


@pytest.mark.parametrize(
    ("lines", "code", "words", "place"),
    [
        (["@stage", "def f(*args): pass"], "bad-parameter", "any number of arguments", (2, 7)),
        (["@stage", "def f(**more): pass"], "bad-parameter", "any number of arguments", (2, 8)),
        (["@stage", "def f(parms): pass", "@stage", "def params(): pass"], "unknown-dependency", "Did you mean 'params'?", (2, 6)),
        (["@stage", "def f(zzz): pass"], "unknown-dependency", "give 'zzz' a default", (2, 6)),
        (["@stage", "def a(b): pass", "@stage", "def b(a): pass"], "cycle", "a needs b needs a", (2, 4)),
        (["@stage", "def a(a): pass"], "cycle", "a needs a", (2, 4)),
        (["@stage", "def a(): pass", "@stage", "def a(): pass"], "duplicate-stage", "named 'a' too", (4, 4)),
        (["@stage", "def a(n=1): pass", "b = a.bind(m=2)"], "bad-parameter", "no parameter 'm'", (3, 11)),
        (["@stage", "def a(n=1): pass", "b = a.bind(n=lambda: 1)"], "bad-parameter", "a function", (3, 11)),
        (["@stage(retries=-1)", "def a(): pass"], "bad-declaration", "retries= of 'a' must be written as a whole number", (1, 15)),
        (["n = 2", "@stage(retries=n)", "def a(): pass"], "bad-declaration", "where it can be read", (2, 15)),
        (["@stage(timeout='1')", "def a(): pass"], "bad-declaration", "timeout= of 'a' must be written as a number", (1, 15)),
        (["@stage(timeout=0)", "def a(): pass"], "bad-declaration", "a number of seconds above 0", (1, 15)),
        (["@stage(each=5)", "def a(n): pass"], "bad-declaration", "each= takes a list", (1, 12)),
        (["@stage(each=[1, 2])", "def a(n): pass", "b = a.bind(n=3)"], "bad-declaration", "several stages", (3, 0)),
    ],
)  # fmt: skip
def test_problems(lines: list[str], code: str, words: str, place: tuple[int, int]) -> None:
    result = declared(HEAD, *lines)
    (problem,) = [one for one in result.problems if one.severity == "error"]
    assert problem.code == code
    assert words in problem.message
    assert (problem.span.line, problem.span.column) == place
    assert problem.span.path == "pipeline.py"
    assert problem.stages


def test_a_long_ring_is_told_one_way_around() -> None:
    lines = [f"@stage\ndef s{number}(s{(number + 1) % 4}): pass" for number in range(4)]
    (problem,) = declared(HEAD, *lines).problems
    assert "s0 needs s1 needs s2 needs s3 needs s0" in problem.message
    assert problem.stages == ("s0", "s1", "s2", "s3")


def test_a_syntax_error_spoils_the_file() -> None:
    result = declared(HEAD, "@stage", "def f(:", "    pass")
    (problem,) = result.problems
    assert (problem.code, problem.span.line, problem.span.column) == ("syntax", 2, 6)
    assert problem.message
    assert not problem.stages
    assert not result.stages


def test_limits_are_read_and_an_instance_has_its_function_s() -> None:
    result = declared(
        HEAD, "@stage(retries=2, timeout=1.5)", "def a(n=1): pass", "b = a.bind(n=2)", "@stage", "def c(): pass"
    )
    assert not result.problems
    assert [(one.name, one.retries, one.timeout) for one in result.stages] == [
        ("a", 2, 1.5),
        ("b", 2, 1.5),
        ("c", 0, None),
    ]


def test_a_stage_inside_a_function_is_warned_of() -> None:
    result = declared(HEAD, "def outer():", "    if 1:", "        @stage", "        def inner(): pass")
    (problem,) = result.problems
    assert (problem.severity, problem.code, problem.span.line) == ("warning", "bad-declaration", 4)
    assert not result.stages


def test_each_makes_instances() -> None:
    result = declared(
        HEAD,
        "@stage(each={'k': [1, 2], 'mode': ['a']})",
        "def fit(k, mode, rate=0.5): pass",
        "@stage(each=[1, 'b', 1])",
        "def plain(x): pass",
        "@stage(each=[{'p': 1}, {'p': 2, 'q': 3}])",
        "def some(p, q=0): pass",
        "@stage",
        "def all(fit, plain): pass",
    )
    assert [stage.name for stage in result.stages] == [
        "fit[k=1,mode=a]", "fit[k=2,mode=a]", "plain[x=1]", "plain[x=b]", "plain[x=1]#2", "some[p=1]", "some[p=2,q=3]",
        "all",
    ]  # fmt: skip
    first, *_, some, last = result.stages
    assert [(one.name, one.value, one.source) for one in first.parameters] == [
        ("k", 1, "each"),
        ("mode", "a", "each"),
        ("rate", 0.5, "default"),
    ]
    assert (first.each, first.function) == ("fit", "fit")
    assert [one.value for one in some.parameters] == [2, 3]
    assert last.dependencies == {
        "fit": ("fit[k=1,mode=a]", "fit[k=2,mode=a]"),
        "plain": ("plain[x=1]", "plain[x=b]", "plain[x=1]#2"),
    }
    assert all(one.many for one in last.parameters)
    assert not result.problems


def test_each_that_only_running_tells() -> None:
    result = declared(HEAD, "@stage(each=load())", "def fit(k=1): pass")
    assert result.needs_planner == ("fit",)
    assert result.stages[0].guessed


def test_bind_keeps_what_it_does_not_name() -> None:
    result = declared(
        HEAD,
        "@stage(pool='p')",
        "def a(n=1, *, data=File('x')):",
        "    '''Doc.'''",
        "@stage",
        "def b(a, k=2): pass",
        "quick = a.bind(n=N)",
        "N = 3",
        "both = b.bind(a=quick)",
    )
    _, b, quick, both = result.stages
    assert (quick.function, quick.pool, quick.doc, quick.bound) == ("a", "p", "Doc.", True)
    assert [(one.value, one.source) for one in quick.parameters] == [(3, "bind"), ("x", "input")]
    assert both.dependencies == {"a": ("quick",)}
    assert b.dependencies == {"a": ("a",)}
    assert quick.span.line == 6


def test_bind_with_what_only_running_tells() -> None:
    result = declared(HEAD, "@stage", "def a(n=1): pass", "b = a.bind(**options)", "c = a.bind(n=load())")
    assert result.needs_planner == ("b", "c")


def test_stages_of_other_files() -> None:
    steps = f"{HEAD}\n@stage\ndef raw(n=1): pass\n@stage\ndef params(raw): pass\n@stage\ndef unused(): pass\n"
    result = declared(HEAD, "from steps import params as p", "@stage", "def fit(p, k=1): pass", steps=steps)
    assert [(stage.name, stage.path, stage.span.path) for stage in result.stages] == [
        ("params", "steps.py", "steps.py"),
        ("raw", "steps.py", "steps.py"),
        ("fit", "pipeline.py", "pipeline.py"),
    ]
    assert result.stages[-1].dependencies == {"p": ("params",)}
    assert not result.problems


def test_stages_through_a_star_and_a_re_export() -> None:
    inner = f"{HEAD}\n@stage\ndef raw(): pass\n"
    result = declared(
        HEAD, "from steps import *", "@stage", "def fit(raw): pass", steps="from inner import raw", inner=inner
    )
    assert [(stage.name, stage.path) for stage in result.stages] == [("raw", "inner.py"), ("fit", "pipeline.py")]


def test_files_that_import_each_other() -> None:
    steps = f"{HEAD}\nfrom pipeline import fit\n@stage\ndef last(fit): pass\n"
    result = declared(
        HEAD, "from steps import last", "@stage", "def fit(): pass", "@stage", "def end(last): pass", steps=steps
    )
    assert sorted(stage.name for stage in result.stages) == ["end", "fit", "last"]
    assert not result.problems
    other = declared(HEAD, "from steps import x", "@stage", "def fit(x): pass", steps="from pipeline import x")
    assert [one.code for one in other.problems] == ["unknown-dependency"]


def test_a_name_that_another_file_uses_too() -> None:
    steps = f"{HEAD}\n@stage\ndef fit(): pass\n"
    result = declared(HEAD, "from steps import fit as other", "@stage", "def fit(other): pass", steps=steps)
    assert [one.code for one in result.problems] == ["duplicate-stage"]
    assert "steps.py" in result.problems[0].message


def test_a_syntax_error_in_a_file_of_stages() -> None:
    result = declared(HEAD, "from steps import a", "@stage", "def fit(a): pass", steps="def a(:")
    assert [(one.code, one.span.path) for one in result.problems] == [
        ("unknown-dependency", "pipeline.py"),
        ("syntax", "steps.py"),
    ]


def test_a_problem_of_a_stage_taken_from_another_file() -> None:
    steps = f"{HEAD}\n@stage\ndef a(nothing): pass\n@stage\ndef other(nothing): pass\n"
    result = declared(HEAD, "from steps import a", "@stage", "def fit(a): pass", steps=steps)
    assert [(one.code, one.span.path, one.stages) for one in result.problems] == [
        ("unknown-dependency", "steps.py", ("a",))
    ]


def test_declarations_are_kept_and_read_back(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    files = {
        "pipeline.py": f"{HEAD}\nfrom steps import a\n@stage(each=[1, (2, 3)])\ndef fit(a, n, d=File('x'), bad=1j): pass\n",
        "steps.py": f"{HEAD}\n@stage\ndef a(k=float('nan'), out: Out = None): pass\n",
    }
    first = read(snapshot_of(files), "pipeline.py", None, cache)
    assert read(snapshot_of(files), "pipeline.py", None, cache) == first
    assert len(list(tmp_path.rglob("*"))) >= 2
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert read(snapshot_of(files), "pipeline.py", None, cache) == first


def test_a_long_file_takes_a_moment(tmp_path: Path) -> None:
    lines = [
        HEAD,
        *(f"@stage\ndef s{n}({f's{n - 1}, ' if n else ''}k: int = {n}):\n    return {n}\n" for n in range(10_000)),
    ]
    snapshot, cache = snapshot_of({"pipeline.py": "\n".join(lines)}), Cache(tmp_path)
    start = time.process_time()
    first = read(snapshot, "pipeline.py", None, cache)
    cold = time.process_time() - start
    start = time.process_time()
    assert read(snapshot, "pipeline.py", None, cache) == first
    warm = time.process_time() - start
    assert len(first.stages) == 10_000
    assert cold < 2
    assert warm < cold / 3


@settings(deadline=None)
@given(st.text(alphabet="abcdef(),:=@*\n []'1", max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    declared(HEAD, "@stage", f"def f({text}): pass")
    declared(HEAD, text, "@stage", "def f(a=1): pass")


def test_rings_agree_with_a_plain_search() -> None:
    @given(st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefgh"), max_size=3)))
    def check(needs: dict[str, list[str]]) -> None:
        def reach(start: str) -> set[str]:
            seen: set[str] = set()
            pending = list(needs.get(start, []))
            while pending:
                name = pending.pop()
                if name not in seen:
                    seen.add(name)
                    pending.extend(needs.get(name, []))
            return seen

        groups = rings(needs)
        assert {name for group in groups for name in group} == {name for name in needs if name in reach(name)}
        for group in groups:
            assert all(set(group) <= reach(name) for name in group)
            way = way_around(group, needs)
            assert way[0] == way[-1] == group[0]
            assert len(way) >= 2
            assert all(after in needs[before] for before, after in zip(way, way[1:], strict=False))

    check()
