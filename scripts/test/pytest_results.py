"""Pytest's plugin for `npm test`: every test's ending, in the file that STAGELOOM_RESULTS names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

ENDINGS = pytest.StashKey[dict]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ENDINGS] = {}
    config.pluginmanager.register(Results(config.stash[ENDINGS]), "stageloom-results")


class Results:
    """What is reported, here or by the workers of xdist."""

    def __init__(self, endings: dict[str, dict[str, str]]) -> None:
        self.endings = endings

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        expected = getattr(report, "wasxfail", None)
        if report.failed:
            self._end(report.nodeid, "failed", report.longreprtext[-2000:])
        elif report.skipped:
            self._end(report.nodeid, "skipped", expected if expected is not None else _reason(report.longrepr))
        elif report.when == "call":
            self._end(report.nodeid, "passed", "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._end(report.nodeid, "failed", report.longreprtext[-2000:])
        elif report.skipped:
            self._end(report.nodeid, "skipped", _reason(report.longrepr))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        target = os.environ.get("STAGELOOM_RESULTS")
        if target is not None and not hasattr(session.config, "workerinput"):
            Path(target).write_text(json.dumps(list(self.endings.values())), encoding="utf-8")

    def _end(self, name: str, ending: str, reason: str) -> None:
        # a failed teardown undoes a pass, and nothing undoes a failure
        if self.endings.get(name, {}).get("is") != "failed":
            self.endings[name] = {"name": name, "is": ending, "reason": reason}


def _reason(longrepr: object) -> str:
    if isinstance(longrepr, tuple):
        return str(longrepr[2]).removeprefix("Skipped: ")
    return str(longrepr)
