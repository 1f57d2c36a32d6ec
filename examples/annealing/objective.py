"""The function to minimise: a paraboloid with two Gaussian wells, a classic test of global optimisers."""

from __future__ import annotations

import numpy as np


def wells(z: np.ndarray, params: np.ndarray) -> float:
    """Return the value at the point ``z`` = (x, y) for the 13 ``params``."""
    x, y = z
    a, b, c, d, e, f, g, h, i, j, k, m, scale = params
    bowl = a * x**2 + b * x * y + c * y**2 + d * x + e * y + f
    first = -g * np.exp(-((x - h) ** 2 + (y - i) ** 2) / scale)
    second = -j * np.exp(-((x - k) ** 2 + (y - m) ** 2) / scale)
    return float(bowl + first + second)
