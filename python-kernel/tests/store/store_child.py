"""Child processes of the store's tests: ``python store_child.py commit|place|race <store> …``."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from store_making import find, made, read

from stageloom.model.objects import context_key
from stageloom.store.store import Store, lock_key


def tell(*words: object) -> None:
    """One write for one line, however the environment has Python buffer."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def commit(root: str, seed: str) -> None:
    """Commit groups for ever, telling of each on its return."""
    chance = random.Random(seed)
    with Store.open(root) as store:
        tell("open")
        number = 0
        while True:
            count = chance.choice((1, 1, 2, 5, 30))
            found = store.commit([made(store, f"s{seed}", number + step) for step in range(count)])
            tell("done", number, count)
            number += count
            if chance.random() < 0.2:
                store.invalidate([found[0].rref])
                tell("hidden", number - count)


def place(root: str, seed: str) -> None:
    """Place some, settle them together, and so on for ever, telling of each on its return."""
    chance = random.Random(seed)
    with Store.open(root) as store:
        tell("open")
        number = 0
        while True:
            count = chance.choice((1, 2, 5, 30))
            placed = []
            for step in range(count):
                placed.append(store.place(made(store, f"s{seed}", number + step)))
                tell("placed", number + step)
            store.settle(placed)
            tell("done", number, count)
            number += count


def race(root: str, seed: str, log: str, actions: str) -> None:
    """Realize every action that nobody has realized, under its lock, noting in ``log`` what ran."""
    order = list(range(int(actions)))
    random.Random(seed).shuffle(order)
    with Store.open(root) as store, Path(log).open("ab", buffering=0) as ran:
        for number in order:
            new = made(store, "raced", number)
            with store.lock(lock_key(new.derivation.dref, context_key({}))):
                if not find(store, "raced", number):
                    ran.write(b"%d\n" % number)
                    store.commit([new])
            [found] = find(store, "raced", number)
            assert read(store, found)


if __name__ == "__main__":
    {"commit": commit, "place": place, "race": race}[sys.argv[1]](*sys.argv[2:])
    os._exit(0)
