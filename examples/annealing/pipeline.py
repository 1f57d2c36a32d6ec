"""Dual annealing in three stages: parameters, the search, a picture of it.

Click Realize above a stage. Change `maxiter`, and only `anneal` and `plot` run again; change the
title in `plot`, and only `plot` does; change a comment, and nothing does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from objective import wells

from stageloom import Out, report, stage


@dataclass
class Trace:
    """What a search visited: `points` (n, 2), their `values` (n,), and where it ended."""

    points: np.ndarray
    values: np.ndarray
    best_point: np.ndarray
    best_value: float


@stage
def params() -> np.ndarray:
    """The 13 parameters of the test function."""
    return np.array([2, 3, 7, 8, 9, 10, 44, -1, 2, 26, 1, -2, 0.5])


@stage
def anneal(params: np.ndarray, maxiter: int = 500, seed: int = 2) -> Trace:
    """Search the square [-10, 10] x [-10, 10] from (2, 2)."""
    from scipy.optimize import dual_annealing

    points: list[np.ndarray] = []
    values: list[float] = []
    best = float("inf")

    def visit(z: np.ndarray) -> float:
        nonlocal best
        value = wells(z, params)
        points.append(np.array(z))
        values.append(value)
        if value < best or len(values) % 20 == 0:
            best = min(best, value)
            report(step=len(values), best=best)
        return value

    result = dual_annealing(
        visit,
        bounds=[(-10, 10), (-10, 10)],
        maxiter=maxiter,
        x0=np.array([2.0, 2.0]),
        rng=np.random.default_rng(seed),
    )
    print(f"{len(values)} evaluations, minimum {result.fun:.4f} at ({result.x[0]:.3f}, {result.x[1]:.3f})")
    return Trace(np.array(points), np.array(values), result.x, float(result.fun))


@stage
def plot(anneal: Trace, out: Out) -> None:
    """Draw the values in the order they were visited."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), dpi=120)
    axes.plot(anneal.values, ".", markersize=2, color="#7a9cc6", label="visited")
    axes.plot(np.minimum.accumulate(anneal.values), color="#d1603d", label="best so far")
    axes.set(xlabel="evaluation", ylabel="value", yscale="symlog")
    axes.set_title(f"minimum {anneal.best_value:.3f}", loc="left")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, markerscale=4)
    figure.tight_layout()
    figure.savefig(out / "plot.png")
    plt.close(figure)
