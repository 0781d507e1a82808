"""Posts one message to an endpoint, to addresses alone that Luthier may call."""

import time
from collections.abc import Mapping
from contextlib import suppress

import httpx2

from app.core.http import HttpOptions, client
from app.core.waiting import wait_asked_for
from app.notices.sending.outcomes import Outcome

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5.0, 10.0, 15.0
ANSWER_BYTES = 1_000
# The receiver says: never again.
GONE = 410


def post(url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Send once and say what became of it. Redirects are not followed, and of an answer no more is
    read than is kept.
    """
    options = HttpOptions(
        connect_seconds=CONNECT_SECONDS,
        read_seconds=READ_SECONDS,
        total_seconds=TOTAL_SECONDS,
        idle_connections=0,
    )
    begun_at = time.monotonic()
    try:
        with (
            client(options) as http,
            http.stream("POST", url, content=body, headers=dict(headers)) as answer,
        ):
            return _outcome(answer, _beginning(answer), _since(begun_at))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Outcome(_since(begun_at), problem=_words(error))


def _since(begun_at: float) -> int:
    return round((time.monotonic() - begun_at) * 1000)


def _beginning(answer: httpx2.Response) -> str:
    kept = b""
    # The status is the answer; whether its text arrives whole decides nothing.
    with suppress(httpx2.HTTPError):
        for chunk in answer.iter_raw():
            kept += chunk
            if len(kept) >= ANSWER_BYTES:
                break
    # NUL cannot be stored by PostgreSQL.
    return kept[:ANSWER_BYTES].decode(errors="replace").replace("\x00", "\ufffd")


def _outcome(answer: httpx2.Response, beginning: str, milliseconds: int) -> Outcome:
    problem = None
    if answer.has_redirect_location:
        problem = f"It answered {answer.status_code}; redirects are not followed."
    elif not answer.is_success:
        problem = f"It answered {answer.status_code}."
    return Outcome(
        milliseconds,
        status=answer.status_code,
        answer=beginning,
        problem=problem,
        retry_after=wait_asked_for(answer.headers),
        is_final=answer.status_code == GONE,
        is_gone=answer.status_code == GONE,
    )


def _words(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(error, httpx2.ConnectTimeout):
        return "It does not take connections."
    if isinstance(error, httpx2.TimeoutException):
        return f"No answer within {READ_SECONDS:.0f} seconds."
    said = str(error) or str(cause or "") or type(error).__name__
    return " ".join(said.split())[:500]
