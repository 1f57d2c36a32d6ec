"""For all tests of the package."""

import re

import pytest

ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


def pytest_collection_modifyitems(items):
    # the processes of xdist would collect different tests, and none would run
    changing = [item.nodeid for item in items if ADDRESS.search(item.nodeid)]
    if changing:
        raise pytest.UsageError(f"An id differs from run to run, give the parameter one: {changing[0]}")
