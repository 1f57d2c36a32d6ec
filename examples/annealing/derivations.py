"""The pipeline of pipeline.py written as derivations: functions that take a manager and return a reference.

Click Realize above `stage_all`. What a stage is made from stands in its configuration: a reference in it is a
dependency, and `[selfref, "trace.npz"]` is a file that the stage promises to write.
"""

from __future__ import annotations

import numpy as np
from objective import wells

from stageloom import report
from stageloom.derivations import (
    Build,
    DRef,
    Manager,
    build_wrapper,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    mklens,
    selfref,
)


def stage_params(m: Manager) -> DRef:
    """The 13 parameters of the test function."""

    def realize(b: Build) -> None:
        np.save(mklens(b).out.syspath, np.array([2, 3, 7, 8, 9, 10, 44, -1, 2, 26, 1, -2, 0.5]))

    config = mkconfig({"name": "params", "out": [selfref, "params.npy"]})
    return mkdrv(m, config, match_only(), build_wrapper(realize))


def stage_anneal(m: Manager, params: DRef) -> DRef:
    """Search the square [-10, 10] x [-10, 10] from (2, 2)."""

    def realize(b: Build) -> None:
        from scipy.optimize import dual_annealing

        coefficients = np.load(mklens(b).params.syspath)
        points: list[np.ndarray] = []
        values: list[float] = []
        best = float("inf")

        def visit(z: np.ndarray) -> float:
            nonlocal best
            value = wells(z, coefficients)
            points.append(np.array(z))
            values.append(value)
            if value < best or len(values) % 20 == 0:
                best = min(best, value)
                report(step=len(values), best=best)
            return value

        result = dual_annealing(
            visit,
            bounds=[(-10, 10), (-10, 10)],
            maxiter=mklens(b).maxiter.val,
            x0=np.array([2.0, 2.0]),
            rng=np.random.default_rng(mklens(b).seed.val),
        )
        print(f"{len(values)} evaluations, minimum {result.fun:.4f} at ({result.x[0]:.3f}, {result.x[1]:.3f})")
        np.savez(
            mklens(b).trace.syspath,
            points=np.array(points),
            values=np.array(values),
            best_point=result.x,
            best_value=result.fun,
        )

    config = mkconfig(
        {
            "name": "anneal",
            "params": [params, "params.npy"],
            "maxiter": 500,
            "seed": 2,
            "trace": [selfref, "trace.npz"],
        }
    )
    return mkdrv(m, config, match_latest(), build_wrapper(realize))


def stage_plot(m: Manager, anneal: DRef) -> DRef:
    """Draw the values in the order they were visited."""

    def realize(b: Build) -> None:
        import matplotlib

        matplotlib.use("agg")
        from matplotlib import pyplot as plt

        trace = np.load(mklens(b).anneal.trace.syspath)
        figure, axes = plt.subplots(figsize=(7, 4), dpi=120)
        axes.plot(trace["values"], ".", markersize=2, color="#7a9cc6", label="visited")
        axes.plot(np.minimum.accumulate(trace["values"]), color="#d1603d", label="best so far")
        axes.set(xlabel="evaluation", ylabel="value", yscale="symlog")
        axes.set_title(f"minimum {float(trace['best_value']):.3f}", loc="left")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, markerscale=4)
        figure.tight_layout()
        figure.savefig(mklens(b).picture.syspath)
        plt.close(figure)

    config = mkconfig({"name": "plot", "anneal": anneal, "picture": [selfref, "plot.png"]})
    return mkdrv(m, config, match_latest(), build_wrapper(realize))


def stage_all(m: Manager) -> DRef:
    """The picture, with all that it needs."""
    return stage_plot(m, stage_anneal(m, stage_params(m)))
