"""What ``dataclasses`` does for a class with slots, without writing and compiling six methods for each.

That takes a millisecond for each class of every process, and brings ``inspect`` with it. Here the constructor is made
when the first instance is made, and the other methods are shared. What other modules ask of a dataclass
(``dataclasses.fields``, ``replace``, ``is_dataclass``, ``copy``, ``pickle``) works.
"""

from __future__ import annotations

from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_FIELDS = "__dataclass_fields__"
_COMPARISONS = ("__lt__", "__le__", "__gt__", "__ge__")


class _Unset:
    """Stands where nothing was given."""


_UNSET = _Unset()


class _Field:
    """What was said of a field."""

    __slots__ = ("compare", "default", "default_factory", "shown")

    def __init__(
        self, default: Any, default_factory: Any = _UNSET, *, compare: bool = True, shown: bool = True
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.compare = compare
        self.shown = shown


def field(
    *,
    default: Any = _UNSET,
    default_factory: Any = _UNSET,
    compare: bool = True,
    repr: bool = True,  # noqa: A002  # as in dataclasses
) -> Any:
    """Return what stands for a field's default, as ``dataclasses.field`` does."""
    return _Field(default, default_factory, compare=compare, shown=repr)


def replace(instance: Any, /, **changes: Any) -> Any:
    """Return ``instance`` with some fields changed, as ``dataclasses.replace`` does; named tuples have fields too."""
    kind = type(instance)
    if isinstance(instance, tuple):
        return instance._replace(**changes)  # type: ignore[attr-defined]  # what has fields and is a tuple is a named one
    if not isinstance(kind.__dict__.get(_FIELDS), _Fields):
        import dataclasses

        return dataclasses.replace(instance, **changes)
    for name in kind.__match_args__:
        if name not in changes:
            changes[name] = getattr(instance, name)
    return kind(**changes)


def dataclass(*, slots: bool, frozen: bool = False, order: bool = False) -> Callable[[type], type]:
    """Make a class without base classes one with slots for its annotations, as ``dataclasses.dataclass`` does."""
    if not slots:
        raise TypeError("slots=True is the only kind of dataclass there is here")
    return lambda cls: _make(cls, frozen=frozen, order=order)


def _make(cls: type, *, frozen: bool, order: bool) -> type:
    annotations: dict[str, Any] = cls.__annotations__
    if cls.__bases__ != (object,) or any(
        "ClassVar" in str(one) or "InitVar" in str(one) for one in annotations.values()
    ):
        raise TypeError(
            f"{cls.__name__} has a base class, or annotations that are no fields: use dataclasses.dataclass"
        )
    body = {key: value for key, value in vars(cls).items() if key not in ("__dict__", "__weakref__")}
    fields = {name: _as_field(body.pop(name, _UNSET)) for name in annotations}
    body["__slots__"] = body["__match_args__"] = tuple(fields)
    body[_FIELDS] = _Fields(fields)
    made = type(cls.__name__, (), body)
    methods = _methods([name for name, one in fields.items() if one.compare], frozen=frozen, order=order)
    for name, method in methods.items():
        if name not in body:
            setattr(made, name, method)
    _set_init(made, fields)
    return made


def _as_field(value: Any) -> _Field:
    return value if isinstance(value, _Field) else _Field(value)


def _methods(compared: list[str], *, frozen: bool, order: bool) -> dict[str, Any]:
    """Return all methods but the constructor."""
    get: Callable[[Any], Any] = attrgetter(*compared) if compared else lambda _: ()

    def equal(self: Any, other: Any) -> Any:
        return get(self) == get(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(get(self))

    result: dict[str, Any] = {"__eq__": equal, "__hash__": hashed if frozen else None}
    result.update(__repr__=_show, __getstate__=_state, __setstate__=_restore)
    if frozen:
        result.update(__setattr__=_refuse_set, __delattr__=_refuse_delete)
    if order:
        result.update((name, _comparison(name, get)) for name in _COMPARISONS)
    return result


def _comparison(name: str, get: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(self: Any, other: Any) -> Any:
        return getattr(get(self), name)(get(other)) if other.__class__ is self.__class__ else NotImplemented

    return compare


def _set_init(made: Any, fields: dict[str, _Field]) -> None:
    def first(self: Any, *args: Any, **named: Any) -> None:
        made.__init__ = _compiled(made, fields)
        made.__init__(self, *args, **named)

    made.__init__ = first


def _compiled(made: type, fields: dict[str, _Field]) -> Any:
    """Return the constructor. It fills the slots themselves, which a frozen class allows."""
    scope: dict[str, Any] = {"_unset": _UNSET}
    words, lines = ["self"], []
    for name, one in fields.items():
        scope[f"_set_{name}"] = vars(made)[name].__set__
        value = name
        if one.default_factory is not _UNSET:
            scope[f"_new_{name}"] = one.default_factory
            words.append(f"{name}=_unset")
            value = f"_new_{name}() if {name} is _unset else {name}"
        elif one.default is not _UNSET:
            scope[f"_default_{name}"] = one.default
            words.append(f"{name}=_default_{name}")
        else:
            words.append(name)
        lines.append(f" _set_{name}(self, {value})")
    if "__post_init__" in vars(made):
        lines.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(words)}):\n" + ("\n".join(lines) or " pass"), scope)  # noqa: S102  # names of fields
    init = scope["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    return init


def _show(self: Any) -> str:
    shown = [name for name, one in vars(type(self))[_FIELDS].own.items() if one.shown]
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__match_args__]


def _restore(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__match_args__, state, strict=True):
        object.__setattr__(self, name, value)


def _refuse_set(_: Any, name: str, value: Any) -> NoReturn:
    from dataclasses import FrozenInstanceError

    del value
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(_: Any, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


class _Fields:
    """Stands for ``__dataclass_fields__`` until somebody asks for it: ``dataclasses`` itself then makes them."""

    __slots__ = ("made", "own")

    def __init__(self, own: dict[str, _Field]) -> None:
        self.own = own
        self.made: Any = None

    def __get__(self, instance: Any, owner: type) -> Any:
        if self.made is None:
            import dataclasses

            body: dict[str, Any] = {"__annotations__": dict(owner.__annotations__), "__module__": owner.__module__}
            for name, one in self.own.items():
                known = {"default": one.default, "default_factory": one.default_factory}
                given = {key: value for key, value in known.items() if value is not _UNSET}
                body[name] = dataclasses.field(compare=one.compare, repr=one.shown, **given)
            plain: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(type(owner.__name__, (), body))
            self.made = plain.__dataclass_fields__
        return self.made
