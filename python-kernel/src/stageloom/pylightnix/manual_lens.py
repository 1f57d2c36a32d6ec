"""Lenses: reading a configuration, and those of what it depends on, by attributes."""

from __future__ import annotations

import json
import os
from typing import Any

from stageloom.model.classes import dataclass
from stageloom.pylightnix.manual_build import Build, build_config, build_outpaths
from stageloom.pylightnix.manual_config import config_dict
from stageloom.pylightnix.manual_references import dref2path, drefcfg, rref2dref, rref2path, rrefctx
from stageloom.pylightnix.manual_types import (
    Closure,
    Context,
    DRef,
    Path,
    RRef,
    StorageSettings,
    UsageError,
    isdref,
    isrefpath,
    isrref,
    other_face,
)


@dataclass(frozen=True, slots=True)
class LensContext:
    """What a lens can look things up in."""

    S: StorageSettings | None
    build_path: str | None
    context: Context | None
    closure: Closure | None


class Lens:
    """Looks at a place in a configuration; an attribute goes deeper, through references into their configurations.

    What stands there is read by ``val`` or ``optval``, ``dref``, ``rref`` (``rrefs`` where several stand for it),
    ``refpath``, ``syspath`` (``syspaths``), ``contents`` and ``closure``.
    """

    def __init__(self, ctx: LensContext, start: Any, steps: list[str]) -> None:
        self.ctx = ctx
        self.start = start
        self.steps = steps

    def __getattr__(self, key: str) -> Lens:
        if key.startswith("__"):
            raise AttributeError(key)
        return self.get(key)

    def __repr__(self) -> str:
        return f"<{self._said()}>"

    def get(self, key: str) -> Lens:
        """Return the lens on ``key``, which may be no name or be called as one of a lens's own attributes."""
        inner = self._inner(self._value())
        if inner is None:
            raise UsageError(f"{self._said()} is no configuration, so it has no {key!r}")
        if key not in inner:
            raise UsageError(f"{self._said()} has no {key!r}; it has {', '.join(map(str, inner)) or 'nothing'}")
        return Lens(self.ctx, self.start, [*self.steps, key])

    @property
    def optval(self) -> Any:
        """The value as it stands there."""
        return self._value()

    @property
    def val(self) -> Any:
        """The value as it stands there, which must not be None."""
        value = self._value()
        if value is None:
            raise UsageError(f"{self._said()} is None; use optval")
        return value

    @val.setter
    def val(self, value: Any) -> None:
        at = self.start
        for step in self.steps[:-1]:
            at = at[step] if isinstance(at, dict) else None
        if not self.steps or not isinstance(at, dict):
            raise UsageError(f"{self._said()} cannot be set: only what is in a dict can")
        at[self.steps[-1]] = value

    @property
    def refpath(self) -> list[Any]:
        """The path ``[dref, "a", …]`` that stands there."""
        value = self._value()
        if not isrefpath(value):
            raise UsageError(f"{self._said()} is {value!r:.60}, and no path into a stage")
        return list(value)

    @property
    def dref(self) -> DRef:
        """The derivation that stands there."""
        value = self._value()
        if isinstance(value, Build):
            return value.dref
        if isinstance(value, Closure):
            return value.dref
        if isrref(value):
            return rref2dref(value)
        if not isdref(value):
            raise UsageError(f"{self._said()} is {value!r:.60}, and no reference")
        return DRef(value)

    @property
    def rref(self) -> RRef:
        """The realization that stands there, or for the derivation there, where it is one."""
        rrefs = self.rrefs
        if len(rrefs) != 1:
            raise UsageError(f"{len(rrefs)} realizations stand for {self._said()}; use rrefs")
        return rrefs[0]

    @property
    def rrefs(self) -> list[RRef]:
        """The realizations that stand there, or for the derivation there."""
        value = self._value()
        if isrref(value):
            return [RRef(value)]
        if isrefpath(value):
            value = value[0]
        if not isdref(value):
            raise UsageError(f"{self._said()} is {value!r:.60}, and no reference")
        if self.ctx.context is None or value not in self.ctx.context:
            raise UsageError(f"which realization stands for {self._said()} is not known here: begin at a realization")
        return self.ctx.context[DRef(value)]

    @property
    def syspath(self) -> Path:
        """The path on disk of the folder or file that stands there, where it is one."""
        paths = self.syspaths
        if len(paths) != 1:
            raise UsageError(f"{len(paths)} realizations stand for {self._said()}; use syspaths")
        return paths[0]

    @property
    def syspaths(self) -> list[Path]:
        """The paths on disk of what stands there, one for each realization."""
        value, context = self._value(), self.ctx.context
        if isinstance(value, Build):
            return [self._built(value)]
        if isrref(value):
            return [rref2path(RRef(value), self.ctx.S)]
        if isdref(value) and (context is None or value not in context):
            return [dref2path(DRef(value), self.ctx.S)]
        if isdref(value):
            return [rref2path(one, self.ctx.S) for one in self.rrefs]
        if not isrefpath(value):
            raise UsageError(f"{self._said()} is {value!r:.60}, and has no path")
        if context is not None and value[0] in context:
            return [Path(os.path.join(rref2path(one, self.ctx.S), *value[1:])) for one in self.rrefs]
        return [Path(os.path.join(self._built(self.start), *value[1:]))]

    @property
    def contents(self) -> str:
        """The text of the file that stands there."""
        with open(self.syspath, encoding="utf-8") as file:
            return file.read()

    @property
    def closure(self) -> Closure:
        """The derivation that stands there, ready to be realized; for a lens on a closure."""
        if self.ctx.closure is None:
            raise UsageError(f"{self._said()} has no closure: begin at what instantiate returned")
        return Closure(self.dref, self.ctx.closure.derivations, self.ctx.S)

    def _built(self, start: Any) -> Path:
        if self.ctx.build_path is None:
            raise UsageError(
                f"{self._said()} has no path yet: begin at a realization, or within a realizer (mklens(b)), "
                f"not at {start!r:.60}"
            )
        return Path(self.ctx.build_path)

    def _value(self) -> Any:
        value = self.start
        for step in self.steps:
            inner = self._inner(value)
            assert inner is not None
            value = inner[step]
        return value

    def _inner(self, value: Any) -> dict[str, Any] | None:
        if isinstance(value, Closure):
            value = value.dref
        if isinstance(value, Build):
            return config_dict(build_config(value))
        if isdref(value):
            return config_dict(drefcfg(DRef(value), self.ctx.S))
        if isrref(value):
            return config_dict(drefcfg(rref2dref(RRef(value)), self.ctx.S))
        if isrefpath(value):
            return self._read(Lens(self.ctx, value, []).syspath)
        return value if isinstance(value, dict) else None

    def _read(self, path: str) -> dict[str, Any]:
        try:
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError) as error:
            raise UsageError(f"{self._said()}: {path} is no JSON file to look into ({error})") from None
        if not isinstance(found, dict):
            raise UsageError(f"{self._said()}: {path} holds no object to look into")
        return found

    def _said(self) -> str:
        return ".".join(["mklens(…)", *self.steps])


def mklens(
    x: Any,
    o: str | None = None,
    b: Build | None = None,
    rref: RRef | None = None,
    ctx: Context | None = None,
    closure: Closure | None = None,
    build_output_idx: int = 0,
    S: StorageSettings | None = None,
) -> Lens:
    """Return a lens on a reference, a :class:`Build`, a closure, a path into a stage or a dict.

    ``b`` (a build), ``rref`` or ``ctx`` say which realizations stand for references; ``o`` is the folder that is built.
    """
    if isinstance(x, tuple) and not isinstance(x, Closure):
        other_face("mklens was given what instantiate or realize returns there", "mklens")
    build = b if b is not None else x if isinstance(x, Build) else None
    if S is None:
        S = build.S if build is not None else x.S if isinstance(x, Closure) else None
    if ctx is None and build is not None:
        ctx = build.context
    if ctx is None and rref is not None:
        ctx = _context(rref, S)
    if ctx is None and isrref(x):
        ctx = _context(x, S)
    if o is None and build is not None:
        o = build_outpaths(build)[build_output_idx]
    if closure is None and isinstance(x, Closure):
        closure = x
    return Lens(LensContext(S, o, ctx, closure), x, [])


def _context(rref: RRef, S: StorageSettings | None) -> Context:
    return {**rrefctx(rref, S), rref2dref(rref): [RRef(rref)]}
