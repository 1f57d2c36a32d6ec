"""Derivations that are planned before anything realizes them, and trees lent to a folder beside the store's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stageloom.model.objects import Derivation, context_key
from stageloom.store.commit import NewRealization, Provenance
from stageloom.store.errors import DamagedError
from stageloom.store.store import Store

FIRST = Derivation("first", "pylightnix", {"n": 1})
SECOND = Derivation("second", "pylightnix", {"n": 2})


def _commit(store: Store, derivation: Derivation, content: str) -> str:
    scratch = store.scratch()
    (scratch / "sub").mkdir()
    (scratch / "sub" / "a.txt").write_text(content)
    [found] = store.commit([NewRealization(derivation, {}, content * 4, Provenance("s", "p", "r"), scratch)])
    return found.tree


def test_planned_in_order_and_once(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        store.plan([FIRST])
        store.plan([SECOND, FIRST], {SECOND.dref: "noted", FIRST.dref: "too late"})
        before = store.sequence
        store.plan([FIRST, SECOND])
        assert store.sequence == before
        assert store.planned() == [FIRST.dref, SECOND.dref]
        assert store.derivation(SECOND.dref) == SECOND
        assert store.plan_note(FIRST.dref) == ""
        store.unplan([FIRST.dref])
        assert store.planned() == [SECOND.dref]
        assert store.plan_note(FIRST.dref) is None
    for name in ("index.sqlite", "index.sqlite-wal", "index.sqlite-shm"):
        (tmp_path / "store" / name).unlink(missing_ok=True)
    with Store.open(tmp_path / "store") as store:
        assert store.planned() == [SECOND.dref]
        assert store.plan_note(SECOND.dref) == "noted"
        store.plan([FIRST])
        assert store.planned() == [SECOND.dref, FIRST.dref]


def test_realizations_in_any_context(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        _commit(store, FIRST, "x")
        _commit(store, FIRST, "y")
        _commit(store, SECOND, "z")
        found = store.realizations(FIRST.dref)
        assert [one.dref for one in found] == [FIRST.dref] * 2
        assert found == store.find(FIRST.dref, context_key({}))
        store.invalidate([found[0].rref])
        assert store.realizations(FIRST.dref) == found[1:]


def test_lent_files_are_the_trees_own(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        tree = _commit(store, FIRST, "x")
        source = store.lend(tree, tmp_path / "lent")
        lent = tmp_path / "lent" / "sub" / "a.txt"
        assert lent.read_text() == "x"
        assert os.path.samefile(lent, source / "sub" / "a.txt")
        assert store.tree(tree) == source
        lent.chmod(0o644)
        lent.write_text("changed")
        with pytest.raises(DamagedError):
            store.lend(tree, tmp_path / "again")
