"""Pillow's images as PNG files, in the modes that a PNG gives back as they were."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from stageloom.artifacts.errors import UnloadableError

_MODES = frozenset({"1", "L", "LA", "RGB", "RGBA"})


def is_picture(value: object) -> bool:
    """Whether ``value`` is one of Pillow's images, in a mode that PNG has, and with no colour that stands for none."""
    kind = type(value)
    return (
        kind.__module__.partition(".")[0] == "PIL"
        and any(base.__name__ == "Image" and base.__module__ == "PIL.Image" for base in kind.__mro__)
        and getattr(value, "mode", "") in _MODES
        and "transparency" not in getattr(value, "info", ())
    )


def write_picture(path: Path, value: Any) -> None:
    """Write an image's pixels, without what else its file held (a time, a profile)."""
    plain = value.copy()
    plain.info = {}
    plain.save(path, format="PNG", compress_level=6)


def read_picture(path: Path) -> Any:
    """Return the image that :func:`write_picture` wrote; raises UnloadableError where Pillow is missing."""
    try:
        images: Any = importlib.import_module("PIL.Image")
    except ImportError as error:
        raise UnloadableError(
            f"a stored value is a picture, and PIL does not import here: {error}",
            "Install Pillow into this environment.",
        ) from error
    with images.open(path) as opened:
        return opened.copy()
