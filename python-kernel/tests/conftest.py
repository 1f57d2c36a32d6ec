"""For all tests of the package."""

import re

import pytest

ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")
COUNT = re.compile(r"^faults: .*", re.MULTILINE)


def pytest_collection_modifyitems(items):
    # the processes of xdist would collect different tests, and none would run
    changing = [item.nodeid for item in items if ADDRESS.search(item.nodeid)]
    if changing:
        raise pytest.UsageError(f"An id differs from run to run, give the parameter one: {changing[0]}")


def pytest_terminal_summary(terminalreporter):
    """What a test of faults prints of its counts, `faults: …`, is told at the end whether it passed or not."""
    told = [
        count
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for count in COUNT.findall(report.capstdout)
    ]
    if told:
        terminalreporter.section("faults", sep="-")
        for count in sorted(told):
            terminalreporter.write_line(count)
