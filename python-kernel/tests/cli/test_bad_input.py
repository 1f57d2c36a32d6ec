"""Bad input, item by item: a clear message that says what to do, the right exit code, and nothing lost."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
    from stageloom import Out, stage


    @stage
    def good():
        return [1, 2, 3]


    @stage
    def total(good):
        return sum(good)
"""


@pytest.fixture
def made(project):
    """Return a project with two stages that are realized."""
    project.write("pipeline.py", GOOD)
    assert project.ran() == {"good", "total"}
    return project


def add(project, text: str) -> None:
    """Put another stage at the end of the file."""
    project.write("pipeline.py", GOOD.rstrip() + "\n\n" + text)


def nothing_lost(project) -> None:
    """Check that the first two stages are as they were, once the file is."""
    project.write("pipeline.py", GOOD)
    assert project.ran() == set()
    assert project.python("import stageloom; print(stageloom.load('pipeline.py:total'))").strip() == "6"


def failure(project, stage: str, code: int = 1) -> dict:
    """Realize and return how ``stage`` failed."""
    answer = project.json("realize", "pipeline.py", code=code)
    [found] = [one for one in answer["stages"] if one["name"] == stage]
    assert found["is"] == "failed"
    others = {one["name"]: one["is"] for one in answer["stages"] if one["name"] != stage}
    assert others == {"good": "kept", "total": "kept"}
    return {**found["failure"], "run": answer["run"]}


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("    @stage\n    def broken(:\n        pass\n", "syntax", ["pipeline.py:14:", "error"]),
        ("    @stage\n    def good():\n        return 2\n", "duplicate-stage", ["pipeline.py:14:", "'good'", "Rename"]),
        (
            "    @stage\n    def one(two):\n        return 1\n\n    @stage\n    def two(one):\n        return 2\n",
            "cycle",
            ["one needs two needs one", "Take one of these parameters away"],
        ),
        ("    @stage\n    def other(goood):\n        return 1\n", "unknown-dependency", ["goood", "good"]),
        ("    @stage\n    def other(x=object()):\n        return 1\n", "bad-parameter", ["x", "object"]),
    ],
    ids=["syntax error", "two of one name", "cycle", "unknown dependency", "not serialisable"],
)
def test_what_is_wrong_in_the_source_is_told_with_its_place(made, text, code, words):
    add(made, text)
    answer = made.json("realize", "pipeline.py", code=2)
    assert answer["outcome"] == "refused"
    problem = answer["problems"][0]
    assert problem["code"] == code
    assert problem["span"]["path"] == "pipeline.py"
    assert problem["span"]["line"] > 9 or code == "duplicate-stage"
    told = made.run("realize", "pipeline.py", code=2)
    assert all(word in told for word in words), told
    assert "Traceback" not in told
    assert "pipeline.py:" in made.run("status", "pipeline.py", code=2)
    nothing_lost(made)


def test_an_exception_has_its_traceback_and_its_log_is_kept(made):
    add(
        made,
        """    @stage
    def bad(good):
        print("before it")
        raise ValueError("so it is")
""",
    )
    found = failure(made, "bad")
    assert (found["kind"], found["exception"]) == ("exception", "ValueError")
    assert "ValueError: so it is" in found["message"]
    frame = found["frames"][-1]
    assert (frame["path"], frame["line"], frame["user"]) == (str(made.root / "pipeline.py"), 15, True)
    [log] = (made.root / ".stageloom/store/runs").glob(f"*/{found['run']}/bad/log.txt")
    assert log.read_text() == "before it\n"
    told = made.run("realize", "pipeline.py", code=1)
    assert f'{made.root / "pipeline.py"}", line 16, in bad' in told
    assert "1 failed" in told
    assert "bad    failed: ValueError · just now" in made.run("status", "pipeline.py")
    told = made.run("why", "pipeline.py:bad")
    assert f'{made.root / "pipeline.py"}", line 16, in bad' in told
    assert log.read_text() == "before it\n"
    [kept] = [line.partition("It printed: ")[2] for line in told.splitlines() if "It printed: " in line]
    assert Path(kept).read_text() == "before it\n"
    nothing_lost(made)


@pytest.mark.parametrize("where", ["inside", "on top"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(made, where):
    if where == "inside":
        add(made, "    @stage\n    def bad(good):\n        import no_such_package_here\n        return 1\n")
    else:
        add(made, "    import no_such_package_here\n    @stage\n    def bad(good):\n        return 1\n")
    answer = made.json("realize", "pipeline.py:bad", code=1)
    failed = [one["failure"] for one in answer["stages"] if one["failure"]]
    assert [one["kind"] for one in failed] == ["missing-package"] * len(failed)
    assert failed
    assert failed[0]["package"] == "no_such_package_here"
    assert sys.executable in failed[0]["command"]
    assert "install" in failed[0]["command"]
    told = made.run("realize", "pipeline.py:bad", code=1)
    assert "no_such_package_here" in told
    assert failed[0]["command"] in told
    nothing_lost(made)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("    @stage\n    def bad(good, out: Out):\n        pass\n", "missing-output", ["bad", "out"]),
        ("    @stage\n    def bad(good):\n        return lambda: 1\n", "unstorable", ["lambda"]),
        ("    @stage\n    def bad(good):\n        return (n for n in good)\n", "unstorable", ["generator"]),
        ("    @stage\n    def bad(out: Out):\n        (out / 'a:b').touch()\n", "unstorable", ["a:b"]),
    ],
    ids=["promised and not written", "a function", "a generator", "a name that not every system takes"],
)
def test_what_a_stage_leaves_that_cannot_be_stored_is_told(made, text, kind, words):
    add(made, text)
    found = failure(made, "bad")
    assert found["kind"] == kind
    assert found["advice"]
    told = made.run("realize", "pipeline.py", code=1)
    assert all(word in told for word in words), told
    assert told.count(found["advice"]) == 1
    nothing_lost(made)


def test_a_parameter_that_is_set_to_nonsense_is_refused(made):
    told = made.run("realize", "pipeline.py", "--set", "good.n={1: 2}", code=2)
    assert "good.n" in told
    nothing_lost(made)


def test_a_damaged_object_is_made_again_and_told_by_nothing_wrong(made):
    store = made.root / ".stageloom/store"
    victims = [*store.glob("trees/*/*/return/*"), *store.glob("trees/*/*.json"), *store.glob("records/*/*.json")]
    victims += [*store.glob("derivations/*/*.json")]
    kinds = set()
    for victim in victims:
        content = victim.read_bytes()
        victim.parent.chmod(0o755)
        victim.chmod(stat.S_IRUSR | stat.S_IWUSR)
        victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        kinds.add(victim.relative_to(store).parts[0])
        states = made.realize()
        assert set(states.values()) <= {"kept", "done"}
        assert made.python("import stageloom; print(stageloom.load('pipeline.py:total'))").strip() == "6"
    assert kinds == {"trees", "records", "derivations"}
    nothing_lost(made)
    print(f"faults: command line: {len(victims)} objects damaged one after another: 0 wrong values, all healed")


def test_a_store_whose_place_is_taken_by_a_file_says_so(project):
    project.write("pipeline.py", GOOD)
    (project.root / "taken").write_text("mine")
    told = project.run("realize", "pipeline.py", "--store", "taken", code=3)
    assert "taken" in told
    assert "Move the file, or choose another folder" in told
    assert "Traceback" not in told
    assert (project.root / "taken").read_text() == "mine"


class Mounted:
    """A small file system in memory; skips the test where none may be mounted."""

    def __init__(self, folder: Path, size: str) -> None:
        self.path = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"no file system may be mounted here: {done.stderr.decode().strip()}")

    def again(self, options: str) -> None:
        """Mount it with other options."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)

    def __enter__(self) -> Mounted:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")
def test_a_store_that_cannot_be_written_is_read_and_says_what_to_do(project):
    project.write("pipeline.py", GOOD)
    with Mounted(project.root / "disk", "4m") as disk:
        project.run("realize", "pipeline.py:good", "--store", "disk/store")
        disk.again("ro")
        told = project.run("status", "pipeline.py", "--store", "disk/store")
        assert "good   cached" in told
        told = project.run("realize", "pipeline.py", "--store", "disk/store", code=1)
        assert "cannot be written" in told
        assert "choose another folder" in told
        told = project.run("realize", "pipeline.py", "--store", "disk/new", code=3)
        assert "choose another folder" in told
        disk.again("rw")
        assert project.ran("pipeline.py", "--store", "disk/store") == {"total"}


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")
def test_a_full_disk_fails_the_run_keeps_what_finished_and_goes_on_when_there_is_space(project):
    project.write(
        "pipeline.py",
        """
        from stageloom import Out, stage


        @stage
        def small():
            return "small"


        @stage
        def other(small):
            return small + "er"


        @stage
        def big(other, out: Out):
            (out / "big.bin").write_bytes(bytes(3_000_000))
        """,
    )
    refused = 0
    with Mounted(project.root / "disk", "900k") as disk:
        place = ("--store", "disk/store")
        answer = project.json("realize", "pipeline.py", *place, code=1)
        states = {one["name"]: one["is"] for one in answer["stages"]}
        assert states == {"small": "done", "other": "done", "big": "failed"}
        [found] = [one["failure"] for one in answer["stages"] if one["failure"]]
        assert found["kind"] == "disk-full"
        assert "space" in found["advice"]
        # Less and less space for a run that would fit: whatever it comes to, it is told, and nothing is lost.
        filler = disk.path / "filler"
        for free in (64, 48, 32, 24, 16, 12, 8, 4, 0):
            filler.unlink(missing_ok=True)
            space = os.statvfs(disk.path)
            filler.write_bytes(bytes(max(0, space.f_bavail * space.f_frsize - free * 1024)))
            project.edit("pipeline.py", 'return "small', f'return "{free} small')
            process = project.start("realize", "pipeline.py:other", "--json", *place)
            out, err = process.communicate(timeout=180)
            assert process.returncode in (0, 1, 3), out + err
            assert "Traceback" not in err, err
            if process.returncode:
                refused += 1
                assert "space" in out + err, out + err
            project.edit("pipeline.py", f'return "{free} small', 'return "small')
            filler.unlink()
            assert project.states("pipeline.py:other", *place) == {"other": "cached"}
        assert refused >= 3
        disk.again("size=16m")
        assert project.realize("pipeline.py", *place) == {"small": "kept", "other": "kept", "big": "done"}
    print(f"faults: command line: 9 runs on a disk ever fuller: {refused} refused by name, nothing lost")
