"""Which files an input stands for, and by which names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stageloom.functions.inputs import NoInputError, input_hashes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b").write_text("1", "utf-8")
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "data" / "a").write_text("1", "utf-8")
    try:
        os.symlink(tmp_path / "elsewhere", project / "data" / "linked", target_is_directory=True)
    except OSError:
        pytest.skip("this system lets nobody make links")
    return project


def test_files_in_a_linked_folder_count(root: Path) -> None:
    before = input_hashes(root, "p.py", "data", "dir")
    assert list(before) == ["data/a", "data/linked/b"]
    (root / "data" / "linked" / "b").write_text("2", "utf-8")
    assert input_hashes(root, "p.py", "data", "dir") != before


def test_a_link_upwards_ends(root: Path) -> None:
    os.symlink(root / "data", root / "data" / "again", target_is_directory=True)
    os.symlink(root, root.parent / "elsewhere" / "back", target_is_directory=True)
    names = list(input_hashes(root, "p.py", "data", "dir"))
    assert {"data/a", "data/linked/b"} <= set(names)
    assert len(names) < 20


def test_links_to_one_file_are_several_inputs(root: Path) -> None:
    for name in ("x.csv", "y.csv"):
        os.symlink(root / "data" / "a", root / name)
    assert list(input_hashes(root, "p.py", "*.csv", "file")) == ["x.csv", "y.csv"]
    (root / "y.csv").unlink()
    assert list(input_hashes(root, "p.py", "*.csv", "file")) == ["x.csv"]


def test_a_project_behind_a_link_has_the_same_names(root: Path) -> None:
    there = root.parent / "there"
    os.symlink(root, there, target_is_directory=True)
    assert input_hashes(there, "p.py", "data/*", "file") == input_hashes(root, "p.py", "data/*", "file")


def test_a_link_that_leads_nowhere_is_told_of_its_input(root: Path) -> None:
    os.symlink(root / "nowhere", root / "data" / "lost")
    with pytest.raises(NoInputError, match=r"lost cannot be read: No such file"):
        input_hashes(root, "p.py", "data", "dir")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_told_of_its_input_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.mkfifo(tmp_path / "data" / "pipe")
    with pytest.raises(NoInputError, match=r"pipe cannot be read: it is no regular file"):
        input_hashes(tmp_path, "p.py", "data", "dir")


def test_a_name_with_brackets_is_a_name_first_and_then_a_pattern(tmp_path: Path) -> None:
    project = tmp_path / "project [1]"
    project.mkdir()
    (project / "q1.csv").write_text("1", "utf-8")
    assert list(input_hashes(project, "p.py", "q[1].csv", "file")) == ["q1.csv"]
    (project / "q[1].csv").write_text("2", "utf-8")
    assert list(input_hashes(project, "p.py", "q[1].csv", "file")) == ["q[1].csv"]
