"""Why code counts as changed: the definitions that differ, each with its text before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stageloom.rpc.messages import Reason
from stageloom.tracking.fingerprint import EFFECTS, WHOLE, Code, UnknownCodeError

#: More changed definitions than this are told in one line.
_MOST = 20

#: What is said of a definition, and of a whole file.
_COME = ("is reached now", "counts whole now")
_GONE = ("is no longer reached", "no longer counts whole")


def code_reasons(before: Code, old: tuple[str, str], after: Code, new: tuple[str, str]) -> tuple[Reason, ...]:
    """Return what changed between two versions of a stage, each given by its file's path and its function.

    Empty if its code is the same. The stage's own function comes first.
    """
    try:
        if before.fingerprint(*old) == after.fingerprint(*new):
            return ()
        parts = before.parts(*old), after.parts(*new)
    except (UnknownCodeError, LookupError, OSError):
        return (Reason("code", f"{new[1]} changed", new[1]),)
    found = changes(*parts, before.text_of, after.text_of, first=":".join(new))
    found = [_with_imports(reason, before, after) for reason in found]
    notes = [
        note for note in after.fingerprint(*new).unresolved if any(reason.subject.endswith(WHOLE) for reason in found)
    ]
    found += [Reason("unresolved", note) for note in notes]
    return tuple(found) or (Reason("code", f"{new[1]} reaches its code in another way", new[1]),)


def changes(
    old: Mapping[str, str],
    new: Mapping[str, str],
    old_text: Callable[[str], str],
    new_text: Callable[[str], str],
    first: str = "",
) -> list[Reason]:
    """Return a reason for every part that differs between ``old`` and ``new``; ``first`` is told before the others.

    A definition that only moved to another file is no change. A whole file is told only where none of its parts is.
    """
    gone = [part for part in old if part not in new]
    come = [part for part in new if part not in old]
    moved = {(_name(part), old[part]) for part in gone} & {(_name(part), new[part]) for part in come}
    differing = [part for part in old if part in new and old[part] != new[part]]
    whole = {_path(part) for part in (*come, *gone) if _name(part) == WHOLE}
    told = sorted(
        [
            *((part, "changed") for part in differing if _name(part) != WHOLE or len(differing) == 1),
            *((part, _COME[_name(part) == WHOLE]) for part in come if (_name(part), new[part]) not in moved),
            *((part, _GONE[_name(part) == WHOLE]) for part in gone if (_name(part), old[part]) not in moved),
        ],
        key=lambda one: (one[0] != first, one[1] != "changed", one[0]),
    )
    told = [(part, verb) for part, verb in told if verb not in (_COME[0], _GONE[0]) or _path(part) not in whole]
    reasons = []
    for part, verb in told[:_MOST]:
        is_whole = _name(part) == WHOLE
        before = old_text(part) if part in old or is_whole else ""
        after = new_text(part) if part in new or is_whole else ""
        reasons.append(Reason("code", f"{describe(part)} {verb}", part, before, after))
    if len(told) > _MOST:
        reasons.append(Reason("code", f"{len(told) - _MOST} more definitions differ"))
    return reasons


def describe(part: str) -> str:
    """Return a part as a person would name it."""
    path, _, name = part.rpartition(":")
    if name == WHOLE:
        return path
    return f"what importing {path} does" if name == EFFECTS else f"{name} in {path}"


def _path(part: str) -> str:
    return part.rpartition(":")[0]


def _name(part: str) -> str:
    return part.rpartition(":")[2]


def _with_imports(reason: Reason, before: Code, after: Code) -> Reason:
    """Show the imports too where a definition differs only in what its names stand for."""
    if not reason.before or reason.before != reason.after or not reason.summary.endswith(" changed"):
        return reason
    lines = [code.imports_of(reason.subject) for code in (before, after)]
    texts = []
    for own, other in (lines, reversed(lines)):
        differing = [line for line in own if line not in other]
        texts.append("".join(f"{line}\n" for line in differing) + ("\n\n" if differing else "") + (reason.before or ""))
    return Reason(reason.kind, f"what names in {describe(reason.subject)} stand for changed", reason.subject, *texts)
