"""Previews of arrays and of tables stored as arrays."""

from __future__ import annotations

import json
import math
import mmap
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from stageloom.artifacts.npy import BadArrayError, Header, formatter, numbers, read_header, record
from stageloom.rpc.messages import ArrayPreview, TablePreview

#: Up to so many elements range and mean are exact; beyond, they are of a sample, and the preview says so.
EXACT = 1_000_000
_ROWS, _COLUMNS, _LINE, _CELL = 12, 12, 2_000, 200
_TABLE_ROWS, _TABLE_COLUMNS = 50, 100


def show_array(path: Path) -> ArrayPreview:
    """Return the preview of an ``.npy`` file; raises BadArrayError."""
    with path.open("rb") as file:
        header = read_header(file)
        if header.count * header.itemsize == 0:
            return ArrayPreview(header.shape, header.dtype, None, None, None, (), truncated=False)
        if path.stat().st_size < header.offset + header.count * header.itemsize:
            raise BadArrayError("it is shorter than its header says")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _show(header, mapped)


def _show(header: Header, mapped: mmap.mmap) -> ArrayPreview:
    rows, truncated = _first_rows(header, mapped)
    if not header.numeric:
        return ArrayPreview(header.shape, header.dtype, None, None, None, rows, truncated)
    exact = header.count <= EXACT
    values = _all(header, mapped) if exact else _sample(header, mapped, EXACT // 2)
    finite = [value for value in values if value - value == 0]
    low, high, mean = (min(finite), max(finite), math.fsum(finite) / len(finite)) if finite else (None, None, None)
    dtype = header.dtype if exact else f"{header.dtype}, range and mean of a sample"
    line: list[float | None] = []
    if len(header.shape) == 1 and header.count > 1:
        drawn = _sample(header, mapped, _LINE)
        line = [float(value) if value - value == 0 else None for value in drawn]
    return ArrayPreview(header.shape, dtype, low, high, mean, rows, truncated, line)


def _all(header: Header, mapped: mmap.mmap) -> Sequence[float]:
    return numbers(mapped[header.offset : header.offset + header.count * header.itemsize], header.descr)


def _sample(header: Header, mapped: mmap.mmap, wanted: int) -> Sequence[float]:
    """Return ``wanted`` elements, or all, evenly taken in the order of the file, the last one among them."""
    if header.count <= wanted:
        return _all(header, mapped)
    size, offset, last = header.itemsize, header.offset, header.count - 1
    starts = (offset + size * (index * last // (wanted - 1)) for index in range(wanted))
    return numbers(b"".join([mapped[start : start + size] for start in starts]), header.descr)


def _first_rows(header: Header, mapped: mmap.mmap) -> tuple[list[list[str]], bool]:
    if isinstance(header.descr, list) and len(header.shape) <= 1:
        count = min(header.count, _ROWS)
        starts = [header.offset + index * header.itemsize for index in range(count)]
        records = [record(mapped[start : start + header.itemsize], header.descr) for start in starts]
        return records, header.count > count
    show = formatter(header.descr)
    shape = header.shape if len(header.shape) > 1 else (1, header.count)
    width = shape[-1]
    height = header.count // width
    rows = []
    for row in range(min(height, _ROWS)):
        cells = []
        for column in range(min(width, _COLUMNS if len(header.shape) > 1 else _ROWS * 4)):
            start = header.offset + header.itemsize * _position(row * width + column, header)
            cells.append(show(mapped[start : start + header.itemsize])[:_CELL])
        rows.append(cells)
    return rows, height > len(rows) or width > len(rows[0])


def _position(index: int, header: Header) -> int:
    """Return where in the file the element stands that comes ``index``-th in C order."""
    if not header.fortran:
        return index
    position, stride = 0, math.prod(header.shape)
    steps = []
    for side in reversed(header.shape):
        index, step = divmod(index, side)
        steps.append((side, step))
    for side, step in steps:
        stride //= side
        position += step * stride
    return position


# --- archives of arrays ----------------------------------------------------------------------------------------------


def show_archive(path: Path) -> TablePreview:
    """Return the preview of an ``.npz`` file: its arrays, one a row."""
    rows = []
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        for member in members[:_TABLE_ROWS]:
            name = member.filename.removesuffix(".npy")
            try:
                with archive.open(member) as file:
                    header = read_header(cast(BinaryIO, file))
                    first = _first_values(cast(BinaryIO, file), header)
                rows.append([name, header.dtype, ", ".join(map(str, header.shape)) or "scalar", first])
            except BadArrayError:
                rows.append([name, "not an array", f"{member.file_size} bytes", ""])
    return TablePreview(("array", "dtype", "shape", "first values"), rows, len(members))


def _first_values(file: BinaryIO, header: Header, count: int = 6) -> str:
    wanted = min(header.count, count)
    return ", ".join(_read_cells(file, header, wanted)) + (", …" if header.count > wanted else "")


def _read_cells(file: BinaryIO, header: Header, count: int) -> list[str]:
    show, size = formatter(header.descr), header.itemsize
    data = file.read(size * count)
    return [show(data[at : at + size])[:_CELL] for at in range(0, size * count, size)] if size else [""] * count


# --- tables ----------------------------------------------------------------------------------------------------------


def show_table(path: Path) -> TablePreview:
    """Return the preview of a ``.table.npz``, as ``artifacts.frames`` writes it; raises BadArrayError."""
    try:
        with zipfile.ZipFile(path) as archive:
            meta = json.loads(archive.read("meta.json"))
            return _Table(archive, meta).show()
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError) as error:
        raise BadArrayError(f"it is no table: {error}") from None


class _Table:
    def __init__(self, archive: zipfile.ZipFile, meta: dict[str, Any]) -> None:
        self._archive = archive
        self._meta = meta
        self._total: int | None = None

    def show(self) -> TablePreview:
        names, cells = self._index(self._meta["index"])
        if self._meta["is"] == "series":
            names.append(_text(self._meta["name"]) or "value")
            cells.append(self._column(self._meta["column"]))
        elif self._meta["is"] == "frame":
            labels = self._labels(self._meta["labels"])
            names += labels[:_TABLE_COLUMNS]
            cells += [self._column(spec) for spec in self._meta["columns"][:_TABLE_COLUMNS]]
        height = max(map(len, cells), default=0)
        rows = [[column[row] if row < len(column) else "" for column in cells] for row in range(height)]
        return TablePreview(names, rows, self._total)

    def _labels(self, spec: dict[str, Any]) -> list[str]:
        _, columns = self._index(spec, limit=_TABLE_COLUMNS)
        return [", ".join(parts) for parts in zip(*columns, strict=True)]

    def _index(self, spec: dict[str, Any], limit: int = _TABLE_ROWS) -> tuple[list[str], list[list[str]]]:
        names = [_text(name) or "" for name in spec["names"]]
        if spec["as"] == "range":
            steps = range(*spec["bounds"])
            if limit == _TABLE_ROWS:
                self._total = len(steps)
            return names, [[str(step) for step in steps[:limit]]]
        columns = spec["levels"] if spec["as"] == "multi" else [spec["column"]]
        cells = [self._column(column, limit) for column in columns]
        if limit == _TABLE_ROWS and columns:
            self._total = self._height(columns[0])
        return names, cells

    def _height(self, spec: dict[str, Any]) -> int:
        member = spec.get("values") or spec.get("codes") or spec["ends"]
        with self._archive.open(member) as file:
            return read_header(cast(BinaryIO, file)).count

    def _cells(self, member: str, limit: int) -> list[str]:
        with self._archive.open(member) as file:
            header = read_header(cast(BinaryIO, file))
            return _read_cells(cast(BinaryIO, file), header, min(header.count, limit))

    def _column(self, spec: dict[str, Any], limit: int = _TABLE_ROWS) -> list[str]:
        form = spec["as"]
        if form == "category":
            codes = [int(code) for code in self._cells(spec["codes"], limit)]
            names = self._column(spec["categories"], max(codes, default=-1) + 1)
            return ["" if code < 0 else names[code] for code in codes]
        if form == "text":
            return self._texts(spec, limit)
        cells = self._cells(spec["values"], limit)
        if form == "masked":
            missing = self._cells(spec["missing"], limit)
            return ["" if gone == "True" else cell for cell, gone in zip(cells, missing, strict=True)]
        return cells

    def _texts(self, spec: dict[str, Any], limit: int) -> list[str]:
        ends = [int(end) for end in self._cells(spec["ends"], limit)]
        with self._archive.open(spec["bytes"]) as file:
            read_header(cast(BinaryIO, file))
            data = file.read(ends[-1] if ends else 0)
        starts = [0, *ends]
        cells = [data[a:b].decode("utf-8", "replace")[:_CELL] for a, b in zip(starts, ends, strict=False)]
        if spec["missing"] is not None:
            missing = self._cells(spec["missing"], limit)
            return ["" if gone != "0" else cell for cell, gone in zip(cells, missing, strict=True)]
        return cells


def _text(name: object) -> str:
    if name is None:
        return ""
    if isinstance(name, dict) and "$tuple" in name:
        return ", ".join(map(str, name["$tuple"]))
    return str(name)
