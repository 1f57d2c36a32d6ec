"""Alice and Bob run the same search, each in a storage of their own; then Bob takes in what Alice found.

python two_storages.py
"""

from annealing import stage_all, stage_best

from stageloom.pylightnix.manual import (
    allrrefs,
    fsinit,
    instantiate,
    mklens,
    mksettings,
    pack,
    realize,
    unpack,
)


def run():
    alice, bob = mksettings("_alice"), mksettings("_bob")
    for storage in (alice, bob):
        fsinit(storage, remove_existing=True)
    hers = realize(instantiate(stage_all, S=alice))
    his = realize(instantiate(stage_all, S=bob))
    print("Alice:", mklens(hers, S=alice).ref_anneal.best.value.val)
    print("Bob:  ", mklens(his, S=bob).ref_anneal.best.value.val)

    pack([hers], "alice.zip", S=alice)
    unpack("alice.zip", S=bob)
    print(f"Bob has {len(list(allrrefs(S=bob)))} realizations now")

    best = realize(instantiate(stage_best, S=bob))  # nothing runs: the better of the two has its picture already
    assert best in (hers, his)
    print("The best is", "Alice's" if best == hers else "Bob's", mklens(best, S=bob).out.syspath)
    return best


if __name__ == "__main__":
    run()
