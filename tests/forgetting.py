"""What a process knows of an instance, forgotten: the next test has another."""

from app.core import database, events, queue, secrets
from app.settings import settings

CACHED = (settings, secrets._ring, events._client, queue.connect, database.engine)


def forget() -> None:
    """Let the program read its settings anew."""
    if database.engine.cache_info().currsize:
        database.engine().dispose()
    for cached in CACHED:
        cached.cache_clear()
