"""The code of functions that a process has at hand: by all they reach where they are in a file, else by their text."""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import inspect
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from stageloom.model.values import Json, digest
from stageloom.tracking.blobs import MemoryBlobs
from stageloom.tracking.fingerprint import Code, UnknownCodeError
from stageloom.tracking.snapshot import Snapshot, take

_MARKS = (".stageloom", ".git", "pyproject.toml", "setup.py", "setup.cfg")
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


class Codes:
    """Digests of functions and classes, each computed once; ``cache`` is a store's folder for that."""

    def __init__(self, cache: Path | None = None, note: Callable[[str], None] | None = None) -> None:
        self._cache = cache
        self._note = note or (lambda _text: None)
        self._files: dict[str, _File | None] = {}
        self._known: dict[int, tuple[object, str]] = {}
        self._noted: set[str] = set()

    def of(self, thing: object) -> str:
        """Return the digest (32 hex digits) of a function's or class's code."""
        thing = inspect.unwrap(thing) if callable(thing) else thing
        known = self._known.get(id(thing))
        if known is None or known[0] is not thing:
            known = self._known[id(thing)] = (thing, "…")  # what leads back to itself
            known = self._known[id(thing)] = (thing, self._digest(thing))
        return known[1]

    def of_name(self, module: str, name: str) -> str:
        """Return the digest of what a module's name stands for, empty where that is not the project's."""
        found: Any = sys.modules.get(module)
        for step in name.split("."):
            found = getattr(found, step, None)
        return self.of(found) if found is not None and _own_file(found) else ""

    def place(self, function: object) -> str:
        """Return the path of a function's file below its project's root, empty where it has no file."""
        file = _own_file(inspect.unwrap(function)) if callable(function) else ""
        read = self._read(file) if file else None
        return read.path if read is not None else ""

    def save(self) -> None:
        """Keep what was computed for other processes."""
        for read in self._files.values():
            if read is not None:
                read.save()

    # --- by file -----------------------------------------------------------------------------------------------------

    def _digest(self, thing: Any) -> str:
        file = _own_file(thing)
        qualname = getattr(thing, "__qualname__", "")
        read = self._read(file) if file else None
        if read is not None and "<" not in qualname and self._is_there(thing, qualname):
            try:
                found, notes = read.fingerprint(qualname)
            except UnknownCodeError:
                pass
            else:
                for one in notes:
                    self._say(one)
                return digest("reactor-code/1", [found])
        if isinstance(thing, FunctionType):
            return self._by_text(thing, known_file=read is not None)
        return digest("reactor-code/1", [f"{getattr(thing, '__module__', '')}.{qualname}"])

    @staticmethod
    def _is_there(thing: Any, qualname: str) -> bool:
        """Return whether the file's name still stands for ``thing``: a function may be replaced as the file runs."""
        found: Any = sys.modules.get(thing.__module__)
        for step in qualname.split("."):
            found = getattr(found, step, None)
        found = inspect.unwrap(found) if callable(found) else found
        return found is thing or getattr(found, "__code__", None) is getattr(thing, "__code__", None) is not None

    def _read(self, file: str) -> _File | None:
        if file not in self._files:
            self._files[file] = self._taken(file)
        return self._files[file]

    def _taken(self, file: str) -> _File | None:
        root = root_of(Path(file))
        path = Path(file).relative_to(root).as_posix()
        blobs = MemoryBlobs()
        try:
            snapshot: Snapshot = take(root, path, {}, blobs)
        except (OSError, ValueError):
            return None
        return _File(path, Code(snapshot, blobs, self._cache))

    # --- by text -----------------------------------------------------------------------------------------------------

    def _by_text(self, function: FunctionType, *, known_file: bool) -> str:
        """Return the digest of a function that no name of a file stands for: its text, and what it holds and names."""
        if not known_file:
            self._say(
                f"{function.__qualname__} is not in a file: its own text counts, and of what it calls only what is."
            )
        return digest("reactor-text/1", [_text(function), self._held(function), self._named(function)])

    def _held(self, function: FunctionType) -> Json:
        """Return the variables around a function that it only reads, where they cannot change unseen."""
        written = {one.argval for one in dis.get_instructions(function) if one.opname == "STORE_DEREF"}
        found: dict[str, Json] = {}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:  # not bound yet
                continue
            if name not in written:
                found[name] = self._value(value)
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        found[" defaults"] = [self._value(one) for one in defaults]
        return found

    def _named(self, function: FunctionType) -> Json:
        names = sorted({name for code in _codes(function.__code__) for name in code.co_names})
        return {
            name: self._value(function.__globals__[name])
            for name in names
            if name in function.__globals__ and not isinstance(function.__globals__[name], ModuleType)
        }

    def _value(self, value: object) -> Json:
        if isinstance(value, _PLAIN):
            return f"{type(value).__name__} {value!r}"
        if isinstance(value, tuple):
            return [self._value(one) for one in value]
        if isinstance(value, frozenset):
            return ["frozenset", *sorted(str(self._value(one)) for one in value)]
        if isinstance(value, (FunctionType, type)):
            plain: Any = inspect.unwrap(value)
            return (
                self.of(plain) if _own_file(plain) or _is_loose(plain) else f"{plain.__module__}.{plain.__qualname__}"
            )
        return type(value).__qualname__

    def _say(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._note(text)


class _File:
    """A file of the project at ``path`` in its snapshot, and the fingerprints of what it defines."""

    def __init__(self, path: str, code: Code) -> None:
        self.path = path
        self._code = code
        self._key = f"{code.snapshot.id}\n{path}"
        known = code.cache.get("reactors", self._key)
        self._known: dict[str, tuple[str, tuple[str, ...]]] = dict(known) if isinstance(known, dict) else {}
        self._new = False

    def fingerprint(self, qualname: str) -> tuple[str, tuple[str, ...]]:
        """Return a definition's digest, and what in it could not be resolved; raises UnknownCodeError."""
        known = self._known.get(qualname)
        if known is None:
            found = self._code.alone(self.path, qualname)
            known = self._known[qualname] = (found.digest, found.unresolved)
            self._new = True
        return known

    def save(self) -> None:
        """Keep what was computed for other processes."""
        if self._new and not self._code.problems():
            self._code.cache.put("reactors", self._key, self._known)
            self._new = False


def root_of(file: Path) -> Path:
    """Return the folder that a file's project seems to begin at: the nearest that is marked as one, else its own."""
    return next((one for one in file.parents if any((one / mark).exists() for mark in _MARKS)), file.parent)


def _own_file(thing: object) -> str:
    """Return the source file of a function or class of the user's; empty for what is installed, or in no file."""
    code = getattr(thing, "__code__", None)
    if isinstance(code, CodeType):
        file = code.co_filename
    else:
        file = getattr(sys.modules.get(getattr(thing, "__module__", None) or ""), "__file__", None) or ""
    return _users(file)


@functools.lru_cache(maxsize=4096)
def _users(file: str) -> str:
    """Return the whole path of a source file of the user's, empty for any other."""
    file = os.path.abspath(file) if file and not file.startswith("<") else ""
    return "" if not file.endswith(".py") or not os.path.isfile(file) or _is_installed(file) else file


def _is_installed(file: str) -> bool:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    parts = Path(file).parts
    if "site-packages" in parts or "dist-packages" in parts or file.startswith(package):
        return True
    return file.startswith(os.path.dirname(os.__file__) + os.sep)


def _is_loose(value: object) -> bool:
    """Return whether a function is in no file at all: of a notebook, or made by exec."""
    code = getattr(value, "__code__", None)
    return isinstance(code, CodeType) and not os.path.isfile(code.co_filename)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _compiled(code: CodeType) -> str:
    """Return what there is to a code object, as a text."""
    constants = [
        sorted(map(repr, one)) if isinstance(one, frozenset) else one
        for one in code.co_consts
        if not isinstance(one, CodeType)
    ]
    return repr((code.co_name, code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars))


def _text(function: FunctionType) -> str:
    """Return a function's text without layout, comments and docstring; its bytecode's digest where it has no text."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return hashlib.sha256("\n".join(map(_compiled, _codes(function.__code__))).encode()).hexdigest()
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text  # a lambda, cut out of its line
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
