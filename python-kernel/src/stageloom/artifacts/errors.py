"""What cannot be stored, and what cannot be read back."""

from __future__ import annotations


class UnstorableError(TypeError):
    """A value that cannot be written; ``path`` says where it stands in the return value, ``advice`` what to do."""

    def __init__(self, path: str, problem: str, advice: str) -> None:
        self.path = path
        self.advice = advice
        super().__init__(f"{path} {problem}")


class UnloadableError(RuntimeError):
    """A stored value that cannot be read back here; ``advice`` says what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        self.advice = advice
        super().__init__(problem)


class MissingFileError(FileNotFoundError):
    """A file that a stage promised and did not write; ``advice`` says what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        self.advice = advice
        super().__init__(problem)
