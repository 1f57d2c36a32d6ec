"""Files whose names are no Unicode text are refused by name, and leave nothing behind."""

from __future__ import annotations

import os
import sys

import pytest
from store_making import find, made

from stageloom.store.errors import BadNameError
from stageloom.store.gc import Policy
from stageloom.store.store import Store

NAMES = (b"caf\xe9.txt", b"d\xff/a.txt", b"a/\xc3")


def can_be_made(folder: os.PathLike[str]) -> bool:
    try:
        with open(os.path.join(os.fsencode(folder), b"\xff"), "wb"):
            return True
    except (OSError, UnicodeError):
        return False


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="its file names are text")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["commit", "place"])
def test_a_name_that_is_no_text_is_refused_and_leaves_no_trace(name, how, tmp_path):
    if not can_be_made(tmp_path):
        pytest.skip("this file system takes text alone")
    root = tmp_path / "store"
    with Store.open(root) as store:
        store.commit([made(store, "before")])
        bad = made(store, "bad")
        path = os.path.join(os.fsencode(bad.scratch), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"x")
        said = store.sequence
        with pytest.raises(BadNameError, match="not Unicode text") as refused:
            store.commit([made(store, "with"), bad]) if how == "commit" else store.place(bad)
        str(refused.value).encode("utf-8")
        assert store.sequence == said, "neither it nor what was to be stored with it"
        assert store.scars == []
        assert store.verify() == []
        store.discard(bad.scratch)
        store.commit([made(store, "bad")])
        assert len(find(store, "bad")) == 1
    with Store.open(root) as store:
        store.gc(Policy(grace=0), delete=True)
        assert store.verify() == []
