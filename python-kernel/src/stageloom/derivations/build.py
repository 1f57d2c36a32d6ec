"""What a realizer is given: its configuration, its output folder, and the folders of what it depends on."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from stageloom.derivations.configuration import Config, promise, promises, reference
from stageloom.model.classes import dataclass, field
from stageloom.model.objects import Derivation
from stageloom.model.references import DRef, RRef
from stageloom.model.values import Json
from stageloom.store.layout import Layout


class BuildError(Exception):
    """A realizer asked for what its stage does not have."""


class MissingOutputError(Exception):
    """A promise that the realizer did not keep."""

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Realizer:
    """A function that makes a realization, or ``nouts`` at once; with ``own_folders`` it makes their folders itself.

    ``code`` is the function that counts as its code, where ``function`` only calls that one.
    """

    function: Callable[[Build], object]
    nouts: int = 1
    code: Callable[..., object] | None = None
    own_folders: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """The realization that stands for a dependency, and its folder. ``rref`` is None where nobody told."""

    rref: RRef | None
    folder: Path


class Plans(Protocol):
    """Derivations by reference."""

    def __call__(self, dref: DRef) -> tuple[Derivation, Config]:
        """Return the derivation that ``dref`` names, with its configuration as its stage function wrote it."""
        ...


@dataclass(slots=True)
class Build:
    """One realization in the making.

    ``chosen`` holds the realizations of the direct dependencies. ``read_references`` becomes true as soon as the
    realizer reads what is not in its action key: a reference as text, or a dependency's dependency. ``outer`` are the
    references of stages of other languages.
    """

    dref: DRef
    config: Config
    outpath: Path
    chosen: Mapping[DRef, Sequence[Chosen]]
    plans: Plans
    store: Path
    read_references: bool = field(default=False)
    outpaths: Sequence[Path] = ()
    outer: Collection[DRef] = ()

    def outputs(self) -> Sequence[Path]:
        """Return the folder of each realization that is made."""
        return self.outpaths or (self.outpath,)

    def direct(self, dref: DRef) -> Chosen:
        """Return what stands for a direct dependency, the first of several."""
        if not self.chosen.get(dref):
            raise BuildError(f"{self.dref.name} does not depend on {dref}; name it in its configuration")
        return self.chosen[dref][0]

    def several(self, dref: DRef) -> Sequence[Chosen]:
        """Return all that stand for a direct dependency."""
        self.direct(dref)
        return self.chosen[dref]

    def behind(self, chosen: Chosen, dref: DRef) -> list[Chosen]:
        """Return all that stood for ``dref`` when ``chosen`` was made."""
        self.read_references = True
        if chosen.rref is None:
            raise BuildError(f"what {chosen.folder.name} was made from was not told with the job")
        record = _read_record(self.store, chosen.rref)
        context = record.get("context")
        texts = context.get(str(dref)) if isinstance(context, dict) else None
        if not isinstance(texts, list) or not texts:
            raise BuildError(f"{chosen.rref} was not made from {dref}")
        return [self._at(RRef.parse(str(text))) for text in texts]

    def configuration(self, dref: DRef, chosen: Chosen) -> dict[str, Json]:
        """Return the configuration of a derivation, or of a stage of another language as it was when it ran."""
        if dref not in self.outer:
            return dict(self.plans(dref)[1].value)
        if chosen.rref is None:
            return {}
        told = json.loads(Path(Layout(str(self.store)).derivation(chosen.rref.dref)).read_text("utf-8"))
        configuration = told["configuration"]
        assert isinstance(configuration, dict)
        return configuration

    def _at(self, rref: RRef) -> Chosen:
        tree = _read_record(self.store, rref)["tree"]
        assert isinstance(tree, str)
        return Chosen(rref, Path(Layout(str(self.store)).tree(tree)))


def build_wrapper(function: Callable[[Build], object], nouts: int = 1) -> Realizer:
    """Return ``function`` as the realizer of a derivation; it is called with a :class:`Build`.

    With ``nouts`` above 1 it makes as many realizations at once, one in each of :func:`build_outpaths`.
    """
    if not callable(function):
        raise TypeError(f"build_wrapper takes a function of one Build, not {function!r:.80}")
    if type(nouts) is not int or nouts < 1:
        raise TypeError(f"a realizer makes one realization or more, not {nouts!r:.80}")
    return Realizer(function, nouts)


def build_config(b: Build) -> dict[str, Json]:
    """Return the configuration of the stage that is built, as a dict of its own; references are texts."""
    if any(reference(value) is not None for value in _parts(dict(b.config.value))):
        b.read_references = True
    copied = json.loads(json.dumps(dict(b.config.value)))
    assert isinstance(copied, dict)
    return copied


def build_outpath(b: Build) -> str:
    """Return the folder that the realizer writes to, where there is one."""
    _refuse_several(b)
    return str(b.outpath)


def build_outpaths(b: Build) -> list[str]:
    """Return the folder of each realization that is made."""
    return [str(path) for path in b.outputs()]


def build_deref(b: Build, dref: DRef) -> list[RRef]:
    """Return the realizations that stand for a dependency."""
    b.read_references = True
    b.direct(dref)
    return [one.rref for one in b.chosen[dref] if one.rref is not None]


def build_paths(b: Build, refpath: Sequence[object]) -> list[str]:
    """Return what :func:`build_path` does, for each realization that stands for the dependency, or that is made."""
    spelled: list[Json] = [str(item) if isinstance(item, DRef) else item for item in refpath]  # type: ignore[misc]  # checked below
    own = promise(spelled)
    if own is not None:
        return [str(promised_path(path, own.path)) for path in b.outputs()]
    found = reference(spelled) if len(spelled) != 1 else reference(spelled[0])
    if found is None:
        raise BuildError(f"{list(refpath)!r:.80} is no path: write [selfref, 'file'] or [dref, 'file']")
    b.direct(found.dref)
    return [str(one.folder.joinpath(*found.path)) for one in b.chosen[found.dref]]


def build_path(b: Build, refpath: Sequence[object]) -> str:
    """Return the path that ``[selfref, "a"]`` or ``[dref, "a"]`` stands for; the folders above a promise are made.

    Raises:
        BuildError: for another list, or a derivation that the stage does not depend on.
    """
    paths = build_paths(b, refpath)
    if len(paths) != 1:
        raise BuildError(f"{len(paths)} realizations stand for {refpath[0]}; use build_paths")
    return paths[0]


def promised_path(folder: Path, path: Sequence[str]) -> Path:
    """Return where the file ``path`` of the realization made in ``folder`` is, with the folders above it made."""
    full = folder.joinpath(*path)
    full.parent.mkdir(parents=True, exist_ok=True)
    return full


def check_promises(b: Build) -> None:
    """Raise MissingOutputError for the first file that the configuration promises and nobody wrote."""
    for one in promises(dict(b.config.value)):
        for folder in b.outputs():
            full = folder.joinpath(*one.path)
            if not full.exists():
                raise MissingOutputError(str(one), f"{b.dref.name} promised {one} and did not write it")
            if full.is_dir() and not any(inner.is_file() for inner in full.rglob("*")):
                raise MissingOutputError(str(one), f"{b.dref.name} promised {one} and left it an empty folder")


def _refuse_several(b: Build) -> None:
    if len(b.outputs()) > 1:
        raise BuildError(f"{b.dref.name} makes {len(b.outputs())} realizations at once; use build_outpaths")


def _parts(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [value, *(part for item in value.values() for part in _parts(item))]
    if isinstance(value, list):
        return [value, *(part for item in value for part in _parts(item))]
    return [value]


def _read_record(store: Path, rref: RRef) -> dict[str, Json]:
    path = Path(Layout(str(store)).record(rref))
    record = json.loads(path.read_text("utf-8"))
    if not isinstance(record, dict):
        raise BuildError(f"{path} is damaged")
    return record
