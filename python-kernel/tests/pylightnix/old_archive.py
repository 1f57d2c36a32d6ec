"""Archives as the face of Pylightnix's current source wrote them before they were those of the store."""

from __future__ import annotations

import json
import zipfile

from stageloom.pylightnix import arch
from stageloom.pylightnix.storage import opened


def old_spack(roots, out, S) -> None:
    storage = opened(S)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        entries = [arch._entry(storage, rref) for rref in arch._closure(storage, roots)]
        written: set[str] = set()
        for entry in entries:
            tree = storage.store.tree(entry.record.tree)
            for file in entry.files.files if entry.record.tree not in written else ():
                archive.write(tree / file.path, f"trees/{entry.record.tree}/{file.path}")
            written.add(entry.record.tree)
            for name in entry.beside:
                archive.write(arch._beside(storage, entry.rref) / name, f"beside/{entry.rref.hash}/{name}")
        archive.writestr("pylightnix.json", json.dumps({"format": 1, "realizations": list(map(_listed, entries))}))


def _listed(entry) -> dict[str, object]:
    return {
        "rref": str(entry.rref),
        "derivation": entry.derivation.as_json(),
        "record": entry.record.as_json(),
        "files": entry.files.as_json(),
        "beside": dict(entry.beside),
        "facts": dict(entry.facts),
        "at": entry.at,
        "took": entry.took,
        "order": entry.order,
    }
