"""Annealing, written for Pylightnix's 2021 manual: only the import is Stageloom's.

Click Realize above `stage_all`, or run `stageloom realize annealing.py:stage_best`. The search is left to chance, so
one derivation has many realizations, and a matcher says which of them stand for it. `two_storages.py` has Alice and
Bob run it apart from one another and compare.
"""

import json

import numpy as np

from stageloom.pylightnix.manual import (
    Build,
    DRef,
    Manager,
    build_wrapper,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    mklens,
    redefine,
    selfref,
)


def valley(z, *params):
    """A bowl with two wells in it: where the lower one is depends on 13 numbers."""
    x, y = z
    a, b, c, d, e, f, g, h, i, j, k, l, scale = params  # noqa: E741
    bowl = a * x**2 + b * x * y + c * y**2 + d * x + e * y + f
    wells = g * np.exp(-((x - h) ** 2 + (y - i) ** 2) / scale) + j * np.exp(-((x - k) ** 2 + (y - l) ** 2) / scale)
    return bowl - wells


def stage_params(m: Manager) -> DRef:
    """The 13 numbers."""

    def config():
        name = "params"
        out = [selfref, "params.npy"]
        return locals()

    def make(b: Build):
        np.save(mklens(b).out.syspath, np.array([2, 3, 7, 8, 9, 10, 44, -1, 2, 26, 1, -2, 0.5]))

    return mkdrv(m, mkconfig(config()), match_only(), build_wrapper(make))


def stage_anneal(m: Manager, ref_params: DRef) -> DRef:
    """Look for the lowest point, never twice in the same way."""

    def config():
        name = "anneal"
        nonlocal ref_params
        maxiter = 30
        trace = [selfref, "trace.npy"]
        best = [selfref, "best.json"]
        return locals()

    def make(b: Build):
        from scipy.optimize import dual_annealing

        params = np.load(mklens(b).ref_params.out.syspath)
        lowest = []

        def note(x, value, context):
            lowest.append(value)

        found = dual_annealing(
            valley,
            bounds=[(-10, 10), (-10, 10)],
            args=tuple(params),
            maxiter=mklens(b).maxiter.val,
            no_local_search=True,
            callback=note,
        )
        print(f"minimum {found.fun:.4f} at ({found.x[0]:.3f}, {found.x[1]:.3f})")
        np.save(mklens(b).trace.syspath, np.array(lowest))
        with open(mklens(b).best.syspath, "w") as file:
            json.dump({"value": float(found.fun), "at": found.x.tolist()}, file)

    return mkdrv(m, mkconfig(config()), match_latest(), build_wrapper(make))


def stage_plot(m: Manager, ref_anneal: DRef) -> DRef:
    """Draw how low the search had come, step by step."""

    def config():
        name = "plot"
        nonlocal ref_anneal
        out = [selfref, "plot.png"]
        return locals()

    def make(b: Build):
        import matplotlib

        matplotlib.use("agg")
        from matplotlib import pyplot as plt

        trace = np.load(mklens(b).ref_anneal.trace.syspath)
        figure, axes = plt.subplots(figsize=(6, 3.5), dpi=110)
        axes.step(range(len(trace)), trace, where="post")
        axes.set(
            xlabel="improvement", ylabel="lowest value", title=f"minimum {mklens(b).ref_anneal.best.value.val:.3f}"
        )
        axes.grid(visible=True, alpha=0.3)
        figure.tight_layout()
        figure.savefig(mklens(b).out.syspath)
        plt.close(figure)

    return mkdrv(m, mkconfig(config()), match_only(), build_wrapper(make))


def stage_all(m: Manager) -> DRef:
    """The picture of the latest search."""
    return stage_plot(m, stage_anneal(m, stage_params(m)))


def by_value(S, rrefs):
    """Order realizations of the search, the lowest first."""
    return sorted(rrefs, key=lambda rref: mklens(rref, S=S).best.value.val)


def match_lowest(S, rrefs):
    """Take the search that came lowest; ask for one where there is none."""
    return by_value(S, rrefs)[:1] or None


def stage_best(m: Manager) -> DRef:
    """The picture of the best search of all, whoever made it."""
    return stage_plot(m, redefine(stage_anneal, new_matcher=match_lowest)(m, stage_params(m)))


def match_ten_of_twelve(S, rrefs):
    """Take the best ten searches; ask for more until there are twelve."""
    return by_value(S, rrefs)[:10] if len(rrefs) >= 12 else None


def stage_ten(m: Manager) -> DRef:
    """How far the best ten searches lie apart."""

    def config():
        name = "ten"
        anneals = redefine(stage_anneal, new_matcher=match_ten_of_twelve)(m, stage_params(m))
        searches = [anneals, "best.json"]
        out = [selfref, "ten.json"]
        return {"name": name, "searches": searches, "out": out}

    def make(b: Build):
        values = []
        for path in mklens(b).searches.syspaths:
            with open(path) as file:
                values.append(json.load(file)["value"])
        with open(mklens(b).out.syspath, "w") as file:
            json.dump({"lowest": min(values), "highest": max(values), "searches": len(values)}, file)

    return mkdrv(m, mkconfig(config()), match_only(), build_wrapper(make))
