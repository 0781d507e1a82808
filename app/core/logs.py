"""Structured logs on standard error: one JSON object a line, with the ids of what it is about.

Whatever is written is one line, however it came here: a control character, a terminal's escape
sequence, a line break or a text direction inside a value is written as an escape.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from app.settings import settings

# A link's token opens something: its path is written without it.
SECRET_PATHS = re.compile(r"^/(welcome|password|invitations|calendar|hooks)/.+", re.DOTALL)
SECRET_WORDS = ("key", "token", "password", "secret", "authorization", "cookie")
# What looks like a key, wherever it stands: in a provider's words, in an address, in a traceback.
SECRET_SHAPES = re.compile(r"\b(sk-|lut_|Bearer )[\w.~+/-]{6,}=*|(://[^/\s:@]*:)[^/\s@]+(?=@)")
NOISY = ("httpx2", "httpcore2", "openai", "urllib3", "alembic", "celery", "kombu", "uvicorn")

_about: ContextVar[tuple[Mapping[str, Any], dict[str, object]] | None] = ContextVar(
    "about", default=None
)


class _Stderr(logging.StreamHandler[TextIO]):
    """Whatever standard error is at the moment a line is written."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def configure(kind: str | None = None) -> None:
    """Set up logging for this process, a `kind` of process; libraries write the same lines.

    Values under names that sound like secrets, and texts that look like keys, are never written.
    """
    level = logging.getLevelNamesMapping().get(settings().log_level.upper(), logging.INFO)
    known: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_ids,
        _of_process(kind),
    ]
    structlog.configure(
        processors=[*known, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = _Stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*known, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_secrets,
                _rendered,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [one for one in root.handlers if not isinstance(one, _Stderr)] + [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))


@contextmanager
def about(scope: Mapping[str, Any]) -> Iterator[None]:
    """Every line written meanwhile, in whatever thread, carries the ids of this request."""
    token = _about.set((scope, {}))
    try:
        yield
    finally:
        _about.reset(token)


def note(**ids: object) -> None:
    """Remember whom or what the request that is going on is about: `user=3`, `project=1`."""
    if (request := _about.get()) is not None:
        request[1].update(ids)


def line(**words: object) -> str:
    """A log line for a program that has no logger here: the broker's and the children's files."""
    event: MutableMapping[str, Any] = {"level": "info", **words}
    structlog.processors.TimeStamper(fmt="iso", utc=True)(None, "info", event)
    return _rendered(None, "info", event)


def _with_ids(_logger: object, _method: str, event: EventDict) -> EventDict:
    if (request := _about.get()) is not None:
        scope, ids = request
        path = scope.get("path_params") or {}
        in_path = {name[:-3]: value for name, value in path.items() if name.endswith("_id")}
        for name, value in {**in_path, **ids}.items():
            event.setdefault(name, value)
    return event


def _of_process(kind: str | None) -> Processor:
    def add(_logger: object, _method: str, event: EventDict) -> EventDict:
        if kind is not None:
            event["process"] = f"{kind}:{os.getpid()}"
        return event

    return add


def _without_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    if isinstance(event.get("path"), str):
        event["path"] = SECRET_PATHS.sub(r"/\1/…", event["path"])
    return {
        name: "…" if any(word in name.lower() for word in SECRET_WORDS) else value
        for name, value in event.items()
    }


def _rendered(_logger: object, _method: str, event: EventDict) -> str:
    head = {name: event.pop(name, "") for name in ("timestamp", "level", "event")}
    render = _text if settings().log_format == "text" else _json
    return SECRET_SHAPES.sub(r"\1\2…", render(head, event))


def _json(head: EventDict, words: EventDict) -> str:
    plain = json.dumps({**head, **words}, default=repr, ensure_ascii=False)
    return _visible(plain, lambda one: json.dumps(one)[1:-1])


def _text(head: EventDict, words: EventDict) -> str:
    """For eyes: time, level and event, then what is known; a traceback's lines stand indented."""
    trace = str(words.pop("exception", ""))
    known = [f"{name}={value}" for name, value in words.items()]
    lines = [
        " ".join([*map(str, head.values()), *known]),
        *(f"    {one}" for one in trace.splitlines()),
    ]
    return "\n".join(map(visible, lines))


def visible(text: str) -> str:
    """For eyes: what a terminal would obey, or not show, is written as an escape."""
    return _visible(text, lambda odd: odd.encode("unicode_escape").decode())


def _visible(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else escape(one) for one in text)
