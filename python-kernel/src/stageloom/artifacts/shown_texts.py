"""Previews of text: JSON laid out, tables, and whatever else can be read."""

from __future__ import annotations

import codecs
import csv
import io
import json
from pathlib import Path
from typing import Any

from stageloom.artifacts.media import language_of
from stageloom.artifacts.shown_records import fields_of, show_records
from stageloom.rpc.messages import BinaryPreview, TablePreview, TextPreview

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_POINTERS = ("$file", "$image", "$keras", "$pickle", "$columns", "$codec")
_SHOWN = 256 * 1024
_PARSED = 4 * 1024 * 1024
_ROWS, _COLUMNS, _CELL = 50, 100, 200


def show_text(path: Path, media: str) -> TextPreview | BinaryPreview:
    """Return the start of a file as text, or a dump where it is none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_SHOWN)
    text = read_text(head, whole=size <= len(head))
    if text is None:
        return show_bytes(path, "This file is neither text nor of a kind that has a preview.")
    return TextPreview(text, language_of(media), truncated=size > len(head))


def read_text(data: bytes, *, whole: bool) -> str | None:
    """Return ``data`` as text: UTF-8, UTF-16 with its mark, or else Windows' western encoding; None if it is binary."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return codecs.getincrementaldecoder(name)("replace").decode(data)
    if b"\0" in data:
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        odd = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data)
        return None if odd * 50 > len(data) else data.decode("cp1252", "replace")


def show_json(path: Path, *, value: bool) -> TablePreview | TextPreview | BinaryPreview:
    """Return records as a table, other JSON laid out; of a return ``value``, tags are shown as what they stand for."""
    if path.stat().st_size > _PARSED:
        return show_text(path, "application/json")
    try:
        parsed = json.loads(path.read_bytes())
        readable = _readable(parsed) if value else parsed
        records = show_records(_readable(fields_of(parsed)) if value else parsed)
        if records is not None:
            return records
        text = json.dumps(readable, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return show_text(path, "application/json")
    text = text.encode("utf-8", "replace").decode("utf-8")
    return TextPreview(text[:_SHOWN], "json", truncated=len(text) > _SHOWN)


def _readable(value: Any) -> Any:
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    body = value.get(tag)
    if not tag.startswith("$"):
        return {key: _readable(item) for key, item in value.items()}
    if tag == "$sparse":
        return {f"{body} of {' by '.join(map(str, value['shape']))}": _readable(value["parts"])}
    if tag in _POINTERS:
        return f"→ {value.get('file', body)}"
    if tag in ("$dataclass", "$namedtuple", "$mapping"):
        name = str(body).rpartition(":")[2]
        return {name: _readable(value["fields"]) if "fields" in value else _pairs(value["items"])}
    return _readable_tag(tag, body, value)


def _readable_tag(tag: str, body: Any, value: dict[str, Any]) -> Any:
    if tag == "$torch":
        return _readable(value["array"])
    if tag == "$dict":
        return _pairs(body)
    if tag == "$enum":
        return f"{str(body).rpartition(':')[2]}.{value['name']}"
    if tag in ("$numpy", "$pathlib") and isinstance(body, list):
        return _readable(body[1])
    return _readable(body)


def _pairs(pairs: Any) -> dict[str, Any]:
    return {key if isinstance(key, str) else json.dumps(_readable(key)): _readable(item) for key, item in pairs}


def show_csv(path: Path, media: str) -> TablePreview | TextPreview | BinaryPreview:
    """Return the first rows of comma, semicolon or tab separated values."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_SHOWN)
    whole = size <= len(head)
    text = read_text(head, whole=whole)
    if text is None:
        return show_text(path, media)
    first = text.partition("\n")[0]
    comma = "\t" if media == "text/tab-separated-values" else max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=comma) if row]
    except csv.Error:
        return show_text(path, media)
    if not whole:
        rows.pop()  # it may be cut
    if not rows:
        return show_text(path, media)
    cells = [[cell[:_CELL] for cell in row[:_COLUMNS]] for row in rows[: _ROWS + 1]]
    return TablePreview(cells[0], cells[1:], len(rows) - 1 if whole else None)


def show_bytes(path: Path, note: str) -> BinaryPreview:
    """Return a hex dump of a file's start."""
    with path.open("rb") as file:
        data = file.read(256)
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:04x}  {part.hex(' '):<47}  {shown}")
    return BinaryPreview(note, "\n".join(lines))
