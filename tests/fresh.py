"""An instance that a test begins anew as often as it likes."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core import clock
from tests.forgetting import forget
from tests.postgres import name_of
from tests.stage import Team, make_team
from tests.witness import handle
from tests.witness.handle import Witness


@pytest.fixture(params=["sqlite", "postgresql"])
def anew(
    request, home: Path, witness: Witness, letters, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[], Team]]:
    """Begin anew as often as you like: the same team in a database that really commits, with
    nothing done yet, and the witness as new.
    """
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    begun, urls = tmp_path / "begun", []

    def copy_of(template: str) -> None:
        assert server is not None
        urls.append(server.create(template=template))
        monkeypatch.setenv("DATABASE_URL", urls[-1])

    def first() -> Team:
        if server is not None:
            copy_of(request.getfixturevalue("postgres_template"))
        else:
            request.getfixturevalue("empty_sqlite")
        forget()
        team = make_team(witness.url, handle.KEY)
        forget()
        shutil.copytree(home, begun)
        return team

    def begin() -> Team:
        witness.reset()
        clock.shift(0)
        if not begun.exists():
            teams.append(first())
        if server is not None:
            copy_of(name_of(urls[0]))
        forget()
        shutil.rmtree(home)
        shutil.copytree(begun, home)
        return teams[0]

    teams: list[Team] = []
    yield begin
    forget()
    for url in urls:
        server.drop(url)
