"""What every provider must do, as tests: subclass `ProviderContract` and say where `world` is."""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from app.providers.base import (
    Archive,
    Archived,
    Archives,
    ChatDelta,
    ChatRequest,
    FilePart,
    FileRef,
    KeyRejected,
    NotFound,
    Provider,
    ProviderError,
    Refused,
    RequestRejected,
    RunReport,
    RunRequest,
    RunStatus,
    Started,
)

ROWS = [
    f'{{"messages": [{{"role": "user", "content": "Is {n} even?"}}, '
    f'{{"role": "assistant", "content": "{"yes" if n % 2 == 0 else "no"}"}}]}}\n'
    for n in range(40)
]


class World(Protocol):
    """A place to try a provider at."""

    base_model: str

    def open(self, key: str | None = None) -> Provider: ...
    def finish(self, run_id: str) -> None:
        """Let the run come to its end, or wait until it does."""

    def hold(self, run: RunRequest) -> RunRequest:
        """The request changed so that its run is still going when it is looked at next."""


class ProviderContract:
    """The suite. Fixtures to bring: `world`."""

    @pytest.fixture
    def provider(self, world: World) -> Iterator[Provider]:
        with world.open() as opened:
            yield opened

    @pytest.fixture
    def rows(self, tmp_path: Path) -> Path:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(ROWS))
        return path

    @pytest.fixture
    def training_file(self, provider: Provider, rows: Path) -> FileRef:
        return upload(provider, rows, f"{uuid.uuid4().hex}.jsonl")

    @pytest.fixture
    def order(self, world: World, training_file: FileRef) -> RunRequest:
        return RunRequest(
            base_model=world.base_model,
            training_file_id=training_file.file_id,
            method="supervised",
            op_key=uuid.uuid4().hex,
            instance="contract",
            hyperparameters={"n_epochs": 2, "batch_size": "auto"},
            suffix="contract",
            seed=7,
        )

    def test_it_describes_what_it_can_do(self, provider: Provider):
        can = provider.capabilities()

        assert [method.name for method in can.methods]
        for method in can.methods:
            assert method.label
            assert method.help.endswith(".")
            assert method.formats
            for parameter in can.parameters_of(method.name):
                assert parameter.label
                assert parameter.help.endswith(".")
                assert parameter.accept(None) == parameter.default
        assert can.requests_per_minute > 0
        assert 1 <= can.page_size <= 100

    def test_a_good_key_says_what_it_may(self, world: World, provider: Provider):
        account = provider.check_key()

        assert world.base_model in account.models
        assert {(p.name, p.is_allowed) for p in account.permissions} == {
            ("models", True),
            ("files", True),
            ("fine-tuning", True),
        }

    def test_a_wrong_key_is_rejected_without_being_repeated(self, world: World):
        wrong = "sk-wrong-9f8e7d6c5b4a"
        with world.open(key=wrong) as provider, pytest.raises(KeyRejected) as refused:
            provider.check_key()

        assert wrong not in str(refused.value)

    def test_base_models_can_be_tuned_and_are_not_tuned_ones(
        self, world: World, provider: Provider
    ):
        found = {model.name: model for model in provider.base_models()}

        assert "supervised" in found[world.base_model].methods
        assert not [name for name in found if name.startswith("ft:")]

    def test_an_uploaded_file_is_found_by_name_and_size(self, provider: Provider, rows: Path):
        name, size = f"{uuid.uuid4().hex}.jsonl", rows.stat().st_size
        assert provider.find_file(name, size) is None

        sent = upload(provider, rows, name)

        assert provider.find_file(name, size) == sent
        assert provider.find_file(name, size + 1) is None
        assert provider.find_file("other.jsonl", size) is None

    def test_an_upload_tells_how_far_it_is(self, provider: Provider, rows: Path):
        heard: list[int] = []
        size = rows.stat().st_size

        provider.upload(FilePart(rows, f"{uuid.uuid4().hex}.jsonl", size, progress=heard.append))

        assert heard == sorted(heard)
        assert heard[-1] == size

    def test_a_start_carries_our_tag_and_is_found_by_it(
        self, provider: Provider, order: RunRequest
    ):
        before = datetime.now(UTC) - timedelta(minutes=2)
        run = started(provider, order)

        assert (run.op_key, run.instance) == (order.op_key, "contract")
        assert run.base_model == order.base_model
        assert run.seed == 7
        assert not run.status.has_ended
        assert run.error is None
        found = provider.find_runs(order.op_key, since=before)
        assert [one.run_id for one in found.runs] == [run.run_id]
        ours = provider.find_ours("contract", since=before)
        assert run.run_id in {one.run_id for one in ours.runs}
        nothing = provider.find_runs(uuid.uuid4().hex, since=before)
        assert nothing.runs == ()
        assert nothing.listed >= 1
        assert provider.find_ours(uuid.uuid4().hex, since=before).runs == ()
        assert provider.report(run.run_id).run_id == run.run_id

    def test_lists_are_newest_first_and_come_in_pages(self, provider: Provider, order: RunRequest):
        first = started(provider, order)
        second = started(provider, again(order))

        page = provider.list_runs(cursor=None)
        ids = [run.run_id for run in page.items]
        assert ids.index(second.run_id) < ids.index(first.run_id)

    def test_a_clear_refusal_is_told_in_the_providers_words(
        self, provider: Provider, order: RunRequest
    ):
        outcome = provider.start_run(change(order, base_model="no-such-model"))

        assert isinstance(outcome, Refused)
        assert 400 <= outcome.http_status < 500
        assert "no-such-model" in outcome.message
        assert not outcome.is_put_back

    @pytest.mark.parametrize(
        ("name", "value"), [("n_epochs", 0), ("n_epochs", 51), ("batch_size", 257)]
    )
    def test_a_hyperparameter_out_of_range_is_refused(
        self, provider: Provider, order: RunRequest, name: str, value: int
    ):
        outcome = provider.start_run(change(order, hyperparameters={name: value}))

        assert isinstance(outcome, Refused)
        assert name in outcome.message

    def test_a_run_that_is_not_there_is_not_found(self, provider: Provider):
        with pytest.raises(NotFound):
            provider.report("ftjob-nowhere")

    def test_a_run_goes_to_its_end_and_leaves_a_model(
        self, world: World, provider: Provider, order: RunRequest
    ):
        run = started(provider, order)
        world.finish(run.run_id)
        ended = provider.report(run.run_id)

        assert ended.status is RunStatus.SUCCEEDED, ended
        assert ended.model_name
        assert ended.error is None
        assert (ended.trained_tokens or 0) > 0
        assert ended.created_at is not None
        assert ended.finished_at is not None
        assert ended.created_at <= ended.finished_at
        assert isinstance(ended.hyperparameters["n_epochs"], int)
        self.look_at_events(provider, run.run_id)
        self.look_at_results(provider, ended)
        self.look_at_history(provider, ended)
        self.look_at_answers(provider, ended.model_name)

    def look_at_events(self, provider: Provider, run_id: str) -> None:
        """Newest first, each once, and only what is new after a known one."""
        events = list(provider.events(run_id, known_id=None))
        assert len({event.event_id for event in events}) == len(events) > 2
        times = [event.at for event in events if event.at]
        assert times == sorted(times, reverse=True)
        metrics = [event for event in events if event.kind == "metrics"]
        steps = [event.data["step"] for event in metrics]
        assert steps == sorted(steps, reverse=True)
        assert all(event.data["train_loss"] >= 0 for event in metrics)
        assert any(event.kind == "message" and event.message for event in events)
        known = events[2].event_id
        assert list(provider.events(run_id, known_id=known)) == events[:2]

    def look_at_results(self, provider: Provider, ended: RunReport) -> None:
        """The result file is a CSV by step; checkpoints have a step and a name."""
        content = b"".join(provider.download(ended.result_file_ids[0]))
        assert content.startswith(b"step,train_loss")
        for checkpoint in provider.checkpoints(ended.run_id):
            assert checkpoint.model_name
            assert checkpoint.step > 0

    def look_at_history(self, provider: Provider, ended: RunReport) -> None:
        """The same run as its provider wrote it: settings, log, checkpoints, files and model."""
        assert "archive" in provider.capabilities().abilities
        job = history(provider, Archive.JOBS)[ended.run_id]
        assert json.loads(job.raw) == job.fields
        assert job.raw.count(b"\n") == 0
        assert job.fields["fine_tuned_model"] == ended.model_name
        log = history(provider, Archive.EVENTS, ended.run_id)
        assert list(log) == [event.event_id for event in provider.events(ended.run_id)]
        saved = [one.checkpoint_id for one in provider.checkpoints(ended.run_id)]
        assert list(history(provider, Archive.CHECKPOINTS, ended.run_id)) == saved
        named = {*ended.result_file_ids, ended.training_file_id}
        assert named <= history(provider, Archive.FILES).keys()
        assert ended.model_name in history(provider, Archive.MODELS)
        with pytest.raises(NotFound):
            history(provider, Archive.EVENTS, "ftjob-nowhere")

    def look_at_answers(self, provider: Provider, model: str) -> None:
        """An answer and the same in pieces, both with OpenAI's shape at hand."""
        question = ChatRequest(
            model=model,
            messages=({"role": "user", "content": "Is 4 even?"},),
            temperature=0.0,
            max_tokens=8,
            seed=1,
        )
        answer = provider.answer(question)
        assert answer.raw["object"] == "chat.completion"
        assert answer.raw["choices"][0]["message"]["content"] == answer.text
        assert answer.finish_reason in {"stop", "length"}
        assert answer.prompt_tokens
        deltas = asyncio.run(collect(provider, question))
        assert "".join(delta.text for delta in deltas) == answer.text
        assert deltas[-1].raw["object"] == "chat.completion.chunk"
        assert [d.finish_reason for d in deltas if d.finish_reason] == [answer.finish_reason]

    def test_an_unknown_model_does_not_answer(self, provider: Provider):
        question = ChatRequest("no-such-model", ({"role": "user", "content": "Hello"},))

        with pytest.raises(RequestRejected):
            provider.answer(question)
        with pytest.raises(RequestRejected):
            asyncio.run(collect(provider, question))

    def test_a_run_can_be_cancelled_and_twice_is_no_error(
        self, world: World, provider: Provider, order: RunRequest
    ):
        run = started(provider, world.hold(order))

        provider.cancel(run.run_id)
        world.finish(run.run_id)

        assert provider.report(run.run_id).status is RunStatus.CANCELLED
        assert provider.cancel(run.run_id).status is RunStatus.CANCELLED

    def test_a_file_that_is_not_there_is_not_downloaded(self, provider: Provider):
        with pytest.raises(ProviderError):
            list(provider.download("file-nowhere"))


def upload(provider: Provider, path: Path, name: str) -> FileRef:
    """Send a file, part by part where there are parts."""
    part = FilePart(path, name, path.stat().st_size)
    state = provider.upload(part)
    while state.file is None:
        state = provider.upload(FilePart(path, name, part.size, state=state))
    return state.file


def started(provider: Provider, order: RunRequest) -> RunReport:
    """The run of a start that must succeed."""
    outcome = provider.start_run(order)
    assert isinstance(outcome, Started), outcome
    assert re.fullmatch(r"[A-Za-z0-9._:-]+", outcome.run.run_id)
    return outcome.run


def change(order: RunRequest, **fields: object) -> RunRequest:
    return replace(order, **fields)


def again(order: RunRequest) -> RunRequest:
    """The same order as another start."""
    return change(order, op_key=uuid.uuid4().hex)


def history(provider: Provider, archive: Archive, *parents: str) -> dict[str, Archived]:
    """A whole list of a history, in its order."""
    assert isinstance(provider, Archives)
    found, page = {}, provider.archived(archive, parents)
    found.update({one.object_id: one for one in page.items})
    while page.cursor is not None:
        page = provider.archived(archive, parents, cursor=page.cursor)
        found.update({one.object_id: one for one in page.items})
    return found


async def collect(provider: Provider, question: ChatRequest) -> list[ChatDelta]:
    """Every piece of a streamed answer."""
    async with aclosing(provider.stream(question)) as deltas:
        return [delta async for delta in deltas]
