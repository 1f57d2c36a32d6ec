"""What newcomers write at first: each is told what to do instead."""

from __future__ import annotations

import textwrap

import pytest


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param(
            """
            @stage
            def numbers(count: int = 3):
                return list(range(count))

            @stage
            def doubled(numbers):
                return [2 * n for n in numbers]

            @stage
            def total():
                return sum(doubled())
            """,
            1,
            ["doubled is a stage", "it needs 'numbers'", "make doubled a parameter"],
            id="calls-another-stage",
        ),
        pytest.param(
            """
            @stage
            def ask():
                return input("How many? ")
            """,
            1,
            ["EOFError", "Make what you would type a parameter"],
            id="asks",
        ),
        pytest.param(
            """
            count = int(input("How many? "))

            @stage
            def one():
                return count
            """,
            1,
            ["EOFError", "Make what you would type a parameter"],
            id="asks-at-import",
        ),
        pytest.param(
            """
            import datetime

            @stage
            def one(day=datetime.date(2026, 1, 1)):
                return str(day)
            """,
            2,
            ["day of one is of the type date", "Give it as text"],
            id="a-date-as-default",
        ),
        pytest.param(
            """
            import pathlib

            @stage
            def one(folder=pathlib.Path("data")):
                return str(folder)
            """,
            2,
            ["folder of one", "Give it as text"],
            id="a-path-as-default",
        ),
        pytest.param(
            """
            class Model:
                @stage
                def fit(self):
                    return 1
            """,
            2,
            ["has no stages", "at its top level", "'fit' is no stage here", "Move it there"],
            id="a-method",
        ),
    ],
)
def test_first_mistakes_are_told(project, text: str, code: int, words: list[str]) -> None:
    project.write("pipeline.py", "from stageloom import stage\n" + textwrap.dedent(text))
    said = project.run("realize", "pipeline.py", code=code)
    for word in words:
        assert word in said, said


def test_files_that_import_each_other_are_told_apart_from_others_that_fail_to_import(project) -> None:
    project.write(
        "first.py", "from stageloom import stage\nfrom second import two\n\n@stage\ndef one():\n    return 1\n"
    )
    project.write(
        "second.py", "from stageloom import stage\nfrom first import one\n\n@stage\ndef two(one):\n    return 2\n"
    )
    assert "These files import each other" in project.run("realize", "first.py", code=1)
    project.write("second.py", "from stageloom import stage\nfrom helper import none_such\n")
    assert "These files import each other" not in project.run("realize", "first.py", code=1)
    # a module of which only a part is there yet
    project.write(
        "first.py", "from stageloom import stage\nimport second\n\nfoot = 1\n\n@stage\ndef one():\n    return 1\n"
    )
    project.write("second.py", "import first\n\nTWICE = first.foot * 2\n")
    assert "These files import each other" in project.run("realize", "first.py", code=1)


def test_no_command_is_answered_with_what_there_is(project) -> None:
    said = project.run(code=2)
    assert "realize" in said
    assert "exit codes" in said
