"""Previews of records: a list of dicts is a table."""

from __future__ import annotations

import json
from typing import Any

from stageloom.rpc.messages import TablePreview

_ROWS, _COLUMNS, _CELL = 50, 100, 200


def show_records(value: object) -> TablePreview | None:
    """Return JSON as a table, if it is a list of dicts whose fields are mostly plain; else None."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) and item for item in value):
        return None
    records: list[dict[str, Any]] = value
    columns = list(dict.fromkeys(key for record in records for key in record))
    cells = [item for record in records for item in record.values()]
    nested = sum(isinstance(item, (dict, list)) for item in cells)
    if not cells or len(columns) > _COLUMNS or 2 * nested > len(cells) or 2 * len(cells) < len(columns) * len(records):
        return None
    rows = [[_cell(record[key]) if key in record else "" for key in columns] for record in records[:_ROWS]]
    return TablePreview([key[:_CELL] for key in columns], rows, len(records))


def fields_of(value: object) -> object:
    """Return the fields of a list of dataclasses or named tuples of one class as they are stored, else ``value``."""
    if not isinstance(value, list) or not all(isinstance(item, dict) and "fields" in item for item in value):
        return value
    kinds = {(tag, item[tag]) for item in value for tag in ("$dataclass", "$namedtuple") if tag in item}
    return [item["fields"] for item in value] if len(kinds) == 1 else value


def _cell(item: object) -> str:
    text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
