"""What does not agree with the type of its message."""

from __future__ import annotations


class WireError(ValueError):
    """A message that does not agree with its type; the text starts with the path to what is wrong."""

    def __init__(self, problem: str, path: tuple[str, ...] = ()) -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem)

    def under(self, step: str) -> WireError:
        """Return the same error as seen from one level further out."""
        return WireError(self.problem, (step, *self.path))

    def __str__(self) -> str:
        where = "".join(self.path).lstrip(".")
        return f"{where}: {self.problem}" if where else self.problem


def kind_of(value: object) -> str:
    """Return how a type is named in an error."""
    return "null" if value is None else type(value).__name__
