"""Archives as the manual's face wrote them before they were those of the store."""

from __future__ import annotations

import json
import zipfile
from typing import Any

from stageloom.pylightnix.manual_references import chosen
from stageloom.pylightnix.manual_storage import opened


def old_pack(roots, out: str, S) -> None:
    found = opened(S)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        entries: list[dict[str, Any]] = []
        written: set[str] = set()
        for rref in _closure(found, chosen(roots)):
            record = found.store.record(rref)
            entries.append(_entry(found, rref, record))
            if record.tree not in written:
                written.add(record.tree)
                folder = found.store.tree(record.tree)
                for file in found.store.manifest(record.tree).files:
                    archive.write(folder / file.path, f"trees/{record.tree}/{file.path}")
        archive.writestr("realizations.json", json.dumps({"format": 1, "realizations": entries}, indent=1))


def _closure(found, roots):
    order = {}
    for root in roots:
        context = found.view.context(root)
        below = {one: len(found.view.context(one)) for rrefs in context.values() for one in rrefs}
        order.update(dict.fromkeys(sorted(below, key=lambda one: (below[one], one))))
        order[root] = None
    return list(order)


def _entry(found, rref, record) -> dict[str, Any]:
    known = found.store.get(rref)
    derivation = found.store.derivation(rref.dref)
    made = {} if known is None else {"at": known.at, "took": known.took, "stage": known.stage, "path": known.path}
    return {
        "rref": str(rref),
        "derivation": {**derivation.as_json(), "configuration": found.view.configuration(rref.dref)},
        "record": record.as_json(),
        "files": found.store.manifest(record.tree).as_json(),
        "made": made,
    }
