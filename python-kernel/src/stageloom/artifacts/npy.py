"""``.npy`` data read with the standard library alone: for previews, in a process that has no NumPy."""

from __future__ import annotations

import array
import ast
import datetime as dt
import math
import re
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from stageloom.model.classes import dataclass

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 20
_CODES = {"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q", "f4": "f", "f8": "d"}
_KINDS = {"i": "int", "u": "uint", "f": "float", "c": "complex", "M": "datetime64", "m": "timedelta64"}
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "D": 86400.0, "W": 604800.0}
_NAT = -(2**63)


class BadArrayError(ValueError):
    """A file that is not the array it claims to be."""


@dataclass(frozen=True, slots=True)
class Header:
    """Shape and type of an array; ``offset`` is where its data starts."""

    descr: Any
    fortran: bool
    shape: tuple[int, ...]
    offset: int

    @property
    def count(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return size_of(self.descr)

    @property
    def dtype(self) -> str:
        """The type as NumPy names it."""
        return name_of(self.descr)

    @property
    def numeric(self) -> bool:
        """Whether elements are real numbers."""
        return isinstance(self.descr, str) and self.descr[1] in "?biuf" and self.itemsize <= 8


def read_header(file: BinaryIO) -> Header:
    """Return the header at the start of ``file``, which is left at the data; raises BadArrayError."""
    start = file.read(8)
    if start[:6] != _MAGIC or len(start) < 8:
        raise BadArrayError("it does not start as an .npy file does")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    if length > _LONGEST_HEADER:
        raise BadArrayError("its header is too long")
    text = file.read(length)
    try:
        found = ast.literal_eval(text.decode("utf-8" if start[6] >= 3 else "latin-1"))
        shape = tuple(found["shape"])
        header = Header(found["descr"], bool(found["fortran_order"]), shape, 8 + width + length)
        if not all(type(side) is int and side >= 0 for side in shape):
            raise BadArrayError(f"its shape is {shape}")
        size_of(header.descr)
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, MemoryError, RecursionError) as error:
        raise BadArrayError(f"its header cannot be read: {error}") from None
    return header


def size_of(descr: Any) -> int:
    """Return the bytes of an element."""
    if isinstance(descr, list):
        return sum(size_of(field[1]) * (math.prod(field[2]) if len(field) > 2 else 1) for field in descr)
    if isinstance(descr, tuple):
        return size_of(descr[0]) * math.prod(descr[1])
    kind, digits = descr[1], re.match(r"\d+", descr[2:])
    if kind == "O" or digits is None:
        raise BadArrayError(f"it holds {descr!r}")
    return int(digits[0]) * (4 if kind == "U" else 1)


def name_of(descr: Any) -> str:
    """Return a type as NumPy names it."""
    if isinstance(descr, list):
        return "record of " + ", ".join(f"{field[0]}: {name_of(field[1])}" for field in descr)
    if isinstance(descr, tuple):
        return f"{name_of(descr[0])}{descr[1]}"
    kind = descr[1]
    if kind in "b?":
        return "bool"
    if kind in "iufc":
        return f"{_KINDS[kind]}{size_of(descr) * 8}"
    if kind in "Mm":
        return f"{_KINDS[kind]}{descr[3:]}"
    return f"<{descr[1:]}" if kind in "US" else str(descr)


def numbers(data: bytes, descr: str) -> Sequence[float]:
    """Return the real numbers that ``data`` holds."""
    kind = descr[1:3]
    if kind in ("b1", "?1"):
        return array.array("B", data)
    if kind == "f2":
        order = ">" if descr[0] == ">" else "<"
        return struct.unpack(f"{order}{len(data) // 2}e", data)
    made = array.array(_CODES[kind])
    made.frombytes(data[: len(data) - len(data) % made.itemsize])
    if descr[0] == (">" if sys.byteorder == "little" else "<") and made.itemsize > 1:
        made.byteswap()
    return made


def formatter(descr: Any) -> Callable[[bytes], str]:
    """Return the function that shows one element of a type."""
    if isinstance(descr, list):
        return lambda data: "(" + ", ".join(record(data, descr)) + ")"
    if isinstance(descr, tuple):
        inner, width = formatter(descr[0]), size_of(descr[0])
        return lambda data: "[" + " ".join(inner(data[at : at + width]) for at in range(0, len(data), width)[:20]) + "]"
    kind, order = descr[1], "big" if descr[0] == ">" else "little"
    if kind in "b?":
        return lambda data: str(bool(data[0]))
    if kind in "iuf" and size_of(descr) <= 8:
        return lambda data: show_number(numbers(data, descr)[0])
    if kind == "c" and size_of(descr) <= 16:
        half = f"{descr[0]}f{size_of(descr) // 2}"
        return lambda data: _show_complex(numbers(data, half))
    if kind == "U":
        codec = f"utf-32-{order[0]}e"
        return lambda data: data.decode(codec, "replace").rstrip("\0")
    if kind == "S":
        return lambda data: repr(data.rstrip(b"\0"))[1:]
    if kind == "M":
        return lambda data: _moment(int.from_bytes(data, order, signed=True), descr[3:])  # type: ignore[arg-type]
    if kind == "m":
        return lambda data: f"{int.from_bytes(data, order, signed=True)} {descr[4:-1]}"  # type: ignore[arg-type]
    return lambda data: "0x" + data.hex()


def record(data: bytes, descr: list[Any]) -> list[str]:
    """Return the fields of one record, each as text."""
    shown, at = [], 0
    for field in descr:
        kind = (field[1], field[2]) if len(field) > 2 else field[1]
        width = size_of(kind)
        if field[0]:
            shown.append(formatter(kind)(data[at : at + width]))
        at += width
    return shown


def _show_complex(parts: Sequence[float]) -> str:
    return f"{parts[0]:.6g}{parts[1]:+.6g}j"


def show_number(value: float) -> str:
    """Return a number with as many digits as a table has room for."""
    return str(value) if type(value) is int else format(value, ".6g")


def _moment(count: int, unit: str) -> str:
    if count == _NAT:
        return "NaT"
    found = re.match(r"\[(\d*)([a-zA-Z]+)\]\Z", unit)
    seconds = _UNITS.get(found[2]) if found else None
    if found is None or seconds is None:
        return f"{count} {unit}"
    try:
        whole = (
            dt.timedelta(seconds=count * seconds * int(found[1] or 1))
            if seconds >= 1
            else dt.timedelta(microseconds=count * int(found[1] or 1) * round(seconds * 1e9) // 1000)
        )
        moment = dt.datetime(1970, 1, 1) + whole  # noqa: DTZ001  # datetime64 has no zone
    except OverflowError:
        return f"{count} {unit}"
    return moment.isoformat(sep=" ").removesuffix(" 00:00:00") if found[2] in "DW" else moment.isoformat(sep=" ")
