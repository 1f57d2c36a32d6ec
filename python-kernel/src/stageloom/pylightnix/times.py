"""Times as Pylightnix writes them."""

from __future__ import annotations

import time as clock
from datetime import datetime, tzinfo

from stageloom.pylightnix.view import TIME, parsetime
from stageloom.pylightnix.view import timestring as _timestring

PYLIGHTNIX_TIME = TIME


def timestring(sec: float | None = None) -> str:
    """Return a time, now by default, as text in local time."""
    return _timestring(clock.time() if sec is None else sec)


def tzlocal() -> tzinfo | None:
    """Return the local time zone."""
    return datetime.now().astimezone().tzinfo


__all__ = ["PYLIGHTNIX_TIME", "parsetime", "timestring", "tzlocal"]
