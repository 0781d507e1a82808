"""What went wrong on OpenAI's wire, translated once into our errors and into safe words."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx2
import openai

from app.core.http import AnswerTooLarge, HeldBack
from app.core.sockets import Refused
from app.core.waiting import wait_asked_for
from app.providers.base import (
    AllowanceSpent,
    KeyRejected,
    NotFound,
    NotPermitted,
    NotReached,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
    TooLarge,
)

LONGEST_WORDS = 500

ERRNO = re.compile(r"^\[Errno -?\d+\] ")

# Refusals of one thing: the key itself is accepted. OpenAI's words for a restricted key and for a
# model the project may not use; 403 comes with the latter's code.
ONE_THING = re.compile(
    r"missing scopes|insufficient permissions|(have|has) access to (the )?model|this model",
    re.IGNORECASE,
)
CODES_OF_ONE_THING = {"model_not_found", "insufficient_permissions", "missing_scope"}

ASK_LATER = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}

KINDS: dict[int, type[RequestRejected]] = {
    HTTPStatus.UNAUTHORIZED: NotPermitted,
    HTTPStatus.FORBIDDEN: NotPermitted,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.GONE: NotFound,
}


@contextmanager
def plain_errors(label: str, secret: str) -> Iterator[None]:
    """Let no SDK exception out. `label` names the provider in sentences; `secret` never shows."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error, label, secret) from error
    except openai.APIConnectionError as error:
        raise _of_transport(error.__cause__, label) from error
    except httpx2.TransportError as error:
        raise _of_transport(error, label) from error
    except json.JSONDecodeError as error:
        raise ProviderError(f"{label} sent broken data.") from error
    except openai.OpenAIError as error:
        raise ProviderError(f"{label}: {words(str(error), secret)}") from error


def _of_transport(cause: BaseException | None, label: str) -> ProviderError:
    if isinstance(cause, HeldBack):
        return AllowanceSpent(str(cause), retry_after=cause.seconds)
    if isinstance(cause, AnswerTooLarge):
        return TooLarge(f"{label} answers with too much. {cause}")
    kind = NotReached if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout) else None
    return (kind or ProviderUnavailable)(connection_words(cause, label))


def _of_status(error: openai.APIStatusError, label: str, secret: str) -> ProviderError:
    status, said = error.status_code, told(error.body, secret)
    if refuses_key(error, said):
        why = f': "{said}"' if said else f" ({status})."
        words_of_all = f"{label} does not accept this key{why}"
        return KeyRejected(words_of_all, said=said, http_status=status)
    if status in ASK_LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait = wait_asked_for(error.response.headers)
        message = f"{label} asks to wait" if status in ASK_LATER else f"{label} has a fault"
        return ProviderUnavailable(
            f"{message} ({status}{f': {said}' if said else ''}).",
            retry_after=wait,
            http_status=status,
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return ProviderError(
            f"{label} redirects to another address ({status}); enter the final one as base URL.",
            http_status=status,
        )
    if said is None:
        return ProviderError(f"{label} answered {status} without a reason.", http_status=status)
    kind = KINDS.get(status, RequestRejected)
    return kind(said, code=code_of(error), param=error.param, http_status=status)


def refuses_key(error: openai.APIStatusError, said: str | None) -> bool:
    """Whether a refusal is of the key as such. One that names a parameter, a model or a missing
    scope is of that thing alone.
    """
    concerns_one_thing = error.code in CODES_OF_ONE_THING or bool(ONE_THING.search(said or ""))
    if error.status_code == HTTPStatus.FORBIDDEN:
        return not (concerns_one_thing or error.param)
    return error.status_code == HTTPStatus.UNAUTHORIZED and not concerns_one_thing


def code_of(error: openai.APIStatusError) -> str | None:
    """The provider's machine-readable code, where it gave one."""
    return words(error.code, "") if error.code else None


def told(body: object, secret: str) -> str | None:
    """The provider's own words in the body of a refusal; None for a page or an empty answer."""
    if isinstance(body, Mapping):
        found = next((body[key] for key in ("message", "error", "detail") if body.get(key)), None)
        return words(found, secret) if isinstance(found, str) else None
    return None


def words(text: str, secret: str) -> str:
    """One short line a page may show: no control or direction marks, and never the key."""
    hidden = text.replace(secret, "…") if secret else text
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in hidden[:5_000])
    line = " ".join(plain.split())
    return line if len(line) <= LONGEST_WORDS else line[: LONGEST_WORDS - 1] + "…"


def connection_words(cause: BaseException | None, label: str) -> str:
    """Why no answer came, for a page."""
    if isinstance(cause, HeldBack):
        return str(cause)
    guard = getattr(cause, "__cause__", None)
    if isinstance(guard, Refused):
        return str(guard)
    if isinstance(cause, httpx2.ConnectTimeout):
        return f"{label} does not take connections."
    if isinstance(cause, httpx2.ConnectError):
        return f"{label} cannot be reached: {words(ERRNO.sub('', str(cause)), '')}"
    if isinstance(cause, httpx2.TimeoutException):
        return f"{label} did not answer in time."
    return f"{label} broke off: {words(str(cause), '')}" if str(cause) else f"{label} broke off."


def is_refusal(body: Any) -> bool:
    """Whether a body is the provider's own `{"error": {"message": …}}`, not a gateway's page."""
    error = body.get("error") if isinstance(body, dict) else None
    return isinstance(error, str) or (
        isinstance(error, dict) and isinstance(error.get("message"), str)
    )
