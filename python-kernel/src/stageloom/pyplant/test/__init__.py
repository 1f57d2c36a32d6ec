"""What tests of single reactors need: a pipe that is filled by hand, and a loop that runs one reactor to its end."""

from __future__ import annotations

from stageloom.pyplant.test.PipeworkMock import PipeworkMock
from stageloom.pyplant.test.test_utils import run_reactor_to_completion, run_subreactor_to_completion

__all__ = ["PipeworkMock", "run_reactor_to_completion", "run_subreactor_to_completion"]
