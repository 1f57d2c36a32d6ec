"""What other workspaces stand on stays when one of them collects."""

from __future__ import annotations

from store_making import made

from stageloom.store.gc import Policy
from stageloom.store.roots import Owner
from stageloom.store.store import Store


def test_roots_of_others_keep_what_they_were_made_from_until_they_are_old(tmp_path):
    clock = [1000.0]
    with Store.open(tmp_path, clock=lambda: clock[0]) as store:
        [first, second] = store.commit([made(store, "a"), made(store, "b")])
        mine, theirs = Owner("/mine", "p.py"), Owner("/theirs", "p.py")
        store.note_roots(theirs, {"a": [first.rref]})
        store.note_roots(mine, {"b": [second.rref]})
        said = store.sequence
        store.note_roots(theirs, {"a": [first.rref]})
        assert store.sequence == said, "what is known is not said again"
        clock[0] += 90000
        store.note_roots(theirs, {"a": [first.rref]})
        assert store.sequence == said + 1, "but for once in a while"
        store.let_go()
        told = store.gc(Policy(others=100, workspace="/mine"))
        assert [one.rref for one in told.victims] == [str(second.rref)]
        assert [(one.workspace, one.at, one.count) for one in told.spared] == [("/theirs", 91000.0, 1)]
        assert len(store.gc(Policy(others=200000, workspace="/else")).spared) == 2
        clock[0] += 101
        assert len(store.gc(Policy(others=100, workspace="/mine")).victims) == 2
        store.note_roots(theirs, {"a": [second.rref]})
        told = store.gc(Policy(others=100, workspace="/mine"), delete=True)
        assert [one.rref for one in told.victims] == [str(first.rref)]
        assert not store.verify()
