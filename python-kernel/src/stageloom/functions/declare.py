"""The decorator that makes a function a stage. A decorated function stays one: calling it just calls it."""

from __future__ import annotations

import functools
import importlib
import os
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar, cast, overload

from stageloom.functions.matching import Match
from stageloom.functions.places import Auxiliary, Input
from stageloom.search import Space

if TYPE_CHECKING:
    import inspect

P = ParamSpec("P")
R = TypeVar("R")

Each = Sequence[object] | Mapping[str, Sequence[object]]


class Stage(Generic[P, R]):
    """A function that is a stage, or one of its instances.

    ``bound`` are the parameters fixed by :meth:`bind`: values, or other stages.
    """

    _stageloom_stage: ClassVar[bool] = True

    def __init__(
        self,
        function: Callable[P, R],
        *,
        each: Each | None = None,
        pool: str = "",
        auxiliary: Collection[str] = (),
        retries: int = 0,
        timeout: float | None = None,
        bound: Mapping[str, object] | None = None,
        match: Match | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.each = each
        self.pool = pool
        self.match = match
        self.retries = retries
        self.timeout = timeout
        self.auxiliary = frozenset({auxiliary} if isinstance(auxiliary, str) else auxiliary)
        self.bound: Mapping[str, object] = dict(bound or {})
        unknown = sorted(self.auxiliary - set(self.parameters)) if self.auxiliary else ()
        if unknown:
            raise TypeError(f"{function.__name__} has no parameter {unknown[0]!r}, which auxiliary= names")

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The function's parameters."""
        import inspect  # on use, as below: a file of stages that is only imported does without

        return inspect.signature(self.function).parameters

    def value(self, name: str) -> object:
        """Return what a parameter is bound to, or its default; raises KeyError if it has neither."""
        if name in self.bound:
            return self.bound[name]
        import inspect

        default = self.parameters[name].default
        if default is inspect.Parameter.empty:
            raise KeyError(name)
        return default

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, in place and uncached, with what is bound and with plain values for defaults."""
        import inspect

        signature = inspect.signature(self.function)
        given = signature.bind_partial(*args, **kwargs)
        for name in signature.parameters:
            if name not in given.arguments and (name in self.bound or _is_special(self._default(name))):
                given.arguments[name] = self._plain(self.value(name), name)
        lacking = [
            name
            for name, one in signature.parameters.items()
            if name not in given.arguments and one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
        ]
        if lacking:
            raise TypeError(
                f"{self.__name__} is a stage, and called as a function it needs {', '.join(map(repr, lacking))}: "
                f"give it that, or make {self.__name__} a parameter of the stage that needs what it makes"
            )
        return self.function(*given.args, **given.kwargs)

    def _default(self, name: str) -> object:
        return self.parameters[name].default

    def _plain(self, value: object, name: str) -> object:
        if isinstance(value, Stage):
            raise TypeError(f"{self.__name__} needs a value for {name!r}, which is bound to the stage {value.__name__}")
        value = unwrap(value)
        if isinstance(value, Input):
            import inspect

            file = Path(inspect.getfile(inspect.unwrap(self.function))).resolve()
            return given_input(value, file.parent, file.name)
        return value

    def bind(self, **values: object) -> Stage[..., R]:
        """Return another instance of the stage, with some parameters fixed to values or to other stages.

        Assign it to a name at the top of the file: the name is the instance's own.
        """
        for name in values:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise TypeError(f"{self.__name__} has no parameter {name!r}; it has {known}")
        return Stage(
            cast("Callable[..., R]", self.function),
            each=self.each,
            pool=self.pool,
            auxiliary=self.auxiliary,
            retries=self.retries,
            timeout=self.timeout,
            bound={**self.bound, **values},
            match=self.match,
        )

    __name__: str
    __qualname__: str

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.bound.items())
        return f"<stage {self.__qualname__}({shown})>" if shown else f"<stage {self.__qualname__}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        # the function's name leads to the stage, so the function by itself could not be pickled
        if self.bound:
            return _bind_again, (self.__module__, self.__qualname__, dict(self.bound))
        return self.__qualname__


def _bind_again(module: str, name: str, bound: dict[str, object]) -> Stage[..., Any]:
    base: Stage[..., Any] = getattr(importlib.import_module(module), name)
    return base.bind(**bound)


@overload
def stage(function: Callable[P, R], /) -> Stage[P, R]: ...
@overload
def stage(
    *,
    each: Each | None = None,
    pool: str = "",
    auxiliary: str | Collection[str] = (),
    match: Match | None = None,
    retries: int = 0,
    timeout: float | None = None,
) -> Callable[[Callable[P, R]], Stage[P, R]]: ...


def stage(
    function: Callable[P, R] | None = None,
    /,
    *,
    each: Each | None = None,
    pool: str = "",
    auxiliary: str | Collection[str] = (),
    match: Match | None = None,
    retries: int = 0,
    timeout: float | None = None,
) -> Any:
    """Make a function a stage of its file's pipeline.

    A parameter that names another stage is a dependency, and receives what that stage returned. Any other needs a
    default and is configuration. A parameter annotated ``Out`` receives the folder for files. The function is only
    called by a realization, when nothing that it depends on is the same as before.

    Args:
        function: the function, where the decorator is used without parentheses.
        each: values to map the stage over: a list for its one parameter without a default, or a dict of lists.
        pool: name of the pool of workers to run on; empty for the default.
        auxiliary: names of parameters that don't count: changing them makes nothing stale.
        match: which of several realizations dependants receive: ``latest(n)``, ``only()``, ``best(n, key=…)``; the
            latest one where None. With ``n`` above 1 they receive a list.
        retries: how often it is tried again where it fails; does not count. Write a plain number.
        timeout: how many seconds it may take, each time, before it is stopped; does not count. Write a plain number.

    Raises:
        TypeError: for what is not a function.
    """
    if match is not None and not isinstance(match, Match):
        raise TypeError(f"match= takes latest(n), only() or best(n, key=…), not {match!r}")

    def decorate(decorated: Callable[P, R]) -> Stage[P, R]:
        if isinstance(decorated, Stage) or not _is_function(decorated):
            raise TypeError(f"@stage goes on a function, not on {decorated!r}")
        return Stage(
            decorated, each=each, pool=pool, auxiliary=auxiliary, match=match, retries=retries, timeout=timeout
        )

    return decorate if function is None else decorate(function)


def _is_function(value: object) -> bool:
    """Return whether ``value`` is a function, or stands for one as what ``functools.wraps`` made does."""
    seen: list[object] = []
    while not any(value is one for one in seen):
        if not hasattr(value, "__wrapped__"):
            return isinstance(value, types.FunctionType)
        seen.append(value)
        value = value.__wrapped__
    return False


def unwrap(value: object) -> object:
    """Return the plain value that a default or a bound value stands for; inputs stay as they are."""
    while isinstance(value, (Auxiliary, Space)):
        value = value.value if isinstance(value, Auxiliary) else value.default
    return value


def _is_special(value: object) -> bool:
    return isinstance(value, (Auxiliary, Space, Input))


def given_input(value: Input, root: Path, path: str) -> Path | list[Path] | str:
    """Return what a stage receives for an input that the file at ``path`` below ``root`` declares.

    Raises:
        NoInputError: where there is no such file or folder, or the variable is not set.
    """
    from stageloom.functions.inputs import env_value, input_files

    if value.kind == "env":
        return env_value(value.told)[1]
    files = input_files(root, path, value.pattern, value.kind)
    if value.kind == "dir":
        return Path(os.path.abspath((root / path).parent / value.pattern))
    return files if value.many else files[0]
