"""Pi by throwing darts, written for Pylightnix's current API: several tries at once, of which the best two count."""

import random
from math import pi

from stageloom.pylightnix import (
    Build,
    DRef,
    Registry,
    RRef,
    StorageSettings,
    autostage,
    build_outpaths,
    build_wrapper,
    fsinit,
    instantiate,
    join,
    match,
    match_only,
    mkconfig,
    mkdrv,
    mklens,
    readjson,
    realizeU,
    rref2path,
    selfref,
    writejson,
)


def stage_board(r: Registry, radius: float = 1.0) -> DRef:
    """A board to throw at."""

    def make(b: Build) -> None:
        lens = mklens(b)
        writejson(lens.out.syspath, {"radius": lens.radius.val, "square": (2 * lens.radius.val) ** 2})

    config = mkconfig({"name": "board", "radius": radius, "out": [selfref, "board.json"]})
    return mkdrv(config, match_only(), build_wrapper(make), r)


def stage_throws(board: DRef, r: Registry, darts: int = 2000, tries: int = 5) -> DRef:
    """Estimates left to chance, all made in one go; a matcher takes the two that are closest."""

    def make(b: Build) -> None:
        radius = mklens(b).board.out.radius.val
        for folder in build_outpaths(b):
            throws = [(random.uniform(-radius, radius), random.uniform(-radius, radius)) for _ in range(darts)]
            hits = sum(x * x + y * y <= radius * radius for x, y in throws)
            # the first throw as well: two that come to the same estimate are two results still
            writejson(join(folder, "throws.json"), {"estimate": 4 * hits / darts, "first": throws[0]})

    def closeness(S: StorageSettings | None, rref: RRef) -> float:
        return -abs(pi - readjson(join(rref2path(rref, S), "throws.json"))["estimate"])

    best = match(closeness, lambda rrefs: rrefs[:2] if len(rrefs) >= tries else None)
    config = mkconfig({"name": "throws", "board": board, "darts": darts, "out": [selfref, "throws.json"]})
    return mkdrv(config, best, build_wrapper(make, nouts=tries), r)


@autostage(name="average", out=[selfref, "pi.json"])
def stage_average(build: Build, name: str, out: str, throws: list) -> None:
    """The two estimates come as a list of objects, with the configuration of their stage as attributes."""
    estimates = [readjson(one.out)["estimate"] for one in throws]
    writejson(out, {"pi": sum(estimates) / len(estimates), "darts": sum(one.darts for one in throws)})


def stage_pi(r: Registry) -> DRef:
    """All of it."""
    return stage_average(r=r, throws=stage_throws(stage_board(r), r))


if __name__ == "__main__":
    fsinit()
    average = realizeU(instantiate(stage_pi))
    print(f"pi is about {readjson(average.out)['pi']:.3f}, after {readjson(average.out)['darts']} darts")
