"""The adapter for OpenAI's wire keeps the contract, and survives what servers really send."""

import asyncio
import base64
import json
import time
import tracemalloc
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from openai.types.fine_tuning import FineTuningJob

from app.core.http import HttpOptions
from app.providers.base import (
    ChatRequest,
    FilePart,
    KeyRejected,
    NotFound,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
    RunRequest,
    RunStatus,
)
from app.providers.openai import OpenAIProvider, runs
from tests.providers.contract import ProviderContract, collect, started, upload
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.script import (
    CHAT,
    LIST_FILES,
    LIST_MODELS,
    LIST_RUNS,
    Fault,
    refusal,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class WitnessWorld:
    """The witness as a place to try a provider at: runs move when the test says so."""

    base_model = "gpt-4o-mini-2024-07-18"

    def __init__(self, witness):
        self.witness = witness

    def open(self, key=None):
        options = HttpOptions(allow=frozenset({self.witness.host}))
        return OpenAIProvider(self.witness.url, key or handle.KEY, "openai", options)

    def hold(self, run):
        return run

    def finish(self, run_id):
        run = next(run for run in self.witness.runs if run["id"] == run_id)
        if run["status"] == "cancelled":
            return
        for step in range(1, 251):
            data = {"step": step, "total_steps": 250, "train_loss": 1 / step}
            self.witness.add_event(run_id, type="metrics", message=f"Step {step}", data=data)
        self.witness.add_checkpoint(
            run_id,
            id="ckpt-1",
            created_at=int(time.time()),
            fine_tuned_model_checkpoint="ft:gpt:ckpt-step-250",
            step_number=250,
            metrics={"step": 250, "train_loss": 0.1},
        )
        results = self.witness.add_file("results.csv", b"step,train_loss\n1,1.0\n")
        self.witness.change_run(
            run_id,
            status="succeeded",
            finished_at=int(time.time()),
            fine_tuned_model="ft:witness",
            trained_tokens=1234,
            result_files=[results["id"]],
            hyperparameters={"n_epochs": 2, "batch_size": 1, "learning_rate_multiplier": 1.8},
        )


class TestContract(ProviderContract):
    @pytest.fixture
    def world(self, witness):
        return WitnessWorld(witness)


@pytest.fixture
def provider(open_at, witness):
    return open_at(witness)


@pytest.fixture
def order(provider, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"{}\n" * 10)
    file = upload(provider, path, "rows.jsonl")
    return RunRequest(
        base_model="gpt-4o-mini-2024-07-18",
        training_file_id=file.file_id,
        method="supervised",
        op_key="op-1",
        instance="here",
    )


# What is read


def test_every_status_the_sdk_declares_is_mapped_exactly_once():
    declared = set(get_args(FineTuningJob.model_fields["status"].annotation))

    assert declared <= set(runs.STATUSES)
    assert set(runs.STATUSES) - declared == {"paused"}
    assert not set(runs.STATUSES) & set(runs.OTHER_SPELLINGS)
    assert RunStatus.UNKNOWN not in runs.STATUSES.values()


def test_a_status_nobody_knows_is_kept_as_written_and_has_not_ended(provider, witness, order):
    run = started(provider, order)
    witness.change_run(run.run_id, status="awaiting_moon")

    seen = provider.report(run.run_id)

    assert (seen.status, seen.provider_status) == (RunStatus.UNKNOWN, "awaiting_moon")
    assert not seen.status.has_ended


def test_a_failed_run_says_why_and_an_empty_error_says_nothing(provider, witness, order):
    run = started(provider, order)
    assert run.error is None  # the witness sends `error: {}`
    why = {"code": "invalid_n_examples", "message": "Has 9 examples.", "param": "training_file"}
    witness.change_run(run.run_id, status="failed", error=why)

    failed = provider.report(run.run_id)

    assert failed.status is RunStatus.FAILED
    assert failed.error is not None
    assert (failed.error.message, failed.error.code) == ("Has 9 examples.", "invalid_n_examples")


def test_absurd_fields_become_unknown_and_do_no_harm(provider, witness, order):
    run = started(provider, order)
    witness.change_run(
        run.run_id,
        trained_tokens=10**30,
        created_at=1e300,
        finished_at="soon",
        fine_tuned_model=7,
        result_files=None,
        metadata=None,
        hyperparameters="none",
        seed=True,
    )

    seen = provider.report(run.run_id)

    assert (seen.trained_tokens, seen.created_at, seen.finished_at) == (None, None, None)
    assert (seen.model_name, seen.result_file_ids, seen.seed) == (None, (), None)


def test_text_no_database_keeps_is_replaced(provider, witness, order):
    run = started(provider, order)
    witness.add_event(run.run_id, message="a\0b\ud800c", data={"loss": float("nan")})

    newest = next(provider.events(run.run_id))

    assert newest.message == "a\ufffdb\ufffdc"
    assert newest.data == {"loss": None}


def test_base_models_follow_the_profile_and_carry_their_last_day(provider):
    found = {model.name: model for model in provider.base_models()}

    assert list(found) == ["gpt-4.1-mini-2025-04-14", "gpt-4o-mini-2024-07-18"]
    assert found["gpt-4o-mini-2024-07-18"].shutdown_date == date(2027, 1, 14)
    assert found["gpt-4.1-mini-2025-04-14"].shutdown_date is None
    assert found["gpt-4o-mini-2024-07-18"].row_token_cap == 65_536


def test_a_key_check_says_whose_key_and_what_it_may_not(provider, witness):
    words = "You do not have access to fine-tuning."
    witness.script(
        Fault(LIST_RUNS, status=403, body=json.dumps(refusal(words, "no_access"))),
    )

    account = provider.check_key()

    assert account.organization == "witness-org"
    assert "gpt-6" in account.models
    assert not account.is_trainer
    refused = next(p for p in account.permissions if p.name == "fine-tuning")
    assert not refused.is_allowed
    assert words in (refused.words or "")


def test_a_trainer_makes_itself_known(provider, witness):
    models = json.dumps({"object": "list", "data": []})
    witness.script(Fault(LIST_MODELS, body=models, headers={"x-luthier-trainer": "1"}))

    account = provider.check_key()

    assert account.is_trainer
    assert account.profile == "luthier"


# Events and lists


def test_events_come_by_pages_and_stop_at_the_known_one(provider, witness, order):
    run = started(provider, order)
    first = next(provider.events(run.run_id)).event_id
    for step in range(230):
        witness.add_event(run.run_id, message=str(step))

    new = list(provider.events(run.run_id, known_id=first))

    assert [event.message for event in new] == [str(step) for step in reversed(range(230))]
    asked = witness.journal.read(f"GET /v1/fine_tuning/jobs/{run.run_id}/events")
    assert all("limit=100" in request.query for request in asked)
    assert len(asked) == 1 + 3


def test_a_list_without_end_is_an_error_not_a_loop(provider, witness):
    page = {"object": "list", "data": [{"id": "ftjob-1"}], "has_more": True}
    witness.script(Fault(LIST_RUNS, body=json.dumps(page), times=1_000))

    with pytest.raises(ProviderError, match="again and again"):
        provider.find_runs("op-1", since=LONG_AGO)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in to the Wi-Fi</html>",
        "{",
        "[]",
        "null",
        "{}",
        '{"data": null}',
        '{"data": [], "has_more": true}',
        '{"error": {"message": "no"}}',
        "[" * 100_000,
    ],
)
def test_a_listing_that_is_none_is_never_taken_for_an_empty_one(provider, witness, body):
    witness.script(Fault(LIST_RUNS, body=body, times=9), Fault(LIST_FILES, body=body, times=9))

    with pytest.raises(ProviderError):
        provider.find_runs("op-1", since=LONG_AGO)
    with pytest.raises(ProviderError):
        provider.list_runs()
    with pytest.raises(ProviderError):
        provider.find_file("rows.jsonl", 30)


@pytest.mark.parametrize("behaviour", ["exact", "ignored", "refused"])
def test_a_run_is_found_by_its_tag_however_the_filter_behaves(provider, witness, order, behaviour):
    neighbour = started(provider, replace(order, op_key="op-2"))
    run = started(provider, order)
    witness.set(filter=behaviour)

    found = provider.find_runs("op-1", since=LONG_AGO)

    assert [seen.run_id for seen in found] == [run.run_id]
    assert neighbour.run_id != run.run_id


def test_a_run_that_lists_late_is_found_once_it_shows(provider, witness, order):
    witness.set(lag=0.5)
    run = started(provider, order)

    assert provider.find_runs("op-1", since=LONG_AGO) == []
    found = eventually(lambda: provider.find_runs("op-1", since=LONG_AGO))

    assert [seen.run_id for seen in found] == [run.run_id]


def test_two_runs_of_one_start_come_oldest_first(provider, witness, order):
    first, second = started(provider, order), started(provider, order)
    witness.change_run(first.run_id, created_at=1_700_000_000)

    assert [run.run_id for run in provider.find_runs("op-1", since=LONG_AGO)] == [
        first.run_id,
        second.run_id,
    ]


def test_looking_for_a_run_stops_where_all_is_older(open_at, witness, order):
    looking = open_at(witness, profile="compatible")
    provider = open_at(witness)
    for _ in range(3):
        run = started(provider, order)
        witness.change_run(run.run_id, created_at=1_500_000_000, metadata={})

    assert looking.find_runs("op-1", since=datetime.now(UTC) - timedelta(minutes=2)) == []
    assert len(witness.journal.read(LIST_RUNS)) == 1


# Files


def test_a_large_file_streams_out_of_its_place(provider, witness, tmp_path):
    path, size = tmp_path / "large.jsonl", 48 * 2**20
    path.write_bytes(b"x" * size)
    provider.find_file("warm", 1)
    tracemalloc.start()
    file = provider.upload(FilePart(path, "large.jsonl", size)).file
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert file is not None
    assert file.size == size
    assert peak < 4 * 2**20


def test_a_file_larger_than_a_part_goes_part_by_part_and_goes_on_elsewhere(
    open_at, witness, tmp_path
):
    path, size = tmp_path / "large.jsonl", 2_500
    path.write_bytes(bytes(range(250)) * 10)
    heard: list[int] = []
    state, steps = None, 0
    while state is None or state.file is None:
        provider = open_at(witness)
        provider.wire.profile = replace(provider.wire.profile, upload_part_size=1_000)
        state = provider.upload(FilePart(path, "large.jsonl", size, state, heard.append))
        steps += 1

    assert steps == 3
    assert heard[-1] == size
    assert b"".join(provider.download(state.file.file_id)) == path.read_bytes()


def test_a_broken_file_is_not_adopted(provider, witness, tmp_path):
    broken = {"id": "file-1", "filename": "a.jsonl", "bytes": 3, "status": "error"}
    pending = {"id": "file-2", "filename": "a.jsonl", "bytes": 3, "status": "pending"}
    page = {"object": "list", "data": [broken, pending], "has_more": False}
    witness.script(Fault(LIST_FILES, body=json.dumps(page)))

    found = provider.find_file("a.jsonl", 3)

    assert found is not None
    assert (found.file_id, found.is_ready) == ("file-2", False)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, 100_000])
@pytest.mark.parametrize("line", [0, 76])
def test_a_result_file_in_base64_is_decoded(provider, witness, size, line):
    plain = b"step,train_loss\n" + b"1,0.5\n" * size
    coded = base64.b64encode(plain)
    if line:
        coded = b"\n".join(coded[n : n + line] for n in range(0, len(coded), line))
    plain_file, coded_file = witness.add_file("a", plain), witness.add_file("b", coded)

    assert b"".join(provider.download(plain_file["id"])) == plain
    assert b"".join(provider.download(coded_file["id"])) == plain


@pytest.mark.parametrize("content", [b"", b"c", b"c3RlcC", b"c3Rlc is no code"])
def test_what_only_begins_like_base64_is_left_alone(provider, witness, content):
    file = witness.add_file("a", content)

    assert b"".join(provider.download(file["id"])) == content


# Chat


def test_the_limit_on_tokens_is_spelled_as_the_service_spells_it(open_at, witness):
    question = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},), max_tokens=5)
    for profile in ("openai", "compatible"):
        open_at(witness, profile=profile).answer(question)

    sent = [set(request.body) for request in witness.journal.read(CHAT)]
    assert sent == [
        {"model", "messages", "max_completion_tokens"},
        {"model", "messages", "max_tokens"},
    ]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("<html></html>", {"content-type": "text/html"}),
        ("data: {broken\n\n", {"content-type": "text/event-stream"}),
        (
            'data: {"error": {"message": "out of memory"}}\n\n',
            {"content-type": "text/event-stream"},
        ),
    ],
)
def test_a_stream_that_is_none_is_an_error_in_our_words(provider, witness, body, headers):
    witness.script(Fault(CHAT, body=body, headers=headers))
    question = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},))

    with pytest.raises(ProviderError):
        asyncio.run(collect(provider, question))


def test_a_reader_who_leaves_ends_the_stream(provider, witness):
    words = " ".join(["word"] * 5_000)
    question = ChatRequest("gpt-6", ({"role": "user", "content": words},))

    async def leave_early():
        deltas = provider.stream(question)
        async for delta in deltas:
            if delta.text:
                break
        await deltas.aclose()
        return delta.text

    assert asyncio.run(leave_early()) == "You "


def test_a_stream_that_breaks_off_says_so(provider, witness):
    piece = json.dumps({"object": "chat.completion.chunk", "choices": []})
    body = f"data: {piece}\n\n" * 50
    stream = {"content-type": "text/event-stream"}
    witness.script(Fault(CHAT, end="truncate", body=body, headers=stream))
    question = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},))

    with pytest.raises(ProviderUnavailable):
        asyncio.run(collect(provider, question))


# Errors


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, refusal("No."), RequestRejected),
        (401, refusal("No."), KeyRejected),
        (403, refusal("No."), KeyRejected),
        (404, refusal("No."), NotFound),
        (404, {"detail": "Not Found"}, NotFound),
        (404, "<html>", ProviderError),
        (408, refusal("No."), ProviderUnavailable),
        (409, refusal("No."), RequestRejected),
        (422, refusal("No."), RequestRejected),
        (429, refusal("No."), ProviderUnavailable),
        (500, refusal("No."), ProviderUnavailable),
        (503, "<html>", ProviderUnavailable),
        (307, "", ProviderError),
    ],
)
def test_each_failure_has_the_name_of_the_reaction_it_needs(provider, witness, status, body, kind):
    text = body if isinstance(body, str) else json.dumps(body)
    witness.script(Fault(LIST_MODELS, status=status, body=text))

    with pytest.raises(ProviderError) as caught:
        provider.base_models()

    assert type(caught.value) is kind
    assert caught.value.http_status == status
    assert len(witness.journal.read(LIST_MODELS)) == 1


@pytest.mark.parametrize("end", ["drop", "truncate"])
def test_a_broken_connection_is_unavailable_and_asked_once(provider, witness, end):
    witness.script(Fault(LIST_MODELS, end=end, body="x" * 1000))

    with pytest.raises(ProviderUnavailable):
        provider.base_models()

    assert len(witness.journal.read(LIST_MODELS)) == 1


def test_a_server_that_is_gone_is_unavailable(open_at, mortal_witness):
    provider = open_at(mortal_witness)
    mortal_witness.kill()

    with pytest.raises(ProviderUnavailable, match="cannot be reached: Connection refused"):
        provider.base_models()


def test_a_slow_answer_is_given_up(open_at, witness):
    provider = open_at(witness, read_seconds=5, total_seconds=0.4)
    witness.script(
        Fault(LIST_MODELS, delay=1.0, body="{}"),
        Fault(LIST_MODELS, end="drip", body="x" * 100),
    )
    for _ in range(2):
        before = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="in time"):
            provider.base_models()
        assert time.monotonic() - before < 1.5


def test_a_message_shown_to_people_is_short_plain_and_without_the_key(provider, witness):
    nasty = f"No\x1b[2J\n key {handle.KEY}\u202e! " + "long " * 1_000
    witness.script(Fault(LIST_MODELS, status=400, body=json.dumps(refusal(nasty))))

    with pytest.raises(RequestRejected) as caught:
        provider.base_models()

    message = str(caught.value)
    assert message.startswith("No [2J key … !")
    assert len(message) <= 500


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7.5"}, 7.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1000000000"}, 86_400.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"}, 86_400.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({}, None),
    ],
)
def test_every_form_of_retry_after_is_read(provider, witness, asked, seconds):
    witness.script(Fault(LIST_MODELS, status=429, body="{}", headers=asked))

    with pytest.raises(ProviderUnavailable) as caught:
        provider.base_models()

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("key", ["sk-\n", "sk ey", "schlüssel", "sk-\0"])
def test_a_key_no_key_looks_like_is_rejected_before_it_travels(open_at, witness, key):
    with pytest.raises(KeyRejected):
        open_at(witness, key=key)

    assert witness.journal.read() == []


def test_the_environment_of_the_process_changes_nothing(open_at, witness, monkeypatch):
    for name, value in {
        "OPENAI_API_KEY": "sk-environment",
        "OPENAI_ADMIN_KEY": "sk-admin",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_ORG_ID": "org-environment",
        "OPENAI_PROJECT_ID": "proj-environment",
        "OPENAI_WEBHOOK_SECRET": "whsec-environment",
        "OPENAI_CUSTOM_HEADERS": "X-From: environment\nAuthorization: Bearer environment",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    provider = open_at(witness)
    question = ChatRequest("gpt-6", ({"role": "user", "content": "Hello"},))

    provider.base_models()
    asyncio.run(collect(provider, question))

    for request in witness.journal.read():
        assert request.headers["authorization"] == f"Bearer {handle.KEY}"
        assert "environment" not in json.dumps(request.headers)
        assert request.headers["accept-encoding"] == "identity"
