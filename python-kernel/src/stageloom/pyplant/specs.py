"""Ingredient types that need a package of their own: HDF5 arrays, Keras models, SciPy's sparse matrices."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from stageloom.pyplant.warehouse import IngredientTypeSpec


class HdfArraySpec(IngredientTypeSpec):
    """An array in an HDF5 file: allocated with ``shape`` and ``dtype``, filled, sent; larger than memory if need be."""

    def __init__(self) -> None:
        super().__init__()
        self.isAllocatable = True
        self._open: dict[str, Any] = {}

    @classmethod
    def get_name(cls) -> str:
        """Return the type's name."""
        return "hdf_array"

    def allocate(self, warehouse: Any, name: str, **kwargs: Any) -> Any:
        """Return a new dataset; ``data`` and what else h5py takes may be given too."""
        h5py = _h5py()
        kwargs["dtype"] = kwargs.get("dtype") or "f4"
        path = self._path(warehouse)
        file = self._open[path] = h5py.File(path, "w", track_order=True)
        return file.create_dataset("data", track_times=False, **kwargs)

    def store(self, warehouse: Any, name: str, value: Any) -> dict[str, Any] | None:
        """Write what is still in memory; a dataset or array that was not allocated here is copied."""
        path = self._path(warehouse)
        if path not in self._open:
            self.allocate(warehouse, name, shape=value.shape, dtype=value.dtype)
            self._copy(value, self._open[path]["data"])
        self._open[path].flush()
        return None

    def fetch(self, warehouse: Any, name: str, meta: dict[str, Any] | None) -> Any:
        """Return the dataset, open for reading."""
        path = self._path(warehouse)
        if path not in self._open or not self._open[path]:
            if not os.path.exists(path):
                return None
            try:
                self._open[path] = _h5py().File(path, "r")
            except OSError as error:
                warehouse.logger.warning("The HDF5 file of %r cannot be read: %s", name, error)
                return None
        return self._open[path].get("data")

    def deallocate(self, warehouse: Any, name: str) -> None:
        """Close and remove an allocated array."""
        path = self._path(warehouse)
        file = self._open.pop(path, None)
        if file is None:
            raise RuntimeError(f"There is no HDF5 array {name!r} to be removed.")
        file.close()
        os.unlink(path)

    def sealed(self, warehouse: Any) -> None:
        """Close what a reactor has sent, now that it has ended: the file is stored as it is."""
        file = self._open.pop(self._path(warehouse), None)
        if file is not None:
            file.close()

    def close(self) -> None:
        """Close all files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def is_instance(self, value: Any) -> bool:
        """Return whether ``value`` is a dataset."""
        return type(value).__module__.startswith("h5py.") and isinstance(value, _h5py().Dataset)

    @staticmethod
    def _copy(source: Any, target: Any) -> None:
        rows = max(1, (16 << 20) // max(1, target.dtype.itemsize * target.size // max(1, len(target))))
        for start in range(0, len(target), rows):
            target[start : start + rows] = source[start : start + rows]

    @staticmethod
    def _path(warehouse: Any) -> str:
        return os.path.join(warehouse.baseDir, "array.hdf5")


class ScipySparseSpec(IngredientTypeSpec):
    """A sparse matrix of SciPy."""

    @classmethod
    def get_name(cls) -> str:
        """Return the type's name."""
        return "scipy_sparse"

    def store(self, warehouse: Any, name: str, value: Any) -> dict[str, Any] | None:
        """Write the matrix; equal matrices have equal bytes."""
        from stageloom.artifacts.values import save

        save(value, Path(warehouse.baseDir))
        return None

    def fetch(self, warehouse: Any, name: str, meta: dict[str, Any] | None) -> Any:
        """Return the matrix."""
        from stageloom.artifacts.values import load

        return load(Path(warehouse.baseDir))

    def is_instance(self, value: Any) -> bool:
        """Return whether ``value`` is a sparse matrix."""
        if not type(value).__module__.startswith("scipy."):
            return False
        sparse: Any = importlib.import_module("scipy.sparse")
        return bool(sparse.issparse(value))


class KerasModelSpec(IngredientTypeSpec):
    """A Keras model; ``customLayers`` are classes of one's own by name."""

    def __init__(self, customLayers: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.customLayers = customLayers or {}

    @classmethod
    def get_name(cls) -> str:
        """Return the type's name."""
        return "keras_model"

    def store(self, warehouse: Any, name: str, value: Any) -> dict[str, Any] | None:
        """Write the model."""
        value.save(os.path.join(warehouse.baseDir, "model.keras"), overwrite=True)
        return None

    def fetch(self, warehouse: Any, name: str, meta: dict[str, Any] | None) -> Any:
        """Return the model."""
        models: Any = importlib.import_module("keras.models")
        path = os.path.join(warehouse.baseDir, "model.keras")
        return models.load_model(path, custom_objects=self.customLayers) if os.path.exists(path) else None

    def is_instance(self, value: Any) -> bool:
        """Return whether ``value`` is a model; Keras is not imported for that."""
        return any(one.__module__.startswith("keras.") and one.__name__ == "Model" for one in type(value).__mro__)


def _h5py() -> Any:
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise ImportError("An HDF5 array needs the package h5py: pip install h5py") from error
