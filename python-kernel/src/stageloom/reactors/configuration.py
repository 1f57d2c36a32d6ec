"""A configuration that remembers what was read of it, down to the key of a nested dict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stageloom.model.values import Json
from stageloom.reactors.trace import ABSENT, Kind
from stageloom.reactors.values import CodeOf, answer_of

#: Hears which question about the configuration was asked.
Note = Callable[[Kind, tuple[str, ...]], None]

_MISSING: Any = object()


class TrackedDict(dict[Any, Any]):  # noqa: PLW1641  # as unhashable as every dict
    """A nested dict as a reactor sees it: each key that is read is noted; what reads all of it notes it whole.

    It is a copy: what a reactor changes in it stays with the reactor.
    """

    __slots__ = ("_note", "_path")

    def __init__(self, value: Mapping[Any, Any], path: tuple[str, ...], note: Note) -> None:
        super().__init__(value)
        self._path = path
        self._note = note

    def __getitem__(self, key: object) -> object:
        if not isinstance(key, str):
            return self._whole()[key]
        if not super().__contains__(key):
            self._note("has", (*self._path, key))
            raise KeyError(key)
        return self._found(key)

    def get(self, key: object, default: object = None) -> object:
        """Return the value, noting the key, and that it is absent where it is."""
        if key not in self:
            return default
        return self[key]

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return key in self._whole()
        self._note("has", (*self._path, key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[Any]:
        self._note("keys", self._path)
        return super().__iter__()

    def __len__(self) -> int:
        self._note("keys", self._path)
        return super().__len__()

    def keys(self) -> Any:
        """Return the keys, noting which there are."""
        self._note("keys", self._path)
        return super().keys()

    def values(self) -> Any:
        """Return the values, noting all of it."""
        return self._whole().values()

    def items(self) -> Any:
        """Return the items, noting all of it."""
        return self._whole().items()

    def copy(self) -> dict[Any, Any]:
        """Return a plain dict, noting all of it."""
        return dict(self._whole())

    def pop(self, *arguments: Any) -> Any:
        """Take a value out of this copy, noting all of it."""
        self._whole()
        return super().pop(*arguments)

    def popitem(self) -> Any:
        """Take an item out of this copy, noting all of it."""
        self._whole()
        return super().popitem()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value, set in this copy if it is absent; notes all of it."""
        self._whole()
        return super().setdefault(key, default)

    def __eq__(self, other: object) -> bool:
        return self._whole() == other

    def __ne__(self, other: object) -> bool:
        return self._whole() != other

    def __or__(self, other: Any) -> Any:
        return self._whole() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._whole()

    def __repr__(self) -> str:
        return repr(self._whole())

    def __reversed__(self) -> Any:
        return reversed(self._whole())

    def __reduce_ex__(self, protocol: object) -> Any:
        del protocol
        return (dict, (dict(self._whole()),))

    def __copy__(self) -> dict[Any, Any]:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        import copy

        return copy.deepcopy(dict(self._whole()), memo)

    def _whole(self) -> dict[Any, Any]:
        self._note("parameter", self._path)
        return {key: super(TrackedDict, self).__getitem__(key) for key in super().keys()}  # noqa: SIM118  # plain iteration would be noted

    def _found(self, key: str) -> object:
        return seen(super().__getitem__(key), (*self._path, key), self._note)


def seen(value: object, path: tuple[str, ...], note: Note) -> object:
    """Return what a reactor gets for the parameter at ``path``, noting as much of it as was read."""
    if type(value) is dict:
        note("mapping", path)
        return TrackedDict(value, path, note)
    note("parameter", path)
    return value


def answer(top: Mapping[str, object], kind: Kind, path: tuple[str, ...], code_of: CodeOf) -> Json:
    """Return the answer to a question about the configuration ``top``."""
    value = find(top, path)
    if kind == "has":
        return value is not _MISSING
    if value is _MISSING:
        return ABSENT
    if kind == "mapping" and type(value) is dict:
        return {"mapping": True}
    if kind == "keys" and isinstance(value, dict):
        names: list[Json] = [*sorted(map(repr, value))]
        return {"keys": names}
    return answer_of(value, code_of)


def find(top: Mapping[str, object], path: tuple[str, ...]) -> object:
    """Return the value at ``path``, or something that is no value."""
    value: object = top
    for key in path:
        if isinstance(value, TrackedDict):
            value = dict.get(value, key, _MISSING)
        elif isinstance(value, Mapping):
            value = value.get(key, _MISSING)
        else:
            value = vars(value).get(key, _MISSING) if hasattr(value, "__dict__") else _MISSING
        if value is _MISSING:
            return _MISSING
    return value
