from __future__ import annotations

import ast
from pathlib import Path
from textwrap import dedent

import pytest

from stageloom.derivations.source import imports_derivations, stage_functions

EXAMPLE = Path(__file__).parents[3] / "examples" / "annealing" / "derivations.py"


def read(text):
    return {one.name: one for one in stage_functions(ast.parse(dedent(text)), "file.py")}


def test_the_example():
    found = {one.name: one for one in stage_functions(ast.parse(EXAMPLE.read_text("utf-8")), "derivations.py")}
    assert list(found) == ["stage_params", "stage_anneal", "stage_plot", "stage_all"]
    assert [one.stage for one in found.values()] == ["params", "anneal", "plot", "stage_all"]
    assert [one.entry for one in found.values()] == [True, False, False, True]
    assert found["stage_anneal"].needs == {"params": ["stage_params"]}
    assert found["stage_plot"].needs == {"anneal": ["stage_anneal"]}
    assert found["stage_all"].alias == "stage_plot"
    assert found["stage_anneal"].configuration == {"maxiter": 500, "seed": 2}
    assert found["stage_params"].doc == "The 13 parameters of the test function."
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for one in found.values():
        assert lines[one.span.line][one.span.column : one.span.end_column] == one.name


@pytest.mark.parametrize(
    ("head", "call"),
    [
        ("from stageloom.derivations import *", "mkdrv"),
        ("from stageloom.derivations import mkdrv", "mkdrv"),
        ("from stageloom.derivations import mkdrv as make", "make"),
        ("import stageloom.derivations", "stageloom.derivations.mkdrv"),
        ("import stageloom.derivations as d", "d.mkdrv"),
        ("from stageloom import derivations", "derivations.mkdrv"),
        ("try:\n    from stageloom import derivations as d\nexcept ImportError:\n    raise", "d.mkdrv"),
    ],
)
def test_finds_mkdrv_by_any_name(head, call):
    found = read(f"{head}\ndef stage_a(m):\n    return {call}(m, c, x, y)\n")
    assert list(found) == ["stage_a"]
    assert found["stage_a"].makes
    assert found["stage_a"].entry


@pytest.mark.parametrize(
    "text",
    [
        "def stage_a(m):\n    return mkdrv(m, c, x, y)\n",
        "from pylightnix import mkdrv\ndef stage_a(m):\n    return mkdrv(m, c, x, y)\n",
        "from stageloom.derivations import mkconfig\ndef stage_a(m):\n    return mkdrv(m, c, x, y)\n",
        "from stageloom.derivations import mkdrv\ndef helper():\n    return mkdrv\n",
        "from stageloom.derivations import mkdrv\nTEXT = '''\ndef stage_a(m):\n    return mkdrv(m)\n'''\n",
    ],
)
def test_finds_nothing_elsewhere(text):
    assert read(text) == {}


def test_a_file_without_the_import_is_not_of_this_language():
    assert not imports_derivations(ast.parse("from stageloom import stage"))
    assert imports_derivations(ast.parse("from stageloom.derivations.manager import mkdrv"))


def test_needs_by_call_sites_names_and_nesting():
    found = read(
        """
        from stageloom.derivations import *

        def stage_data(m):
            return mkdrv(m, c, x, y)

        def stage_model(m, source, size=3):
            return mkdrv(m, c, x, y)

        def stage_report(m, ref_model, *, data):
            return mkdrv(m, c, x, y)

        def stage_nested(m):
            d = stage_data(m)
            return mkdrv(m, mkconfig({"d": d}), x, y)

        def stage_all(m, twice=False):
            d = stage_data(m)
            e = d
            model = stage_model(m, source=e)
            result = stage_report(m, model, data=d)
            return result
        """
    )
    assert found["stage_model"].needs == {"source": ["stage_data"]}
    assert found["stage_report"].needs == {"ref_model": ["stage_model"], "data": ["stage_data"]}
    assert found["stage_nested"].needs == {"stage_data": ["stage_data"]}
    assert found["stage_all"].alias == "stage_report"
    assert not found["stage_report"].entry
    assert found["stage_all"].entry


def test_a_function_that_passes_no_manager_on_or_returns_nothing_is_no_stage():
    found = read(
        """
        from stageloom.derivations import Manager, mkdrv

        def stage_a(m):
            return mkdrv(m, c, x, y)

        def main():
            stage_a(Manager())

        def look(m):
            print(stage_a(m))

        def imported(m: "Manager"):
            return other.stage(m)
        """
    )
    assert list(found) == ["stage_a", "imported"]
    assert found["imported"].alias == ""


def test_decorators_count_as_the_first_line():
    found = read(
        """
        from stageloom.derivations import mkdrv

        @one
        @two
        def stage_a(m):
            return mkdrv(m, c, x, y)
        """
    )
    assert found["stage_a"].first_line == 4
    assert found["stage_a"].span.line == 5


def test_functions_that_return_one_another_stand_for_nothing():
    found = read(
        """
        from stageloom.derivations import Manager, mkdrv

        def stage_self(m: Manager):
            return stage_self(m)

        def stage_one(m: Manager):
            return stage_two(m)

        def stage_two(m: Manager):
            return stage_one(m)
        """
    )
    assert [(one.alias, one.needs) for one in found.values()] == [("", {})] * 3
