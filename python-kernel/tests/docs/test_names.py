"""What the documentation names is there: commands, settings, options, links, pictures, and who imports whom."""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stageloom.cli.arguments import _parser
from stageloom.store.layout import FOLDERS

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "python-kernel" / "src" / "stageloom"
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MANIFEST: Any = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["contributes"]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "python-kernel" / "README.md"])


def section(text: str, title: str) -> str:
    """Return what stands below the heading ``title``, up to the next one of its level or above."""
    level, rest = re.split(rf"^(#+) {re.escape(title)}$", text, maxsplit=1, flags=re.MULTILINE)[1:]
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables' rows, without headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row, after in pairwise([*cells, [""]]) if set(row[0]) - set("-: ") and set(after[0]) != {"-"}]


# --- commands, settings, options -------------------------------------------------------------------------------------


def test_commands() -> None:
    told = {row[0].removeprefix("Stageloom: ") for row in rows(section(GUIDE, "Commands"))}
    titles = {one["title"]: one["command"] for one in MANIFEST["commands"]}
    assert told == {title for title, command in titles.items() if not command.startswith("stageloom.artifact.")}
    text = " ".join(section(GUIDE, "Commands").split())
    assert [title for title in titles if title not in text] == []


def test_settings() -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in rows(section(GUIDE, "Settings"))}
    properties = MANIFEST["configuration"]["properties"]
    assert told == {name: str(one["default"] if one["default"] != "" else "empty") for name, one in properties.items()}


def test_keys() -> None:
    keys = " ".join(row[0] for row in rows(section(GUIDE, "Keyboard"))).lower()
    for binding in MANIFEST["keybindings"]:
        assert binding["key"] in keys
        assert binding["mac"] in keys


def test_options() -> None:
    told = {
        option: set(re.findall(r"`(\w+)`", row[1])) if row[1] != "all" else set(_commands())
        for row in rows(section(GUIDE, "On a CI"))
        for option in re.findall(r"`(--?[a-z-]+)", row[0])
    }
    there: dict[str, set[str]] = {}
    for name, parser in _commands().items():
        for action in parser._actions:
            for option in action.option_strings:
                if option not in ("-h", "--help"):
                    there.setdefault(option, set()).add(name)
    assert told == there


def test_commands_of_the_command_line() -> None:
    names = set(_commands())
    for page in PAGES:
        used = set(re.findall(r"^(?:\$ )?stageloom ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert used <= names, page


def _commands() -> Mapping[str, argparse.ArgumentParser]:
    [sub] = [action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return sub.choices  # type: ignore[return-value,unused-ignore]  # a plain dict behind it


def test_folders_of_the_store() -> None:
    text = section(GUIDE, "The store")
    assert [name for name in FOLDERS if f"`{name}/`" not in text] == []
    assert [name for name in FOLDERS if f"{name}/" not in ARCHITECTURE] == []


# --- links and pictures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    missing = [link for link in _links(text) if not _leads(page, link)]
    assert missing == []


def _links(text: str) -> Iterator[str]:
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|srcset|href)="([^"]+)"', text)


def _leads(page: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    path, _, anchor = link.partition("#")
    target = page if not path else page.parent / path
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target.read_text(encoding="utf-8"))


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_pictures_are_light_and_dark() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = {path for path in _links(readme) if path.endswith(".png")}
    for path in shown:
        other = path.replace("-light.", "-dark.") if "-light." in path else path.replace("-dark.", "-light.")
        assert other != path
        assert other in shown, path


# --- who imports whom ------------------------------------------------------------------------------------------------


def test_imports_of_the_python_package() -> None:
    told = {_name(row[0]): _names(row[2]) for row in rows(section(ARCHITECTURE, "Rooms of the Python package"))}
    there = {path.stem for path in PACKAGE.iterdir() if path.name != "__pycache__" and not path.name.startswith("_")}
    light = {"search", "progress", "py"}
    assert set(told) == there - light
    found = {room: _python_imports(room) - {"_version"} for room in told}
    assert told == found


def _python_imports(room: str) -> set[str]:
    files = list((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stageloom"):
                module = node.module or ""
                names = [f"{module}.{one.name}" for one in node.names] if module == "stageloom" else [module]
                found.update(name.split(".")[1] for name in names)
    return found - {room}


def test_imports_of_the_extension() -> None:
    sources = ROOT / "extension" / "src"
    told = {_name(row[0]): _names(row[2]) for row in rows(section(ARCHITECTURE, "Rooms of the extension"))}
    rooms = {path.name for path in sources.iterdir() if path.is_dir()}
    assert set(told) == rooms
    found: dict[str, set[str]] = {room: set() for room in rooms}
    for room in rooms:
        for file in (sources / room).rglob("*.ts"):
            for path in re.findall(r'from "(\.[^"]+)"', file.read_text(encoding="utf-8")):
                target = (file.parent / path).resolve().relative_to(sources).parts[0]
                found[room] |= {target} & rooms - {room}
    assert told == found


def _name(cell: str) -> str:
    return cell.strip("`")


def _names(cell: str) -> set[str]:
    return set() if cell == "nothing" else set(cell.split(", "))
