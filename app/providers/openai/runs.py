"""Runs as OpenAI's wire tells them: statuses, reports, events, checkpoints."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from app.providers.base import (
    CheckpointInfo,
    ParameterValue,
    RunError,
    RunEvent,
    RunReport,
    RunStatus,
)
from app.providers.openai.errors import words
from app.providers.openai.wire import Json

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)

YEAR_5138 = 1e11
# As long as a database keeps an id or a name; and a line of a log as long as anybody reads.
LONGEST_NAME, LONGEST_LINE = 255, 10_000
MOST_HYPERPARAMETERS = 100

# OpenAI's own statuses; `paused` is in the API although its schema leaves it out.
STATUSES = {
    "validating_files": RunStatus.QUEUED,
    "queued": RunStatus.QUEUED,
    "running": RunStatus.RUNNING,
    "paused": RunStatus.PAUSED,
    "succeeded": RunStatus.SUCCEEDED,
    "failed": RunStatus.FAILED,
    "cancelled": RunStatus.CANCELLED,
}
# Spellings seen at Azure across API versions.
OTHER_SPELLINGS = {
    "canceled": RunStatus.CANCELLED,
    "notrunning": RunStatus.QUEUED,
    "pending": RunStatus.QUEUED,
    "pausing": RunStatus.RUNNING,
    "resuming": RunStatus.RUNNING,
}


def status_of(text: str) -> RunStatus:
    """Our status for a provider's text; a text nobody knows is UNKNOWN and polled on."""
    known = text.lower()
    return STATUSES.get(known) or OTHER_SPELLINGS.get(known) or RunStatus.UNKNOWN


def run_id_of(data: Json) -> str | None:
    """The run's id if this is a run with a usable one."""
    found = data.get("id")
    is_run = data.get("object", "fine_tuning.job") == "fine_tuning.job"
    return found if is_run and isinstance(found, str) and RUN_ID.fullmatch(found) else None


def report(data: Json) -> RunReport | None:
    """A run from its JSON; None where there is no id that parses."""
    run_id = run_id_of(data)
    if run_id is None:
        return None
    status = text_of(data, "status") or ""
    method = mapping_of(data, "method")
    return RunReport(
        run_id=run_id,
        status=status_of(status),
        provider_status=words(status, ""),
        base_model=name_of(data, "model") or "",
        model_name=name_of(data, "fine_tuned_model"),
        created_at=time_of(data, "created_at"),
        finished_at=time_of(data, "finished_at"),
        estimated_finish_at=time_of(data, "estimated_finish"),
        trained_tokens=integer_of(data, "trained_tokens"),
        method=text_of(method, "type"),
        hyperparameters=hyperparameters(data, method),
        seed=integer_of(data, "seed"),
        suffix=name_of(data, "user_provided_suffix") or name_of(data, "suffix"),
        training_file_id=name_of(data, "training_file"),
        validation_file_id=name_of(data, "validation_file"),
        result_file_ids=tuple(f for f in data.get("result_files") or () if isinstance(f, str)),
        metadata={k: v for k, v in mapping_of(data, "metadata").items() if isinstance(v, str)},
        error=error_of(data),
    )


def hyperparameters(data: Json, method: Json) -> dict[str, ParameterValue]:
    """What was asked for, overwritten by the numbers the provider settled on."""
    asked = mapping_of(mapping_of(method, text_of(method, "type") or ""), "hyperparameters")
    settled = {k: v for k, v in mapping_of(data, "hyperparameters").items() if v != "auto"}
    known = {
        name: value
        for name, value in {**asked, **settled}.items()
        if isinstance(value, (int, float, str)) and not isinstance(value, bool)
        if max(len(name), len(str(value))) <= LONGEST_NAME
    }
    return dict(islice(known.items(), MOST_HYPERPARAMETERS))


def error_of(data: Json) -> RunError | None:
    """Why it failed.

    A healthy run may carry `error: {}`, so the content decides, not the presence.
    """
    error = mapping_of(data, "error")
    code, message = text_of(error, "code"), text_of(error, "message")
    if not code and not message:
        return None
    said = words(message or code or "", "")
    return RunError(message=said, code=code or None, param=text_of(error, "param"))


def event(data: Json) -> RunEvent | None:
    """One line of the log; None without an id, by which events are told apart."""
    event_id = name_of(data, "id")
    if event_id is None:
        return None
    return RunEvent(
        event_id=event_id,
        at=time_of(data, "created_at"),
        level=text_of(data, "level") or "info",
        kind=text_of(data, "type") or "message",
        message=(text_of(data, "message") or "")[:LONGEST_LINE],
        data=mapping_of(data, "data"),
    )


def checkpoint(data: Json) -> CheckpointInfo | None:
    """A saved model; None without the id, name and step that make it one."""
    found, name = name_of(data, "id"), name_of(data, "fine_tuned_model_checkpoint")
    step = integer_of(data, "step_number")
    if found is None or name is None or step is None:
        return None
    return CheckpointInfo(
        checkpoint_id=found,
        model_name=name,
        step=step,
        created_at=time_of(data, "created_at"),
        metrics=numbers(mapping_of(data, "metrics")),
    )


def numbers(data: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a mapping."""
    return {
        name: float(value)
        for name, value in data.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    }


def text_of(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def name_of(data: Mapping[str, Any], key: str) -> str | None:
    """A text that can be an id or a name: there is some, and a database keeps all of it."""
    value = text_of(data, key)
    return value if value and len(value) <= LONGEST_NAME else None


def integer_of(data: Mapping[str, Any], key: str) -> int | None:
    value = data.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping_of(data: Mapping[str, Any], key: str) -> Json:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def time_of(data: Mapping[str, Any], key: str) -> datetime | None:
    """Seconds since 1970 as an aware time; 0, negative and absurd values are None."""
    value = data.get(key)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < YEAR_5138:
        return None
    return datetime.fromtimestamp(value, UTC)
