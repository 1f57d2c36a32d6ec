"""What a realizer wrote, put where the engine takes it from."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path as SystemPath

from stageloom.derivations.build import Build as PlannedBuild
from stageloom.pylightnix.manual_types import UsageError
from stageloom.pylightnix.view import RESERVED, START, STOP


def gather(build: PlannedBuild, folders: Sequence[SystemPath]) -> None:
    """Put what the realizer wrote into the job's folder: one realization directly, several each in a folder."""
    inside: list[SystemPath] = []
    for number, folder in enumerate(folders):
        if not folder.is_dir():
            raise UsageError(f"the realizer of {build.dref} returned {str(folder)!r:.80}, which is no folder")
        check_names(folder, build.dref)
        if folder.parent == build.outpath:
            inside.append(folder)
        else:
            inside.append(build.outpath / f"taken-{number}")
            shutil.move(folder, inside[-1])
    if len(inside) > 1:
        build.outpaths = inside
        return
    aside = inside[0].rename(build.outpath / "instance-only")
    for entry in list(aside.iterdir()):
        if entry.name == aside.name:
            raise UsageError(f"a realizer must not write a file called {aside.name}")
        entry.rename(build.outpath / entry.name)
    aside.rmdir()


def check_names(folder: SystemPath, dref: object) -> None:
    """Take from a folder the times, which are kept beside what was made; raises UsageError for other reserved names."""
    for name in (START, STOP):
        (folder / name).unlink(missing_ok=True)
    for name in RESERVED:
        if (folder / name).exists():
            raise UsageError(f"the realizer of {dref} wrote {name}, a name that is kept for the context")
