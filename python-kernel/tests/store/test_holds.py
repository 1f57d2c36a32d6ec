"""What is in use is noted by each store that is open, not by each process: two in one process are two."""

from __future__ import annotations

import threading

from store_making import content_of, find, made, read

from stageloom.store.gc import Policy
from stageloom.store.store import Store

NOW = Policy(grace=0)


def test_what_one_of_two_stores_of_a_process_uses_the_other_leaves_alone(tmp_path):
    with Store.open(tmp_path) as first, Store.open(tmp_path) as second:
        first.commit([made(first, "a"), made(first, "b")])
        first.let_go()
        found = find(second, "a")[0]
        tree = second.tree(found.tree)
        first.let_go()
        told = first.gc(NOW, delete=True)
        assert (len(told.victims), told.in_use) == (1, 1)
        assert tree.is_dir()
        assert read(second, found) == content_of("a", 0)
        second.let_go()
        assert len(first.gc(NOW, delete=True).victims) == 1
        assert not tree.exists()


def test_one_that_ends_takes_nothing_from_the_other(tmp_path):
    with Store.open(tmp_path) as first:
        first.commit([made(first, "a")])
        found = find(first, "a")[0]
        first.tree(found.tree)
        with Store.open(tmp_path) as second:
            second.tree(found.tree)
        with Store.open(tmp_path) as third:
            assert third.gc(NOW, delete=True).in_use == 1
        assert read(first, found) == content_of("a", 0)


def test_engines_side_by_side_in_one_process_lose_nothing_to_each_others_collections(tmp_path):
    wrong: list[str] = []
    made_all = threading.Event()

    def work(name: str) -> None:
        with Store.open(tmp_path) as store:
            for number in range(12):
                [found] = store.commit([made(store, name, number)])
                if read(store, found) != content_of(name, number):
                    wrong.append(f"{name} {number}")

    def collect() -> None:
        with Store.open(tmp_path) as store:
            while not made_all.is_set():
                store.let_go()
                store.gc(NOW, delete=True)

    workers = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    collecting = threading.Thread(target=collect)
    for thread in (*workers, collecting):
        thread.start()
    for thread in workers:
        thread.join(120)
    made_all.set()
    collecting.join(120)
    assert not wrong
    with Store.open(tmp_path) as store:
        assert store.verify() == []
