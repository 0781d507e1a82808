"""Is everything alive? Asked by containers, supervisors and people."""

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx2
import redis
from sqlalchemy.exc import SQLAlchemyError

from app.core import heartbeat, storage
from app.core.database import read_only
from app.core.events import ping
from app.core.http import tls
from app.core.pages import size
from app.settings import settings

ANSWER_WITHIN = 2.0


def parts() -> dict[str, str]:
    """Every configured part: "ok", or in words what is wrong with it."""
    living: set[str] = set()
    # One question for both: a database that says nothing is waited for once.
    found = {"web": "ok", "database": _tried(lambda: living.update(_living()))}
    found["broker"] = _tried(ping)
    for kind in ("worker", "beat"):
        found[kind] = "ok" if kind in living else "no sign of life"
    if (room := storage.room()).is_full:
        found["disk"] = f"only {size(room.free)} free: uploads are refused"
    else:
        found["disk"] = "ok"
    if settings().trainer_url is not None:
        found["trainer"] = _tried(_ask_trainer)
    return found


def warnings() -> dict[str, str]:
    """What is well now and will not be for long."""
    room = storage.room()
    if not room.is_low:
        return {}
    return {"disk": f"nearly full: {size(room.free)} of {size(room.total)} free"}


def _tried(ask: Callable[[], object]) -> str:
    try:
        ask()
    except (SQLAlchemyError, redis.RedisError, httpx2.HTTPError, OSError) as error:
        return str(error).split("\n")[0][:200] or type(error).__name__
    return "ok"


def _living() -> set[str]:
    with read_only() as session:
        return heartbeat.living_kinds(session)


def _ask_trainer() -> None:
    address = urlsplit(settings().trainer_url or "")
    with httpx2.Client(verify=tls(), trust_env=False, timeout=ANSWER_WITHIN) as client:
        client.get(f"{address.scheme}://{address.netloc}/healthz").raise_for_status()
