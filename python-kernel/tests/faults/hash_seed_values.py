"""One value of each built-in type of artifact; those that hold sets hold enough words to be in another order."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import pathlib
import uuid
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse
from matplotlib.figure import Figure
from test_values import Color, Custom, Frozen, Level, Pair, Trace

warnings.simplefilter("ignore")

WORDS = [f"w{number}" for number in range(60)]


def figure():
    made = Figure()
    made.subplots().plot([1, 3, 2])
    return made


def record():
    made = np.empty(3, np.dtype([("a", "i1"), ("b", "f8")], align=True))
    made["a"], made["b"] = 1, 2.0
    return made


def frame():
    return pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2024-01-01", "2024-02-29"])})


def picture():
    from PIL import Image

    return Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


VALUES = {
    "json": lambda: {"a": [1, None, True, "é", 1.5, -0.0], "b": {"c": []}},
    "floats": lambda: [float("nan"), float("inf"), 2**80, 3 + 4j],
    "text": lambda: "é\n" * 50,
    "bytes": lambda: b"\0\xff" * 4000,
    "tuple": lambda: (1, (2,), {"a": (3,)}),
    "set": lambda: set(WORDS),
    "frozenset": lambda: [frozenset(WORDS)],
    "set of tuples": lambda: {(word, len(word)) for word in WORDS},
    "dict with any keys": lambda: {(1, 2): set(WORDS), None: 1, 3: "x"},
    "counter": lambda: collections.Counter(WORDS),
    "ordered": lambda: collections.OrderedDict(b=1, a=2),
    "enum": lambda: [Color.RED, Level.LOW],
    "named tuple": lambda: Pair(1, {"s": set(WORDS)}),
    "dataclass": lambda: Frozen(1, (2, 3)),
    "dataclass with a set": lambda: Trace({"s": set(WORDS)}),
    "own class": lambda: Custom(set(WORDS)),
    "dates": lambda: [dt.date(2024, 2, 29), dt.timedelta(5), dt.time(1, 2)],
    "numbers": lambda: [decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=7)],
    "path": lambda: pathlib.PurePosixPath("a/b"),
    "array": lambda: np.arange(60.0).reshape(3, 4, 5),
    "array in Fortran's order": lambda: np.asfortranarray(np.arange(6).reshape(2, 3)),
    "array of records": record,
    "array of objects": lambda: np.array([set(WORDS), {"a": 1}], object),
    "scalar": lambda: np.float32(0.1),
    "pandas": frame,
    "series": lambda: pd.Series([1.5, 2.5], index=["x", "y"], name="s"),
    "polars": lambda: pl.DataFrame({"a": [1, 2], "b": ["x", None]}),
    "arrow": lambda: pa.table({"a": [1, 2], "b": ["x", None]}),
    "sparse": lambda: scipy.sparse.csr_matrix(np.eye(4)),
    "figure": figure,
    "picture": picture,
}
