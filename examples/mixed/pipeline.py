"""One pipeline written in all three ways: a signal, noise on it, a filter against that, and a picture.

Click Realize above `picture`: each stage runs whichever way it is written, and is kept in the same store.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stageloom import Out, stage
from stageloom.derivations import (
    Build,
    DRef,
    Manager,
    build_wrapper,
    match_latest,
    mkconfig,
    mkdrv,
    mklens,
    selfref,
)
from stageloom.pyplant import ReactorFunc

Array = NDArray[np.float64]


@stage
def signal(points: int = 400, waves: float = 3.0) -> Array:
    """What is to be measured."""
    return np.sin(np.linspace(0, 2 * np.pi * waves, points))


def stage_noise(m: Manager) -> DRef:
    """The measurement: a derivation that has a function stage in its configuration."""

    def realize(b: Build) -> None:
        lens = mklens(b)
        values = lens.signal.val
        noise = np.random.default_rng(lens.seed.val).normal(0, lens.strength.val, len(values))
        np.save(lens.measured.syspath, values + noise)

    config = mkconfig(
        {"name": "noise", "signal": signal, "strength": 0.4, "seed": 7, "measured": [selfref, "measured.npy"]}
    )
    return mkdrv(m, config, match_latest(), build_wrapper(realize))


@ReactorFunc
def smooth(pipe: Any) -> Generator[Any, Any, None]:
    """A moving average: a reactor that receives what a derivation and a function made."""
    noise = yield pipe.receive("noise")
    signal = yield pipe.receive("signal")
    measured = np.load(noise / "measured.npy")
    width = 15
    smoothed = np.convolve(measured, np.ones(width) / width, mode="same")
    pipe.send("smoothed", smoothed)
    pipe.send("errors", [float(np.abs(one - signal).mean().round(4)) for one in (measured, smoothed)])


@stage
def picture(smoothed: Array, errors: list[float], noise: Path, out: Out) -> dict[str, float]:
    """A function that needs two ingredients of a reactor, and the folder that a derivation wrote."""
    measured = np.load(noise / "measured.npy")
    lines = [_line(measured, "#b9c6d8"), _line(smoothed, "#d1603d")]
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200">{"".join(lines)}</svg>\n'
    (out / "smoothed.svg").write_text(picture, encoding="utf-8")
    before, after = errors
    print(f"the mean error fell from {before} to {after}")
    return {"before": before, "after": after}


def _line(values: Array, color: str) -> str:
    places = zip(np.linspace(0, 400, len(values)), values, strict=True)
    points = " ".join(f"{x:.1f},{100 - 45 * y:.1f}" for x, y in places)
    return f'<polyline points="{points}" fill="none" stroke="{color}"/>'
