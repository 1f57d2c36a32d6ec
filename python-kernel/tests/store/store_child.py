"""Child processes of the store's tests: ``python store_child.py <command> <store> …``."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from store_making import find, made, read

from stageloom.model.objects import context_key
from stageloom.model.references import RRef
from stageloom.store.errors import NotStoredError
from stageloom.store.gc import Policy
from stageloom.store.remote import Remote
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


def gc(root: str, keep: str) -> None:
    """Collect all but one realization, telling when that is done."""
    with Store.open(root) as store:
        tell("open")
        store.gc(Policy([RRef.parse(keep)], grace=0), delete=True)
        tell("done")


def gcs(root: str) -> None:
    """Collect for ever."""
    with Store.open(root) as store:
        while True:
            tell("collected", len(store.gc(Policy(grace=0), delete=True).victims))
            time.sleep(0.01)


def pack(root: str, archive: str) -> None:
    """Pack all there is."""
    with Store.open(root) as store:
        tell("open")
        store.pack([one.rref for one in reversed(store.history())], archive)
        tell("done")


def unpack(root: str, archive: str) -> None:
    """Unpack an archive."""
    with Store.open(root) as store:
        tell("open")
        store.unpack(archive)
        tell("done")


def unpacks(root: str, archive: str) -> None:
    """Unpack an archive for ever."""
    with Store.open(root) as store:
        while True:
            tell("unpacked", len(store.unpack(archive)[0]))
            store.let_go()
            time.sleep(0.01)


def push(root: str, url: str) -> None:
    """Push all there is."""
    with Store.open(root) as store:
        remote = Remote(url)
        tell("open")
        pushed = store.push(remote, [one.rref for one in store.history()])
        tell("done", len(pushed.sent))


def pull(root: str, url: str) -> None:
    """Pull all there is."""
    with Store.open(root) as store:
        remote = Remote(url)
        tell("open")
        received = store.pull(remote, remote.realizations())
        tell("done", len(received.added))


def lock(root: str, key: str) -> None:
    """Hold a lock for ever."""
    with Store.open(root) as store, store.lock(key):
        tell("held")
        time.sleep(600)


def use(root: str, seed: str) -> None:
    """Look realizations up and read them, or make them, for ever, letting go of everything now and then."""
    chance = random.Random(seed)
    with Store.open(root) as store:
        while True:
            number = chance.randrange(30)
            found = find(store, "used", number)
            if found:
                try:
                    assert read(store, found[-1])
                    assert read(store, found[-1]), "what was opened stays"
                    tell("found", 1)
                except NotStoredError:
                    tell("gone", 1)  # collected between looking and opening: a miss
            else:
                placed = store.place(made(store, "used", number))
                time.sleep(chance.random() * 0.005)
                [settled] = store.settle([placed])
                assert read(store, settled)
                tell("made", 1)
            if chance.random() < 0.3:
                store.let_go()


if __name__ == "__main__":
    commands = {"commit": commit, "place": place, "race": race, "gc": gc, "gcs": gcs, "use": use}
    commands |= {"pack": pack, "unpack": unpack, "unpacks": unpacks, "push": push, "pull": pull, "lock": lock}
    commands[sys.argv[1]](*sys.argv[2:])
    os._exit(0)
