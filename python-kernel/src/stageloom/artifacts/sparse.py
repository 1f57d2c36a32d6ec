"""SciPy's sparse matrices and arrays of two dimensions: the arrays they are made of, with their indices sorted."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from stageloom.artifacts.errors import UnloadableError

_PARTS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
    "coo": ("data", "row", "col"),
    "lil": ("data", "row", "col"),
    "dok": ("data", "row", "col"),
}
_KINDS = frozenset(f"{form}_{kind}" for form in _PARTS for kind in ("matrix", "array"))


def sparse_kind(value: object) -> str:
    """Return ``csr_array`` and the like; empty for what is not exactly one of those with two dimensions."""
    kind = type(value)
    if kind.__module__.partition(".")[0] != "scipy" or kind.__name__ not in _KINDS:
        return ""
    found: Any = value
    return kind.__name__ if len(found.shape) == 2 and found.dtype.kind in "biufc" else ""


def take_apart(value: Any) -> dict[str, Any]:
    """Return the arrays of a sparse matrix by name, without changing it."""
    form = type(value).__name__.partition("_")[0]
    if form in ("csr", "csc", "bsr"):
        value = value.sorted_indices()
    elif "row" in _PARTS[form]:
        value = value.tocoo()
        order = importlib.import_module("numpy").lexsort((value.col, value.row))
        return {name: getattr(value, name)[order] for name in _PARTS[form]}
    return {name: getattr(value, name) for name in _PARTS[form]}


def put_together(kind: str, shape: Sequence[int], parts: Mapping[str, Any]) -> Any:
    """Return the sparse matrix of these arrays; raises UnloadableError where SciPy is missing."""
    try:
        scipy_sparse: Any = importlib.import_module("scipy.sparse")
    except ImportError as error:
        raise UnloadableError(
            f"a stored value is a sparse matrix, and scipy does not import here: {error}",
            "Install scipy into this environment.",
        ) from error
    form, _, family = kind.partition("_")
    if "row" in parts:
        coordinates = (parts["data"], (parts["row"], parts["col"]))
        made = getattr(scipy_sparse, f"coo_{family}")(coordinates, shape=tuple(shape))
        return made if form == "coo" else made.asformat(form)
    return getattr(scipy_sparse, kind)(tuple(parts[name] for name in _PARTS[form]), shape=tuple(shape))
