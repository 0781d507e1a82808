"""Skips that nobody decided on fail the run where LUTHIER_STRICT_SKIPS=1, as `.ci/run` sets it."""

import os
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("allowed_skips.txt")


def allowed() -> set[str]:
    """Test ids from the list: `id  # reason` a line."""
    lines = (line.partition("  #")[0].strip() for line in LIST.read_text().splitlines())
    return {line for line in lines if line and not line.startswith("#")}


class Watch:
    """Collects the skips of this run, from workers too."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.seen.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.seen.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unlisted() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid in sorted(self.unlisted()):
            terminalreporter.write_line(
                f"SKIPPED AND NOT LISTED in {LIST.name}: {nodeid}", red=True
            )

    def unlisted(self) -> set[str]:
        """Skipped tests that the list does not name."""
        return self.seen - allowed()


def pytest_configure(config: pytest.Config) -> None:
    """Watch in the process that reports, not in the workers."""
    if os.environ.get("LUTHIER_STRICT_SKIPS") == "1" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Watch(), "unlisted-skips")
