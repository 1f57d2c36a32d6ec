"""What stands in a stage's signature for something on disk, or for a value of a special kind."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Any, Literal, TypeVar, cast

from stageloom.model.classes import dataclass

T = TypeVar("T")


class Out(os.PathLike[str]):
    """The folder a stage writes its files into: ``out / "plot.png"``.

    Annotate a parameter with it: ``def plot(anneal, out: Out)``. The folder is empty when the stage starts, and what is
    in it when the stage ends is kept with its realization.
    """

    __slots__ = ("path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        """Return the path of a file in the folder, whose own folder is made; raises ValueError for one outside."""
        part = PurePath(name)
        if part.is_absolute() or ".." in part.parts:
            raise ValueError(f"{os.fspath(name)!r} is not below the stage's folder: use a relative name without '..'")
        path = self.path / part
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Out({str(self.path)!r})"


@dataclass(frozen=True, slots=True)
class Input:
    """An input as it is declared: a path or a pattern, from the folder of the file that declares it.

    Or the name of an environment variable, with what stands for one that is not set.
    """

    pattern: str
    kind: Literal["file", "dir", "env"]
    default: str | None = None

    def __post_init__(self) -> None:
        if self.kind == "env":
            if not isinstance(self.pattern, str) or not self.pattern or not isinstance(self.default, (str, type(None))):
                raise TypeError('Env() takes a name and a default as texts: Env("MODE", "fast")')
        elif not isinstance(self.pattern, str) or not self.pattern:
            name = "File" if self.kind == "file" else "Dir"
            raise TypeError(f'{name}() takes the path as a text: {name}("data/points.csv")')

    @property
    def told(self) -> str | list[Any]:
        """How it stands in a stage's configuration: the pattern, or a variable's name with its default."""
        return self.pattern if self.default is None else [self.pattern, self.default]

    @property
    def many(self) -> bool:
        """Whether it is a pattern, so that a stage receives a list."""
        return self.kind != "env" and any(character in self.pattern for character in "*?[")


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """A value that does not count."""

    value: object


def File(pattern: str) -> Any:  # noqa: N802  # it reads as a type in a signature
    """Declare an input file, hashed by content: ``def clean(raw=File("data/raw.csv"))``.

    The stage receives its ``Path``, or for a pattern (``"data/*.csv"``) a sorted list of them. Paths start at the
    folder of the pipeline file.
    """
    return Input(pattern, "file")


def Dir(pattern: str) -> Any:  # noqa: N802  # it reads as a type in a signature
    """Declare an input folder, of which every file counts by content; the stage receives its ``Path``."""
    return Input(pattern, "dir")


def Env(name: str, default: str | None = None) -> Any:  # noqa: N802  # as File and Dir
    """Declare an environment variable: ``def train(data, mode=Env("MODE", "fast"))``.

    The stage receives its value, a text; the value counts, and only its hash is kept. Without a default, the stage
    can't be planned where the variable is not set.
    """
    return Input(name, "env", default)


def auxiliary(value: T) -> T:
    """Mark a default as one that doesn't count: ``def train(data, workers=auxiliary(4))``.

    Changing it makes nothing stale.
    """
    return cast(T, Auxiliary(value))
