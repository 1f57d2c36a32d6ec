"""What the store's tests share: realizations to commit, and a reading of everything as a pipeline would do it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stageloom.model.objects import Context, Derivation, context_key
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.errors import DamagedError
from stageloom.store.found import Found
from stageloom.store.store import Store

Content = Mapping[str, bytes]


def plan(name: str, **configuration: int) -> Derivation:
    return Derivation(name, "function", configuration)


def content_of(name: str, number: int) -> Content:
    """What a stage writes, a function of its name and number alone."""
    body = hashlib.sha256(f"{name}/{number}".encode()).digest() * 6
    return {"return/value.json": body, "plot.txt": body[:40] + b"\n"}


def write(folder: Path, content: Content) -> list[tuple[str, int, str]]:
    told = []
    for path, data in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        told.append((path, len(data), hashlib.sha256(data).hexdigest()))
    return told


def made(
    store: Store, name: str, number: int = 0, *, context: Context | None = None, content: Content | None = None, **more
) -> NewRealization:
    """A realization that ran."""
    scratch = store.scratch()
    told = write(scratch, content_of(name, number) if content is None else content)
    return NewRealization(
        derivation=plan(name, number=number),
        context=context or {},
        action=hashlib.sha256(f"{name}/{number}".encode()).hexdigest()[:32],
        provenance=Provenance(name, "pipeline.py", "20261103-120000-ab", more=more),
        scratch=scratch,
        files=told,
    )


def kept(derivation: Derivation, tree: str, action: str, context: Context | None = None) -> NewRealization:
    """A realization whose work equalled other work: early cutoff."""
    provenance = Provenance(derivation.name, "pipeline.py", "20261103-120000-ab")
    return NewRealization(derivation, context or {}, action, provenance, tree=tree)


def find(store: Store, name: str, number: int = 0, context: Context | None = None) -> list[Found]:
    return store.find(plan(name, number=number).dref, context_key(context or {}))


def read(store: Store, found: Found) -> dict[str, bytes]:
    """All files of a tree, as a consumer reads them."""
    folder = store.tree(found.tree)
    return {file.path: (folder / file.path).read_bytes() for file in store.manifest(found.tree).files}


def value_or_none(store: Store, name: str, number: int = 0) -> dict[str, bytes] | None:
    """What a run does: the latest realization's content, or None where it has to run the stage."""
    found = find(store, name, number)
    if not found:
        return None
    try:
        return read(store, found[-1])
    except DamagedError:
        assert not find(store, name, number), "damage that was seen once is not found again"
        return None


@contextmanager
def fast_folder() -> Iterator[Path]:
    """A folder for tests that make very many stores, in memory where there is such a place."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
