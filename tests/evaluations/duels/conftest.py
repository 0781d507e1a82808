"""What tests of judges over pairs stand on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from app.core.database import unit_of_work

ASKING = ("connections.allowance", "evaluations.duels.judging", "evaluations.duels.tasks")


@pytest.fixture(autouse=True)
def _one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions count themselves beside each other; the one transaction that a test shares takes
    them in turn.
    """
    turn = threading.RLock()

    @contextmanager
    def alone() -> Iterator[Session]:
        with turn, unit_of_work() as session:
            yield session

    for place in ASKING:
        monkeypatch.setattr(f"app.{place}.unit_of_work", alone)
