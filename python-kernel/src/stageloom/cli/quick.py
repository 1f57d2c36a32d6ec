"""What ``realize`` and ``status`` say where nothing is to do, found without the engine; anything else is left to it.

It imports little, and says what :mod:`stageloom.cli.commands` would, in the same words.
"""

from __future__ import annotations

import os

from stageloom.cli import place, show
from stageloom.engine import standing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Set to run every command the long way.
VARIABLE = "STAGELOOM_NO_STANDING"
_FLAGS = {"realize": {"-q": "quiet", "--quiet": "quiet"}, "status": {"--check": "check"}}
_OPTIONS = ("--store", "--root", "--set")


class _Words:
    """A command whose every word is known here."""

    def __init__(self, words: Sequence[str]) -> None:
        self.command = words[0]
        self.flags: set[str] = set()
        self.options: dict[str, list[str]] = {name: [] for name in _OPTIONS}
        self.targets: list[str] = []
        rest = iter(words[1:])
        for word in rest:
            if word in _FLAGS[self.command]:
                self.flags.add(_FLAGS[self.command][word])
            elif word in ("-j", "--jobs") and self.command == "realize":
                if not next(rest, "").strip("0").isdecimal():
                    raise LookupError(word)
            elif word in _OPTIONS:
                self.options[word].append(self._value(next(rest, "-")))
            else:
                self.targets.append(self._value(word))

    def last(self, name: str) -> str | None:
        """Return what an option was given last."""
        return self.options[name][-1] if self.options[name] else None

    @staticmethod
    def _value(word: str) -> str:
        if word.startswith("-"):
            raise LookupError(word)
        return word


def answer(words: Sequence[str]) -> int | None:
    """Say what the command comes to and return its exit code, or None, having said nothing, to have it run."""
    if not words or words[0] not in _FLAGS or os.environ.get(VARIABLE):
        return None
    try:
        told = _Words(words)
        root, path, stages, store = place.locate(told.targets, told.last("--root"), told.last("--store"))
        words = [*told.options["--set"], *place.no_pins()]
        stood = standing.recall(store, root, path, words, input_names)
        if stood is None:
            return None
        lines = _realize(stood, stages, told) if told.command == "realize" else _status(stood, stages)
    except (LookupError, place.UsageError):
        return None
    if lines is None:
        return None
    show.say("\n".join(lines))
    return 0


def _realize(stood: standing.StandingAnswer, stages: Sequence[str], told: _Words) -> list[str] | None:
    places = stood.closure(stages)
    if not places or not stood.holds(places):
        return None
    lines: list[str] = []
    if "quiet" not in told.flags:
        names = [stood.names[at] for at in stood.told(places)]
        width = max(map(len, names))
        lines = [show.kept_line(name, width) for name in names]
    return [*lines, show.nothing_to_do(len(places))]


def _status(stood: standing.StandingAnswer, stages: Sequence[str]) -> list[str] | None:
    places = stood.named(stages)
    if not places or not stood.holds(places):
        return None
    width = max(len(stood.names[at]) for at in places)
    lines = []
    for at in places:
        made = stood.made[at]
        assert made is not None, "what holds is made"
        lines.append(f"{stood.names[at]:<{width}}  {show.cached_words(*made)}")
    return lines


def input_names(root: str, path: str, pattern: str, kind: str) -> tuple[str, ...]:
    """Return the files that an input's pattern names."""
    from stageloom.functions import inputs

    return inputs.input_names(root, path, pattern, kind)
