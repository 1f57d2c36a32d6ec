"""What a pipeline file declares, as read from its source: stages, their parameters, and what stands behind each.

Named tuples, not dataclasses: a file of 10,000 stages has 30,000 of these, and they are made five times as fast.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from stageloom.model.classes import dataclass
from stageloom.model.values import Json
from stageloom.rpc.messages import Problem, Span

#: *dependency* stands for other stages; *configuration* is a value; *input* is a file or folder hashed by content;
#: *out* is the folder that the stage writes into.
Role: TypeAlias = Literal["dependency", "configuration", "input", "out"]

#: Line and column of the start, line and column of the end, counted from 0. Spans are kept like this, and not as
#: ``Span``, because a file of 10,000 stages has 40,000 of them.
Place: TypeAlias = tuple[int, int, int, int]


class ParameterDeclaration(NamedTuple):
    """A parameter of a stage.

    ``stages`` names what a dependency stands for, in order, and ``many`` says that the stage receives a list of them.
    ``value`` is the configured value as JSON where ``static``; otherwise the planner supplies it. For an input it is
    the pattern, and ``kind`` says whether that names files, folders or an environment variable. ``text`` is how to show
    it, as it was written.
    ``place`` is the parameter's name in the source, ``written`` the path of the file it stands in.
    """

    name: str
    role: Role
    value: Json = None
    static: bool = True
    auxiliary: bool = False
    text: str = ""
    source: Literal["default", "bind", "each", "input"] = "default"
    kind: Literal["", "file", "dir", "env"] = ""
    stages: tuple[str, ...] = ()
    many: bool = False
    place: Place = (0, 0, 0, 0)
    written: str = ""

    @property
    def span(self) -> Span:
        """Where the parameter stands."""
        return Span(self.written, *self.place)


class Declaration(NamedTuple):
    """A stage: a decorated function, an instance of one by ``bind``, or one value of its ``each``.

    ``name`` is unique in its pipeline, ``function`` is the function's name in the file at ``path``. ``place`` is that
    of the name (for an instance, of the variable it is bound to) in ``written``, ``whole`` of all of the definition.
    ``match`` is the text of the ``match=`` argument, ``matching`` how the engine matches and how many it wants.
    ``each`` is the name that all values of one ``each`` share.
    ``guessed`` says that the planner may know better. ``retries`` and ``timeout`` don't count for identity.
    """

    name: str
    function: str
    path: str
    parameters: tuple[ParameterDeclaration, ...] = ()
    pool: str = ""
    doc: str = ""
    match: str = ""
    matching: tuple[Literal["latest", "only", "custom"], int] = ("latest", 1)
    each: str = ""
    bound: bool = False
    guessed: bool = False
    place: Place = (0, 0, 0, 0)
    whole: Place = (0, 0, 0, 0)
    written: str = ""
    retries: int = 0
    timeout: float | None = None

    def says_as(self, other: Declaration) -> bool:
        """Return whether it is the same wherever it stands."""
        if self is other:
            return True
        same = self[:_OWN] == other[:_OWN] and self[_OWN + 1 : _PLACE] == other[_OWN + 1 : _PLACE]
        if not same or self[_PLACE + 2 :] != other[_PLACE + 2 :] or len(self.parameters) != len(other.parameters):
            return False
        both = zip(self.parameters, other.parameters, strict=True)
        return all(one is two or (one[:_AT] == two[:_AT] and one.written == two.written) for one, two in both)

    @property
    def span(self) -> Span:
        """Where the stage's name stands."""
        return Span(self.written or self.path, *self.place)

    @property
    def extent(self) -> Span:
        """The whole definition, decorators included."""
        return Span(self.written or self.path, *self.whole)

    @property
    def static(self) -> bool:
        """Whether every value is known without running the file."""
        return not self.guessed and all(parameter.static for parameter in self.parameters)

    def keys_of(self, parameter: ParameterDeclaration) -> tuple[str, ...]:
        """Return what names the parameter in a run's sets: with the stage's name, else with its function's.

        What an instance was given of its own, by ``bind`` or ``each``, is only set by the instance's name.
        """
        own = f"{self.name}.{parameter.name}"
        return (own,) if parameter.source in ("bind", "each") else (own, f"{self.function}.{parameter.name}")

    @property
    def dependencies(self) -> dict[str, tuple[str, ...]]:
        """The stages behind each parameter that is a dependency."""
        return {one.name: one.stages for one in self.parameters if one.role == "dependency"}


#: Where a declaration tells of its parameters and of its places, and a parameter of its own.
_OWN, _PLACE = Declaration._fields.index("parameters"), Declaration._fields.index("place")
_AT = ParameterDeclaration._fields.index("place")


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a file declares. ``stages`` come in the order of the file, those of imported files first.

    ``needs_planner`` names the stages with a value that only running the file can tell. Of two stages of one name both
    are listed, and a problem says so.
    """

    stages: tuple[Declaration, ...]
    problems: tuple[Problem, ...] = ()
    needs_planner: tuple[str, ...] = ()

    def named(self, name: str) -> Declaration | None:
        """Return the last stage of that name, which is the one Python would keep."""
        return next((stage for stage in reversed(self.stages) if stage.name == name), None)
