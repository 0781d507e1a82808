"""The paid start: one POST, and every way it can end told apart."""

from http import HTTPStatus
from typing import Any, cast

import httpx2
import openai

from app.core.waiting import wait_asked_for
from app.providers.base import (
    NotSent,
    Refused,
    RunRequest,
    Started,
    StartOutcome,
    Unknown,
)
from app.providers.openai import runs, tags
from app.providers.openai.errors import (
    code_of,
    connection_words,
    is_refusal,
    refuses_key,
    told,
)
from app.providers.openai.wire import Wire, json_object
from app.providers.profiles import Profile

# Raised only before a byte of the request has left.
NEVER_CONNECTED = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)
# OpenAI's codes for 429 that no wait ends: no credit, a spent budget, an account without billing.
NOT_BY_ITSELF = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
# So many orders a day and model, seen at OpenAI; told without a wait, once an hour is enough.
NOT_TODAY = {"daily_rate_limit_exceeded"}
DAYS_WAIT_SECONDS = 3600.0
TAGS = "metadata"
CLEAR_REFUSALS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


def start(wire: Wire, request: RunRequest) -> StartOutcome:
    """Ask for the run once and say how it ended; an exception here counts as unknown. A service
    that clearly refuses tags is asked without: then its suffix, or a person, knows the run again.
    """
    body = body_of(request, wire.profile)
    outcome = _ask(wire, request.op_key, body)
    if isinstance(outcome, Refused) and TAGS in outcome.message:
        del body[TAGS]
        return _ask(wire, request.op_key, body)
    return outcome


def _ask(wire: Wire, op_key: str, body: dict[str, Any]) -> StartOutcome:
    try:
        answer = wire.paid.fine_tuning.jobs.with_raw_response.create(
            **cast("Any", body), extra_headers={"Idempotency-Key": op_key}
        )
    except openai.APIConnectionError as error:
        reason = connection_words(error.__cause__, wire.profile.label)
        return NotSent(reason) if isinstance(error.__cause__, NEVER_CONNECTED) else Unknown(reason)
    except openai.APIStatusError as error:
        return _of_refusal(error, wire)
    return _of_answer(answer.http_response, wire.profile.label, op_key)


def body_of(request: RunRequest, profile: Profile) -> dict[str, Any]:
    """The create request; what was not chosen is left to the provider."""
    chosen = {
        "model": request.base_model,
        "training_file": request.training_file_id,
        "validation_file": request.validation_file_id,
        "seed": request.seed,
        **tags.carried(request, profile),
        "method": {
            "type": request.method,
            request.method: {"hyperparameters": dict(request.hyperparameters)},
        },
    }
    return {key: value for key, value in chosen.items() if value is not None}


def _of_refusal(error: openai.APIStatusError, wire: Wire) -> StartOutcome:
    status, label = error.status_code, wire.profile.label
    said = told(error.body, wire.api_key)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _of_hurry(error, said or f"{label} asks to wait.")
    if status in CLEAR_REFUSALS and is_refusal(json_object(error.response.content)):
        message = said or f"{label} answered {status}."
        is_of_key = refuses_key(error, said)
        return Refused(message, code_of(error), status, refuses_key=is_of_key)
    return Unknown(f"{label} answered {status}{f': {said}' if said else ''}.")


def _of_hurry(error: openai.APIStatusError, message: str) -> Refused:
    """429 means later, tomorrow, or never until somebody pays: the code says which."""
    code, wait = code_of(error), wait_asked_for(error.response.headers)
    is_of_day = code in NOT_TODAY
    return Refused(
        message,
        code,
        HTTPStatus.TOO_MANY_REQUESTS,
        retry_after=DAYS_WAIT_SECONDS if is_of_day and wait is None else wait,
        needs_person=not NOT_BY_ITSELF.isdisjoint((code, error.type)),
        is_of_starts=is_of_day,
    )


def _of_answer(response: httpx2.Response, label: str, op_key: str) -> StartOutcome:
    found = json_object(response.content)
    if found is None:
        return Unknown(f"{label} answered {response.status_code} with something that is not a job.")
    run = runs.report(found)
    if run is None:
        return Unknown(f"{label} answered without a job id.")
    if run.op_key not in {None, op_key}:
        return Unknown(f"{label} answered with another order's job, {run.run_id}.")
    return Started(run)
