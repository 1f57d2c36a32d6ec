"""Disks of many sizes, too small for a run or just large enough; then there is room again."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest
from small_run import STAGES, command, in_child, runs, write_pipeline
from store_making import fast_folder
from test_small_run import whole_again
from test_store_faults import Mount

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")


def disks(times: int) -> None:
    refused = fitted = 0
    for number in range(times):
        with fast_folder() as folder, Mount(f"{8 + 560 * number // times}k") as mount:
            root = folder / "project"
            write_pipeline(root)
            (root / "store").symlink_to(mount.path / "store")
            code, said = in_child(lambda told, root=root: command(root))
            assert code == 0, said
            exit_code, out, err = json.loads(said)
            assert exit_code in (0, 1, 3), out + err
            assert "Exception" not in err, err
            if exit_code:
                refused += 1
                assert "pace" in out + err, out + err  # No space is left …, Free space …
            else:
                fitted += 1
            ran = runs(root)
            mount.remount("size=32m")
            whole_again(root, STAGES if exit_code == 0 else ())
            assert len(runs(root)) <= 2 * len(STAGES), (ran, runs(root))
            shutil.rmtree(root, ignore_errors=True)
    assert refused
    assert fitted
    print(
        f"faults: a disk that fills, of {times} sizes, and then room: {refused} runs refused by name, {fitted} fitted, "
        f"0 lost, 0 needing a hand"
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_disks_of_some_sizes():
    disks(15)


@pytest.mark.faults
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_disks_of_250_sizes():
    disks(250)
