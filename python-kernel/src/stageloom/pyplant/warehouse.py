"""Where ingredients are: types of one's own, and a warehouse in a folder by itself."""

from __future__ import annotations

import abc
import base64
import json
import logging
import os
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from stageloom.artifacts.errors import UnloadableError
from stageloom.model.values import Json, NotSerialisableError, from_json, to_json
from stageloom.pyplant.ingredient import Ingredient, kind_of
from stageloom.reactors.outlet import Outlet, Sent, read_part

_VALUES = frozenset({"simple", "list", "object", "array"})
_MANIFEST = "manifest.json"


class InvalidOperationException(Exception):  # noqa: N818  # the name that programs know
    """An ingredient type does not do what was asked of it."""


class IngredientTypeSpec(abc.ABC):
    """How ingredients of a type of one's own are stored.

    ``store`` writes below ``warehouse.baseDir``, a folder of the ingredient's own, and may return facts that
    ``fetch`` gets back as ``meta``. What was stored is write-protected: open it for reading. A type that hands out
    something to be filled sets ``isAllocatable`` and implements ``allocate`` and ``deallocate``.
    """

    def __init__(self) -> None:
        self.isAllocatable = False

    @classmethod
    @abc.abstractmethod
    def get_name(cls) -> str:
        """Return the type's name."""

    @abc.abstractmethod
    def store(self, warehouse: Any, name: str, value: Any) -> dict[str, Any] | None:
        """Write ``value``; return facts to be kept with it."""

    @abc.abstractmethod
    def fetch(self, warehouse: Any, name: str, meta: dict[str, Any] | None) -> Any:
        """Return what was stored, None if it cannot be had."""

    def allocate(self, warehouse: Any, name: str, **kwargs: Any) -> Any:
        """Return something to be filled and sent."""
        raise InvalidOperationException(f"Ingredients of the type {self.get_name()} cannot be allocated.")

    def deallocate(self, warehouse: Any, name: str) -> None:
        """Remove what ``allocate`` made."""
        raise InvalidOperationException(f"Ingredients of the type {self.get_name()} cannot be allocated.")

    def close(self) -> None:
        """Let go of whatever is open; called when the plant shuts down."""

    def is_instance(self, value: Any) -> bool:
        """Return whether a value sent without a type is of this one."""
        del value
        return False


class Place:
    """A warehouse as a spec sees it: ``baseDir`` is the folder of the one ingredient that it is asked about."""

    def __init__(self, baseDir: str, logger: logging.Logger, specs: dict[str, IngredientTypeSpec]) -> None:
        self.baseDir = baseDir
        self.logger = logger
        self.ingredientSpecs = specs


class Types:
    """The ingredient types that a warehouse knows, and how each writes and reads."""

    def __init__(self, logger: logging.Logger) -> None:
        self.specs: dict[str, IngredientTypeSpec] = {}
        self._logger = logger

    def register(self, specs: Sequence[IngredientTypeSpec]) -> None:
        """Make types of one's own known."""
        self.specs.update((spec.get_name(), spec) for spec in specs)

    def standardize(self, type: Any) -> Ingredient.Type | str | None:
        """Return a type given as a spec's class by its name; such a class need not have been registered."""
        if isinstance(type, IngredientTypeSpec):
            self.specs.setdefault(type.get_name(), type)
            return type.get_name()
        if isinstance(type, _CLASS) and issubclass(type, IngredientTypeSpec):
            if type.get_name() not in self.specs:
                self.register([type()])
            return type.get_name()
        return type  # type: ignore[no-any-return]  # one of the types, or a name

    def infer(self, value: object) -> Ingredient.Type | str:
        """Return the type of a value sent without one."""
        kind = type(value)
        if kind in (int, float, complex, str, bool):
            return Ingredient.Type.simple
        if kind is list:
            return Ingredient.Type.list
        if kind.__module__ == "numpy" and kind.__name__ in ("ndarray", "memmap"):
            return Ingredient.Type.array
        for name, spec in self.specs.items():
            try:
                if spec.is_instance(value):
                    return name
            except ImportError:  # noqa: PERF203  # a handful of types
                continue  # a type whose package is not here has no instances
        return Ingredient.Type.object

    def spec(self, type: Ingredient.Type | str) -> IngredientTypeSpec:
        """Return the spec of a type; raises RuntimeError."""
        from stageloom.pyplant import specs

        kind = kind_of(type)
        if kind not in self.specs:
            known = {one.get_name(): one for one in (specs.HdfArraySpec, specs.KerasModelSpec, specs.ScipySparseSpec)}
            if kind not in known:
                raise RuntimeError(
                    f"No ingredient type is called {kind!r}: register its spec, "
                    "plant.warehouse.register_ingredient_specs([YourSpec()])."
                )
            self.specs[kind] = known[kind]()
        return self.specs[kind]

    def place(self, folder: Path) -> Place:
        """Return what a spec is given for an ingredient in ``folder``."""
        return Place(os.fspath(folder), self._logger, self.specs)

    def send(self, outlet: Outlet, name: str, value: Any, type: Ingredient.Type | str) -> None:
        """Write an ingredient to a run's outlet."""
        kind = kind_of(type)
        if kind == "array":
            import numpy as np

            outlet.send(name, value if isinstance(value, np.memmap) else np.asarray(value), kind)
        elif kind in _VALUES:
            outlet.send(name, value, kind)
        elif kind == "file":
            expected = outlet.place(name, "file")
            if os.path.abspath(value) != os.fspath(expected):
                raise RuntimeError(
                    f"The file of the ingredient {name!r} is to be written where allocate said: {expected}, "
                    f"and not at {value}."
                )
            outlet.send_place(name, kind, None)
        else:
            spec = self.spec(type)
            meta = spec.store(self.place(outlet.place(name, kind)), name, value)
            outlet.send_place(name, kind, _note(meta))

    def allocate(self, outlet: Outlet, name: str, type: Ingredient.Type | str, **kwargs: Any) -> Any:
        """Return something of a type to be filled and sent: a file's path, an array on disk, or what a spec makes."""
        kind = kind_of(type)
        if kind == "file":
            path = outlet.place(name, "file")
            path.write_bytes(b"")
            return os.fspath(path)
        if kind == "array":
            return outlet.map_array(name, tuple(kwargs["shape"]), kwargs.get("dtype"))
        if kind in _VALUES or kind == "unknown":
            raise ValueError(f"Ingredients of the type {kind} are sent as they are: they cannot be allocated.")
        spec = self.spec(type)
        if not spec.isAllocatable:
            raise RuntimeError(f"Ingredients of the type {kind} cannot be allocated.")
        return spec.allocate(self.place(outlet.place(name, kind)), name, **kwargs)

    def read(self, name: str, sent: Sent, folder: Path) -> Any:
        """Return the value of an ingredient from the folder of the run that sent it."""
        if sent.type in _VALUES:
            return read_part(folder, sent.part)
        assert isinstance(sent.part, dict)
        path = folder / str(sent.part["$path"])
        if sent.type == "file":
            return os.fspath(path)
        value = self.spec(sent.type).fetch(self.place(path), name, _meta(sent.note))
        if value is None:
            raise UnloadableError(
                f"the ingredient {name!r} cannot be read back by its type {sent.type}", "Run it again."
            )
        return value

    def close(self) -> None:
        """Let all types let go of what is open."""
        for spec in self.specs.values():
            spec.close()


class Warehouse:
    """Ingredients in a folder by itself, one version of each."""

    def __init__(self, baseDir: str, logger: logging.Logger) -> None:
        self.baseDir = os.path.abspath(baseDir)
        self.logger = logger
        self.manifest: dict[str, dict[str, Any]] = {}
        self.freshIngredients: set[str] = set()
        self._types = Types(logger)
        self._outlets: dict[str, Outlet] = {}
        os.makedirs(self.baseDir, exist_ok=True)
        try:
            self.manifest = json.loads(Path(self.baseDir, _MANIFEST).read_text("utf-8"))
        except FileNotFoundError:
            pass
        except ValueError:
            logger.warning("%s is damaged: what it held is gone.", _MANIFEST)

    @property
    def ingredientSpecs(self) -> dict[str, IngredientTypeSpec]:  # noqa: N802  # the name that programs know
        """The registered types by name."""
        return self._types.specs

    def __enter__(self) -> Warehouse:  # noqa: PYI034  # Self is not in 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def register_ingredient_specs(self, specs: Sequence[IngredientTypeSpec]) -> None:
        """Make types of one's own known."""
        self._types.register(specs)

    def allocate(self, ingredient: Ingredient, **kwargs: Any) -> Any:
        """Return something to be filled and stored."""
        return self._types.allocate(self._outlet(ingredient.name), ingredient.name, ingredient.type, **kwargs)

    def store(self, ingredient: Ingredient, value: Any, useCache: bool = True) -> None:
        """Store an ingredient; raises RuntimeError for a second of its name in one session."""
        del useCache
        name = ingredient.name
        if name in self.freshIngredients:
            raise RuntimeError(f"The ingredient {name!r} was stored twice.")
        outlet = self._outlet(name)
        self._types.send(outlet, name, value, ingredient.type)
        sent, _ = outlet.finish()
        before = self.manifest.get(name)
        self.manifest[name] = {
            "signature": ingredient.signature,
            "type": sent[name].type,
            "folder": os.path.basename(outlet.folder),
            "part": sent[name].part,
            "note": sent[name].note,
        }
        self.freshIngredients.add(name)
        self.save_manifest()
        if before is not None:
            shutil.rmtree(os.path.join(self.baseDir, before["folder"]), ignore_errors=True)

    def fetch(self, name: str, signature: str | None = None) -> Any:
        """Return an ingredient, of that signature if one is given; None where there is none, or it is damaged."""
        kept = self.manifest.get(name)
        if kept is None or (signature is not None and signature != kept["signature"]):
            return None
        sent = Sent(kept["part"], kept["type"], kept["note"], "")
        try:
            return self._types.read(name, sent, Path(self.baseDir, kept["folder"]))
        except (UnloadableError, OSError, ValueError) as error:
            self.logger.warning("The ingredient %r cannot be read: %s", name, error)
            return None

    def save_manifest(self) -> None:
        """Write what there is, in one step."""
        target = os.path.join(self.baseDir, _MANIFEST)
        with open(f"{target}.new", "w", encoding="utf-8") as file:
            json.dump(self.manifest, file)
        os.replace(f"{target}.new", target)

    def close(self) -> None:
        """Write what there is, and let go of what is open."""
        self._types.close()
        if os.path.isdir(self.baseDir):
            self.save_manifest()

    def _outlet(self, name: str) -> Outlet:
        if name not in self._outlets:
            folder = Path(self.baseDir, f"ingredient-{os.urandom(6).hex()}")
            self._outlets[name] = Outlet(folder)
        return self._outlets[name]


def _note(meta: dict[str, Any] | None) -> Json:
    """Return a spec's facts as they are kept."""
    try:
        return to_json(meta)
    except NotSerialisableError:
        return {"$pickle": base64.b64encode(pickle.dumps(meta)).decode("ascii")}


def _meta(note: Json) -> Any:
    if isinstance(note, dict) and list(note) == ["$pickle"]:
        return pickle.loads(base64.b64decode(str(note["$pickle"])))  # noqa: S301  # of the user's own store
    return from_json(note)


_CLASS = type
