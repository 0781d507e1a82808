"""Another instance, for what comes back there."""

import pytest

from app.core import database
from app.settings import settings


@pytest.fixture
def elsewhere(request, monkeypatch, tmp_path, postgres):
    """Go to another, empty instance with the same secret: `elsewhere("sqlite")`."""
    made = []

    def go(kind):
        monkeypatch.setenv("LUTHIER_HOME", str(tmp_path / f"other-{len(made)}"))
        if kind == "postgresql":
            made.append(postgres.create())
            monkeypatch.setenv("DATABASE_URL", made[-1])
        else:
            made.append(None)
            monkeypatch.delenv("DATABASE_URL", raising=False)
        database.engine().dispose()
        settings.cache_clear()
        database.engine.cache_clear()

    yield go
    database.engine().dispose()
    for url in filter(None, made):
        postgres.drop(url)
