"""What goes wrong in this face. Checks are AssertionErrors too: that is what Pylightnix's programs catch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stageloom.pylightnix.types import DRef, Output, Path, StorageSettings


class PylightnixException(Exception):  # noqa: N818  # its own name
    """The base of what this face raises."""


class CheckError(PylightnixException, AssertionError):
    """Something is not as it has to be; the message says what, and what to do."""


class ConfigError(CheckError, TypeError):
    """A configuration that JSON would lose or change."""


class WrongFaceError(CheckError, TypeError):
    """A call in the way of Pylightnix's 2021 manual, which has a face of its own."""

    def __init__(self, called: str, here: str) -> None:
        super().__init__(
            f"{called} is the way of Pylightnix's 2021 manual: import it from stageloom.pylightnix.manual. "
            f"In stageloom.pylightnix, {here}."
        )


class PromiseException(PylightnixException):
    """A realizer did not write what its configuration promises: nothing of it was stored.

    ``failed`` pairs an output folder with the promise that was not kept there.
    """

    def __init__(self, dref: DRef, failed: Sequence[tuple[Path, list[Any]]]) -> None:
        missing = sorted({"/".join(map(str, promise[1:])) for _, promise in failed})
        super().__init__(f"{dref} promised {', '.join(missing)}, and its realizer did not write it")
        self.dref = dref
        self.failed = list(failed)


class BuildError(PylightnixException):
    """A realizer raised ``exception``; ``outpaths`` are its folders as it left them, kept for some days."""

    def __init__(
        self, S: StorageSettings | None, dref: DRef, outpaths: Output[Path] | None, exception: Exception, msg: str = ""
    ) -> None:
        super().__init__(msg)
        self.S = S
        self.dref = dref
        self.exception = exception
        self.outpaths: list[Path] = outpaths.val if outpaths else []

    def __str__(self) -> str:
        return f"{self.dref} could not be realized: {type(self.exception).__name__}: {self.exception}"


def check(condition: object, message: str) -> None:
    """Raise CheckError unless ``condition`` holds."""
    if not condition:
        raise CheckError(message)
