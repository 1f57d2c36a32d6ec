"""What a pipeline stands on, told to the store: a collection from another workspace leaves it alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from stageloom.engine.language import Pipeline
from stageloom.engine.look import Choice
from stageloom.model.values import canonical_text
from stageloom.store.pins import workspace_name
from stageloom.store.roots import Owner
from stageloom.store.store import Store


def note_roots(store: Store, root: Path, pipeline: Pipeline, choices: Mapping[str, Choice]) -> bool:
    """Note those of the ``choices`` of the workspace at ``root`` that no other was made from: they keep the rest.

    Returns whether there was anything new to say.
    """
    below = {needed for name in choices for names in pipeline.targets[name].dependencies.values() for needed in names}
    roots = {name: choice.rrefs for name, choice in choices.items() if name not in below}
    variant = hashlib.sha256(canonical_text(dict(pipeline.sets)).encode()).hexdigest()[:16] if pipeline.sets else ""
    return store.note_roots(Owner(workspace_name(root, store.path), pipeline.path, variant), roots)
