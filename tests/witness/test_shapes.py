"""What the witness says has OpenAI's shapes: the SDK's own types, with unknown fields forbidden."""

import time
from typing import Any

import pytest
from openai.types import EvalListResponse, FileObject, Model
from openai.types.admin.organization import Project, UsageCompletionsResponse
from openai.types.chat import ChatCompletion, ChatCompletionStoreMessage
from openai.types.evals import RunListResponse
from openai.types.evals.runs import OutputItemListResponse
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.checkpoints import PermissionListResponse
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from tests.trainer.shapes import raw, strictly
from tests.witness import history
from tests.witness.state import STOPS

# What real answers have and the SDK's types lack, as OpenAI's reference and guides show them.
NOT_IN_THE_TYPES: dict[type, set[str]] = {
    FineTuningJob: {"usage_metrics", "shared_with_openai"},
    ChatCompletion: {
        *("request_id", "tool_choice", "seed", "top_p", "temperature", "presence_penalty"),
        *("frequency_penalty", "input_user", "tools", "response_format"),
    },
    ChatCompletionStoreMessage: {"name"},
}


def in_the_types_words(kind: type, item: dict[str, Any]) -> dict[str, Any]:
    """The same object without what only real answers have: null where nothing went wrong, a purpose
    and an event's type of OpenAI's guides, the roles of stored questions.
    """
    told = {k: v for k, v in item.items() if k not in NOT_IN_THE_TYPES.get(kind, set())}
    if told.get("error") == {}:
        told["error"] = None
    if kind is RunListResponse and told["error"] is None:
        told["error"] = {"code": "", "message": ""}
    if kind is OutputItemListResponse:
        told["sample"] = {**told["sample"], "error": {"code": "", "message": ""}}
    if told.get("purpose") == "evals":
        told["purpose"] = "user_data"
    if told.get("type") == "moderation_checks":
        told["type"] = "message"
    if kind is ChatCompletionStoreMessage:
        told["role"] = "assistant"
    return told


def all_of(client, path: str, kind: type) -> list[Any]:
    """Every item of a list, page by page, each as the SDK's type to the last field."""
    found: list[Any] = []
    while True:
        after = f"&after={found[-1].id}" if found else ""
        answer = raw(client, f"{path}{'&' if '?' in path else '?'}limit=7{after}")
        found += [strictly(kind, in_the_types_words(kind, item)) for item in answer["data"]]
        if not answer["has_more"]:
            return found


@pytest.fixture
def full(witness):
    history.fill(witness)
    return witness


def test_jobs_with_events_and_checkpoints(full, client):
    jobs = all_of(client, "/fine_tuning/jobs", FineTuningJob)

    events = [
        all_of(client, f"/fine_tuning/jobs/{job.id}/events", FineTuningJobEvent) for job in jobs
    ]
    points = [
        all_of(client, f"/fine_tuning/jobs/{job.id}/checkpoints", FineTuningJobCheckpoint)
        for job in jobs
    ]

    assert {job.status for job in jobs} == {"succeeded", "failed", "cancelled", "running"}
    assert {job.method.type for job in jobs} == {"supervised", "dpo", "reinforcement"}
    assert {len(told) for told in events} == {3, 40}, "a job that failed at its files has three"
    assert {event.type for told in events for event in told} == {"message", "metrics"}
    assert [len(kept) for kept in points] == [3 * (job.status == "succeeded") for job in jobs]


def test_files_of_every_purpose(full, client):
    files = [
        strictly(FileObject, in_the_types_words(FileObject, item))
        for item in raw(client, "/files")["data"]
    ]

    there = {file.purpose for file in client.files.list()}
    assert len(files) == 16 + 5 + 7 + 3
    assert there == {"fine-tune", "fine-tune-results", "evals", *history.OTHER_PURPOSES}


def test_evals_with_runs_and_output_items(full, client):
    evals = all_of(client, "/evals", EvalListResponse)
    runs = [
        run for one in evals for run in all_of(client, f"/evals/{one.id}/runs", RunListResponse)
    ]
    items = [
        item
        for run in runs
        for item in all_of(
            client, f"/evals/{run.eval_id}/runs/{run.id}/output_items", OutputItemListResponse
        )
    ]

    assert {run.status for run in runs} == {"completed", "failed", "in_progress"}
    assert sum(run.result_counts.total for run in runs) == len(items) == 4 * 20 + 10
    assert {result.type for item in items for result in item.results} == {
        *("string_check", "text_similarity", "label_model", "score_model", "python")
    }


def test_models_and_what_they_were_asked(full, client, client_of):
    models = [strictly(Model, item) for item in raw(client, "/models")["data"]]
    (tuned, *_) = (job.fine_tuned_model for job in client.fine_tuning.jobs.list())
    stored = all_of(client, f"/chat/completions?model={tuned}", ChatCompletion)
    asked = [
        all_of(client, f"/chat/completions/{one.id}/messages", ChatCompletionStoreMessage)
        for one in stored
    ]
    admin = client_of(full, full.admin_key)
    shared = all_of(admin, f"/fine_tuning/checkpoints/{tuned}/permissions", PermissionListResponse)
    projects = all_of(admin, "/organization/projects", Project)
    since = int(time.time()) - 9 * 86_400
    used = strictly(
        UsageCompletionsResponse,
        raw(admin, f"/organization/usage/completions?start_time={since}&group_by=model"),
    )

    assert {model.shutdown_date for model in models} == {None, "2027-01-14", STOPS}
    assert len(stored) == 4
    assert [len(messages) for messages in asked] == [2] * 4
    assert len(shared) == 2
    assert len(projects) == 1
    assert tuned in {result.model for result in used.data[0].results}
    assert (len(used.data), used.has_more) == (7, True)
