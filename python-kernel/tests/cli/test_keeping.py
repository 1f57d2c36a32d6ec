"""The store's own commands: collect, verify, carry, pin."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stageloom.cli.selection import parse_size, parse_time


def objects(root: Path) -> int:
    return sum(path.is_file() for path in (root / ".stageloom" / "store" / "trees").rglob("*"))


def test_gc_keeps_what_pipelines_reach_and_says_what_would_go(project):
    project.realize("pipeline.py:doubled")
    project.realize("pipeline.py:doubled", "--set", "numbers.count=9")
    before = objects(project.root)
    said = project.run("gc")
    assert "2 realizations would go" in said
    assert "add --delete" in said
    assert objects(project.root) == before
    told = project.json("gc")
    assert {one["stage"] for one in told["victims"]} == {"numbers", "doubled"}
    assert (told["deleted"], told["kept"], told["inUse"]) == (False, 2, 0)
    assert "Collected 2 realizations" in project.run("gc", "--delete")
    assert objects(project.root) == before // 2
    assert "Nothing to collect" in project.run("gc", "--delete")
    assert project.realize("pipeline.py:doubled") == {"numbers": "kept", "doubled": "kept"}
    assert "All is as it was stored" in project.run("verify")
    assert project.ran("pipeline.py:doubled", "--set", "numbers.count=9") == {"numbers", "doubled"}


def test_gc_keeps_all_of_a_file_that_cannot_be_read_now(project):
    project.realize("pipeline.py:doubled")
    project.write("pipeline.py", "def (:\n")
    assert "Nothing to collect" in project.run("gc", "--delete")
    (project.root / "pipeline.py").unlink()
    assert "Collected 2 realizations" in project.run("gc", "--delete")


def test_what_another_workspace_of_a_shared_store_reaches_stays_until_told_otherwise(project, tmp_path_factory):
    shared = str(tmp_path_factory.mktemp("shared") / "store")
    mine, theirs = project, type(project)(tmp_path_factory.mktemp("theirs"))
    theirs.write("other.py", (mine.root / "pipeline.py").read_text().replace('"sum "', '"total "'))
    theirs.write("helper.py", (mine.root / "helper.py").read_text())
    theirs.run("realize", "other.py:report", "--set", "numbers.count=5", "--store", shared)
    mine.run("realize", "pipeline.py:report", "--store", shared)
    said = mine.run("gc", "--store", shared, "--delete")
    assert "Nothing to collect" in said
    assert f"kept: 3 realizations reached by {theirs.root}, planned just now" in said
    assert mine.json("gc", "--store", shared)["spared"][0]["count"] == 3
    told = theirs.json("gc", "--store", shared, "--no-pipelines", "--delete")
    assert len(told["victims"]) == 3, "its own note does not keep what it may collect"
    assert [one["workspace"] for one in told["spared"]] == [str(mine.root)]
    (mine.root / "pipeline.py").unlink()
    assert "3 realizations would go" in mine.run("gc", "--store", shared, "--others", "0")
    assert "planned" in theirs.run("gc", "--store", shared, "--others", "1d")
    assert "Collected 3 realizations" in theirs.run("gc", "--store", shared, "--others", "0", "--delete")


def test_what_a_workspace_found_made_by_another_is_its_own_too(project, tmp_path_factory):
    shared, theirs = str(tmp_path_factory.mktemp("shared") / "store"), type(project)(tmp_path_factory.mktemp("theirs"))
    for name in ("pipeline.py", "helper.py"):
        theirs.write(name, (project.root / name).read_text())
    project.run("realize", "pipeline.py:doubled", "--store", shared)
    assert "cached" in theirs.run("status", "pipeline.py:doubled", "--store", shared)
    project.edit("pipeline.py", "count: int = 3", "count: int = 4")
    project.run("realize", "pipeline.py:doubled", "--store", shared)
    said = project.run("gc", "--store", shared, "--delete")
    assert f"kept: 2 realizations reached by {theirs.root}" in said
    theirs.edit("pipeline.py", "count: int = 3", "count: int = 4")
    theirs.run("realize", "pipeline.py:doubled", "--store", shared)
    assert "Collected 2 realizations" in project.run("gc", "--store", shared, "--delete")


def test_gc_by_age_size_and_name(project):
    project.realize("pipeline.py:doubled")
    assert "Nothing to collect" in project.run("gc", "--no-pipelines", "--older-than", "1d")
    assert "Nothing to collect" in project.run("gc", "--no-pipelines", "--max-size", "1MB")
    assert "2 realizations would go" in project.run("gc", "--no-pipelines", "--max-size", "1B")
    [rref] = [one["rref"] for one in project.json("gc", "--no-pipelines")["victims"] if one["stage"] == "numbers"]
    assert "1 realization would go" in project.run("gc", "--no-pipelines", "--keep", rref)
    assert "is not a realization reference" in project.run("gc", "--keep", "rref:../../x", code=2)
    nobody = "rref:" + "0" * 32 + "-" + "0" * 32 + "-x"
    assert "has no realization" in project.run("gc", "--no-pipelines", "--keep", nobody, "--delete", code=2)
    assert "takes references" in project.run("gc", "--keep", "pipeline.py:doubled", "--delete", code=2)
    assert "takes whole files" in project.run("gc", "pipeline.py:doubled", "--delete", code=2)
    assert len(project.json("history")) == 2
    assert "is not a size" in project.run("gc", "--max-size", "many", code=2)
    assert "is not a time" in project.run("gc", "--older-than", "5y", code=2)


def test_sizes_and_times_as_people_write_them():
    assert [parse_size(text) for text in ("7", "1kB", "1.5 MB", "2GiB", "1T")] == [7, 1000, 1_500_000, 2 << 30, 10**12]
    assert [parse_time(text) for text in ("2", "1h", "90min", "3 d", "1w", "5s")] == [
        172800,
        3600,
        5400,
        259200,
        604800,
        5,
    ]
    for text in ("x", "1 parsec", "-1"):
        for parse in (parse_size, parse_time):
            with pytest.raises(ValueError, match=text):
                parse(text)


def test_verify_names_what_is_damaged_and_repairs_it(project):
    project.realize("pipeline.py:doubled")
    store = project.root / ".stageloom" / "store"
    victim = next(path for path in (store / "trees").rglob("value.json"))
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-1] + b"9")
    said = project.run("verify", code=1)
    assert f"tree: {victim} is damaged" in said
    assert "stageloom verify --repair" in said
    told = project.json("verify", "--repair")
    assert [one["kind"] for one in told["damages"]] == ["tree"]
    assert len(told["moved"]) == len(told["forgotten"]) == 1
    assert len(list((store / "damaged").iterdir())) == 1
    assert "All is as it was stored" in project.run("verify")
    assert len(project.ran("pipeline.py:doubled")) == 1
    (store / "index.sqlite").write_bytes(b"nothing")
    assert "All is as it was stored" in project.run("verify"), "opening made it anew"


def test_an_archive_carries_results_to_another_store(project):
    project.realize("pipeline.py:report")
    assert "Packed 3 realizations into results.zip" in project.run("pack", "results.zip", "pipeline.py:report")
    shutil.rmtree(project.root / ".stageloom", onerror=make_writable)
    told = project.json("unpack", "results.zip")
    assert len(told["added"]) == 3
    assert len(told["roots"]) == 1
    assert project.ran("pipeline.py:report") == set()
    assert "it is all here" in project.run("unpack", "results.zip")
    assert "isn't cached; run: stageloom realize pipeline.py:apart" in project.run(
        "pack", "x.zip", "pipeline.py:apart", code=2
    )
    assert "is a folder" in project.run("pack", ".", code=2)
    assert "is refused" in project.run("unpack", "pipeline.py", code=3)
    assert "cannot be read" in project.run("unpack", "nothing.zip", code=3)
    assert "--max-size" in project.run("unpack", "results.zip", "--max-size", "10B", "--store", "other", code=3)
    assert "could not be written" in project.run("pack", "nowhere/results.zip", code=3)


def make_writable(function, path, _):
    Path(path).parent.chmod(0o755)
    Path(path).chmod(0o755)
    function(path)


def test_a_remote_shares_results_between_checkouts(project, tmp_path_factory):
    pytest.importorskip("fsspec")
    remote = str(tmp_path_factory.mktemp("remote"))
    project.realize("pipeline.py")
    project.realize("pipeline.py:apart", "--set", "numbers.count=4")
    assert "Pushed 3 realizations" in project.run("push", remote, "pipeline.py:report")
    assert "Nothing to push: all 3 are there" in project.run("push", remote, "pipeline.py:report")
    shutil.rmtree(project.root / ".stageloom", onerror=make_writable)
    assert "Took in 2 realizations" in project.run("pull", remote, "pipeline.py:doubled")
    assert project.ran("pipeline.py:doubled") == set()
    assert len(project.json("pull", remote)["added"]) == 1
    assert project.ran("pipeline.py") == {"apart"}
    assert "nothing at" in project.run("pull", str(project.root), code=3)


def test_without_fsspec_the_command_that_installs_it_is_named(project):
    project.realize("pipeline.py:apart")
    program = "import sys; sys.modules['fsspec'] = None; from stageloom.cli import main; sys.exit(main(['push', 'memory://x']))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project.root, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 3
    assert 'pip install "stageloom[remotes]"' in done.stderr


CHANCE = """
    import uuid
    from stageloom import stage


    @stage
    def drawn():
        return uuid.uuid4().hex


    @stage
    def shown(drawn):
        return drawn
"""


def test_a_pin_makes_an_older_realization_the_one_chosen(project):
    project.write("pipeline.py", CHANCE)
    load = "import stageloom; print(stageloom.load('pipeline.py:shown'))"
    project.realize()
    first = project.python(load)
    project.run("invalidate", "pipeline.py:drawn")
    project.realize()
    second = project.python(load)
    assert first != second
    project.run("undo")
    assert project.python(load) == second, "the latest is chosen"
    older = project.json("gc", "--no-pipelines")["victims"][0]["rref"]
    assert "Pinned drawn" in project.run("pin", older)
    assert older in project.run("pin")
    assert project.json("pin")["pinned"] == [older]
    assert "all of these are pinned" in project.run("pin", older)
    assert project.python(load) == first
    assert project.states() == {"drawn": "cached", "shown": "cached"}
    chosen = {one["name"]: one["realization"]["rref"] for one in project.json("status", "pipeline.py")["stages"]}
    assert chosen["drawn"] == older

    def drawn(*words, **more):
        import json

        out = project.run("status", "pipeline.py:drawn", "--json", *words, **more)
        return json.loads(out)["stages"][0]["realization"]["rref"]

    assert drawn() == older
    assert drawn("--no-pins") != older
    assert drawn(CI="true") != older, "a CI takes no pins"
    assert drawn("--pins", CI="true") == older
    assert drawn() == older
    project.run("status", "pipeline.py", CI="true")
    assert project.python(load) == first
    project.run("realize", "pipeline.py")
    assert older not in [one["rref"] for one in project.json("gc", "--no-pipelines")["victims"]]
    assert "Unpinned drawn" in project.run("unpin", older)
    assert project.python(load) == second
    assert "Nothing is pinned" in project.run("pin")


def test_pins_of_another_workspace_are_not_this_ones(project, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    store = str(project.root / ".stageloom" / "store")
    project.write("pipeline.py", CHANCE)
    project.realize()
    project.run("pin", "pipeline.py:drawn", "--store", store, "--root", str(project.root))
    assert project.json("pin")["pinned"]
    assert project.json("pin", "--store", store, "--root", str(other))["pinned"] == []


def test_what_a_repair_forgot_is_left_out_and_a_damaged_remote_is_mended(project, tmp_path_factory):
    pytest.importorskip("fsspec")
    remote = tmp_path_factory.mktemp("remote")
    project.realize("pipeline.py")
    assert "What was there is as it should be" in project.run("push", "--check", str(remote))
    victim = max((path for path in (remote / "files").rglob("*") if path.is_file()), key=lambda path: path.name)
    content = victim.read_bytes()
    victim.chmod(0o644)
    victim.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    other = str(tmp_path_factory.mktemp("other") / "store")
    assert f"stageloom push --check {remote}" in project.run("pull", str(remote), "--store", other, code=3)
    assert "Mended there: 1 object" in project.run("push", "--check", str(remote))
    assert victim.read_bytes() == content
    assert "Took in 4 realizations" in project.run("pull", str(remote), "--store", other)

    [numbers] = [one for one in project.json("history") if one["stage"] == "numbers"]
    store = project.root / ".stageloom" / "store"
    value = next(path for path in (store / "trees").rglob("value.json") if json.loads(path.read_bytes()) == [0, 1, 2])
    value.chmod(0o644)
    value.write_bytes(b"[9, 9, 9]")
    project.run("verify", "--repair")
    said = project.run("pack", "all.zip", code=1)
    assert "Packed 1 realization into all.zip" in said
    assert f"it was made from {numbers['rref']}" in said
    assert "2 realizations left out: realize their stages again" in said
    told = project.json("pack", "all.zip", code=1)
    assert (told["realizations"], len(told["leftOut"])) == (1, 2)
    assert "Nothing to push: all 4 are there" in project.run("push", str(remote)), "they are whole there"
    assert project.ran("pipeline.py") == {"numbers"}
    assert "Packed 4 realizations" in project.run("pack", "all.zip")
