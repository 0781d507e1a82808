"""What tests measured stands at the end of the run, whichever worker ran them."""

import pytest

MEASURED = "measured"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line each: `record_property("measured", "…")` in a test."""
    for report in terminalreporter.stats.get("passed", []):
        for name, words in report.user_properties:
            if name == MEASURED:
                terminalreporter.write_line(f"{report.nodeid.partition('::')[0]}: {words}")
