"""Parameter profiles: sets of parameters by name, in ``stageloom.json`` at the workspace's root.

::

    {"profiles": {"quick": {"pipeline.py": {"anneal.maxiter": 50}}}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from stageloom.engine.project import UnknownParameterError
from stageloom.model.values import Json

FILE = "stageloom.json"


class ProfileError(UnknownParameterError):
    """The profile that was asked for isn't there, or its file is no good; the message says how to mend it."""


def read_profiles(root: Path) -> dict[str, dict[str, dict[str, Json]]]:
    """Return the profiles of a workspace: by name and pipeline file, values by ``stage.parameter``.

    Raises:
        ProfileError: for a file that is no JSON, or of another form.
    """
    path = Path(root) / FILE
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{FILE} cannot be read: {error}") from error
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{FILE} is no JSON: {error}") from error
    profiles = told.get("profiles", {}) if isinstance(told, dict) else None
    if not isinstance(profiles, dict) or not all(_is_profile(one) for one in profiles.values()):
        form = '{"profiles": {"quick": {"pipeline.py": {"stage.parameter": 1}}}}'
        raise ProfileError(f"{FILE} is of another form than {form}")
    return profiles


def _is_profile(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(sets, dict) and all("." in key for key in sets) for sets in value.values()
    )


def with_profile(root: Path, profile: str, path: str, sets: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return ``sets`` over what ``profile`` sets for the pipeline at ``path``; alone where no profile is named.

    Raises:
        ProfileError: where there is no such profile, or :func:`read_profiles` raises it.
    """
    if not profile:
        return sets
    profiles = read_profiles(root)
    if profile not in profiles:
        from difflib import get_close_matches

        known = ", ".join(profiles) or "none"
        close = get_close_matches(profile, profiles, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; there {'is' if len(profiles) < 2 else 'are'} {known}"
        raise ProfileError(f"{FILE} has no profile {profile!r}{hint}")
    return {**profiles[profile].get(path, {}), **sets}
