"""Structured logs on standard error: one line an event, with the ids that are bound while it
happens.
"""

import logging
import re
import sys

import structlog

from app.settings import settings

# A link's token opens something: its path is written without it.
SECRET_PATHS = re.compile(r"^/(welcome|password|invitations)/.+", re.DOTALL)
SECRET_WORDS = ("key", "token", "password", "secret", "authorization", "cookie")


def configure() -> None:
    """Set up logging for this process. Values under names that sound like secrets are never
    written.
    """
    level = logging.getLevelNamesMapping().get(settings().log_level.upper(), logging.INFO)
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for noisy in ("httpx2", "httpcore2", "openai", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(sort_keys=False, bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _without_secrets(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    if isinstance(event.get("path"), str):
        event["path"] = SECRET_PATHS.sub(r"/\1/…", event["path"])
    return {
        name: "…" if any(word in name.lower() for word in SECRET_WORDS) else value
        for name, value in event.items()
    }
