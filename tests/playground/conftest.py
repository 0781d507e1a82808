"""What tests of several columns at once stand on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from app.core.database import unit_of_work


@pytest.fixture(autouse=True)
def _one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns write beside each other; the one transaction that a test shares takes them in turn.
    The browser's journey has them write at once.
    """
    turn = threading.Lock()

    @contextmanager
    def alone() -> Iterator[Session]:
        with turn, unit_of_work() as session:
            yield session

    for place in ("app.connections.allowance", "app.playground.relay"):
        monkeypatch.setattr(f"{place}.unit_of_work", alone)
