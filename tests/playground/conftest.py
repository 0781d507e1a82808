"""What tests of several columns at once stand on."""

import pytest

from tests.stage import take_turns


@pytest.fixture(autouse=True)
def _one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    take_turns(monkeypatch, "app.connections.allowance", "app.playground.relay")
