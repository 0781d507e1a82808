"""One call of every method the official SDK has about what the trainer serves, by its name.

`ANSWERED` is answered as OpenAI answers it, `REFUSED` cannot be here and says so.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import openai
from openai._resource import SyncAPIResource
from openai.types.fine_tuning import FineTuningJob

from tests.graders.making import multi, string_check
from tests.trainer.conftest import (
    BASE,
    KEY,
    Row,
    Trainer,
    ended,
    intent_rows,
    jsonl,
    start_run,
    upload,
)
from tests.trainer.receiver import Receiver
from tests.waiting import eventually

AREAS = ("files", "uploads", "fine_tuning", "models", "webhooks", "chat", "moderations")
ROWS = jsonl(intent_rows(12))
WORDS: Any = [{"role": "user", "content": "I lost my card"}]


@dataclass
class Caller:
    """Somebody with the SDK, a finished run, a place for webhooks, and notes of every answer."""

    client: openai.OpenAI
    finished: FineTuningJob
    receiver: Receiver
    answers: list[httpx2.Response] = field(default_factory=list)

    @property
    def asked(self) -> Any:
        """A question to the tuned model."""
        return {"model": self.finished.fine_tuned_model, "messages": WORDS, "temperature": 0}

    def file(self) -> str:
        """The id of a new file."""
        return self.client.files.create(file=("rows.jsonl", ROWS), purpose="fine-tune").id

    def upload(self) -> str:
        """The id of a new upload."""
        asked: Any = {"filename": "a.jsonl", "mime_type": "text/jsonl", "purpose": "fine-tune"}
        return self.client.uploads.create(bytes=len(ROWS), **asked).id

    def part(self, upload_id: str) -> str:
        """The id of its only part."""
        return self.client.uploads.parts.create(upload_id, data=ROWS).id

    def running(self) -> str:
        """The id of a run that trains, long enough to be disturbed."""
        run = start_run(self.client, intent_rows(2_000), n_epochs=50, batch_size=1)
        self.wait(run.id, "running")
        return run.id

    def paused(self) -> str:
        """The id of a run that is paused."""
        run_id = self.running()
        self.client.fine_tuning.jobs.pause(run_id)
        self.wait(run_id, "paused")
        return run_id

    def wait(self, run_id: str, status: str) -> None:
        """Until the run has this status."""
        look = self.client.fine_tuning.jobs.retrieve
        eventually(lambda: look(run_id).status == status, within=60)

    def model(self) -> str:
        """The name of a new tuned model."""
        run = start_run(self.client, ROWS, n_epochs=1)
        self.wait(run.id, "succeeded")
        return self.client.fine_tuning.jobs.retrieve(run.id).fine_tuned_model or ""

    def endpoint(self, path: str = "/hook") -> Any:
        """A new webhook endpoint."""
        kinds: Any = ["fine_tuning.job.succeeded"]
        return self.client.webhooks.create(
            name="ours", url=self.receiver.url(path), event_types=kinds
        )

    def delivered(self) -> dict[str, Any]:
        """What arrived of a test, as `unwrap` takes it."""
        endpoint = self.endpoint("/unwrap")
        self.client.webhooks.test(endpoint.id, event_type="fine_tuning.job.succeeded")
        came = self.receiver.at("/unwrap")[-1]
        return {
            "payload": came.body.decode(),
            "headers": came.headers,
            "secret": endpoint.signing_secret,
        }


@contextmanager
def serving(home: Path, receiver: Receiver) -> Iterator[Trainer]:
    """A trainer that may call the receiver."""
    more = {"LUTHIER_ALLOW_HOSTS": receiver.host, "LUTHIER_TRAINER_AT_ONCE": "4"}
    trainer = Trainer(home=home, more=more)
    with closing(trainer):
        trainer.start()
        yield trainer


def finished_run(trainer: Trainer) -> FineTuningJob:
    """A short run with everything a run can have."""
    client = trainer.client()
    more: Any = {"suffix": "intents", "metadata": {"luthier_job": "1"}, "n_epochs": 4}
    run = start_run(client, intent_rows(200), valid=intent_rows(60, seed=9), **more)
    return ended(client, run.id)


@contextmanager
def calling(base_url: str, finished: FineTuningJob, receiver: Receiver) -> Iterator[Caller]:
    """Somebody who calls the trainer, or a proxy in front of it."""
    answers: list[httpx2.Response] = []

    def note(answer: httpx2.Response) -> None:
        answer.read()
        answers.append(answer)

    with openai.OpenAI(
        base_url=base_url,
        api_key=KEY,
        admin_api_key=KEY,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(event_hooks={"response": [note]}),
    ) as client:
        yield Caller(client, finished, receiver, answers)


def methods() -> set[str]:
    """Every public method of the SDK in these areas, as `files.create`.

    The asynchronous client has the same under the same names and sends the same.
    """
    with openai.OpenAI(base_url="http://127.0.0.1:1", api_key=KEY) as client:
        return {name for area in AREAS for name in _methods(area, getattr(client, area))}


def _methods(name: str, resource: SyncAPIResource) -> Iterator[str]:
    for inner in dir(type(resource)):
        if inner.startswith(("_", "with_")):
            continue
        value = inspect.getattr_static(type(resource), inner)
        if inspect.isfunction(value):
            yield f"{name}.{inner}"
        else:
            yield from _methods(f"{name}.{inner}", getattr(resource, inner))


def _streamed(c: Caller) -> list[Any]:
    with c.client.chat.completions.stream(**c.asked) as events:
        return [event.chunk for event in events if event.type == "chunk"]


def _old(call: Callable[[], Any]) -> Any:
    """What the SDK calls deprecated and still has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return call()


def _chunked(c: Caller) -> Any:
    asked: Any = {"filename": "a.jsonl", "mime_type": "text/jsonl", "purpose": "fine-tune"}
    return c.client.uploads.upload_file_chunked(file=ROWS, bytes=len(ROWS), part_size=200, **asked)


def _complete(c: Caller) -> Any:
    upload_id = c.upload()
    return c.client.uploads.complete(upload_id, part_ids=[c.part(upload_id)])


def _shared(c: Caller) -> Any:
    name = c.finished.fine_tuned_model or ""
    return c.client.fine_tuning.checkpoints.permissions.create(name, project_ids=["proj_a"])


def _unshared(c: Caller) -> Any:
    return c.client.fine_tuning.checkpoints.permissions.delete(
        "cp_a", fine_tuned_model_checkpoint=c.finished.fine_tuned_model or ""
    )


def _grader(c: Caller) -> Any:
    grader: Any = string_check()
    return c.client.fine_tuning.alpha.graders.run(
        grader=grader, item={"answer": "a"}, model_sample="a"
    )


JOBS: dict[str, Callable[[Caller], Any]] = {
    "create": lambda c: c.client.fine_tuning.jobs.create(model=BASE, training_file=c.file()),
    "retrieve": lambda c: c.client.fine_tuning.jobs.retrieve(c.finished.id),
    "list": lambda c: c.client.fine_tuning.jobs.list(limit=2, metadata={"luthier_job": "1"}),
    "list_events": lambda c: c.client.fine_tuning.jobs.list_events(c.finished.id),
    "checkpoints.list": lambda c: c.client.fine_tuning.jobs.checkpoints.list(c.finished.id),
    "cancel": lambda c: c.client.fine_tuning.jobs.cancel(c.running()),
    "pause": lambda c: c.client.fine_tuning.jobs.pause(c.running()),
    "resume": lambda c: c.client.fine_tuning.jobs.resume(c.paused()),
}


def _learned(c: Caller, kind: str, rows: list[Row], **more: Any) -> Any:
    """A run by another method to its end, and all that is told of it."""
    jobs = c.client.fine_tuning.jobs
    files = {name: upload(c.client, rows) for name in ("training_file", "validation_file")}
    method: Any = {"type": kind, kind: {"hyperparameters": {"n_epochs": 1}, **more}}
    run = ended(c.client, jobs.create(model=BASE, method=method, **files).id)
    assert run.status == "succeeded", run.error
    jobs.checkpoints.list(run.id)
    return jobs.list_events(run.id)


def _preferring(c: Caller) -> Any:
    pairs = [
        {
            "input": {"messages": row["messages"][:2]},
            "preferred_output": [row["messages"][2]],
            "non_preferred_output": [{"role": "assistant", "content": "no idea"}],
        }
        for row in intent_rows(12)
    ]
    return _learned(c, "dpo", pairs)


def _rewarded(c: Caller) -> Any:
    rows = [
        {"messages": row["messages"][:2], "answer": row["messages"][2]["content"]}
        for row in intent_rows(12)
    ]
    # In the form that OpenAI's specification and SDK know; test_graders.py has that of its guide.
    grader = {**multi("same"), "graders": string_check()}
    return _learned(c, "reinforcement", rows, grader=grader)


SHARING = "fine_tuning.checkpoints.permissions"
ANSWERED: dict[str, Callable[[Caller], Any]] = {
    "files.create": lambda c: c.client.files.create(file=("a.jsonl", ROWS), purpose="fine-tune"),
    "files.retrieve": lambda c: c.client.files.retrieve(c.file()),
    "files.list": lambda c: c.client.files.list(limit=3, order="asc", purpose="fine-tune"),
    "files.content": lambda c: c.client.files.content(c.file()),
    "files.retrieve_content": lambda c: _old(lambda: c.client.files.retrieve_content(c.file())),
    "files.wait_for_processing": lambda c: c.client.files.wait_for_processing(c.file()),
    "files.delete": lambda c: c.client.files.delete(c.file()),
    "uploads.create": lambda c: c.client.uploads.create(
        bytes=5, filename="a.jsonl", mime_type="text/jsonl", purpose="fine-tune"
    ),
    "uploads.parts.create": lambda c: c.client.uploads.parts.create(c.upload(), data=ROWS),
    "uploads.complete": _complete,
    "uploads.cancel": lambda c: c.client.uploads.cancel(c.upload()),
    "uploads.upload_file_chunked": _chunked,
    **{f"fine_tuning.jobs.{name}": call for name, call in JOBS.items()},
    f"{SHARING}.list": lambda c: c.client.fine_tuning.checkpoints.permissions.list(
        c.finished.fine_tuned_model or ""
    ),
    f"{SHARING}.retrieve": lambda c: _old(
        lambda: c.client.fine_tuning.checkpoints.permissions.retrieve(
            c.finished.fine_tuned_model or ""
        )
    ),
    "fine_tuning.alpha.graders.validate": lambda c: c.client.fine_tuning.alpha.graders.validate(
        grader=string_check()  # type: ignore[arg-type]
    ),
    "fine_tuning.alpha.graders.run": _grader,
    "models.list": lambda c: c.client.models.list(),
    "models.retrieve": lambda c: c.client.models.retrieve(c.finished.fine_tuned_model or ""),
    "models.delete": lambda c: c.client.models.delete(c.model()),
    "webhooks.create": lambda c: c.endpoint(),
    "webhooks.retrieve": lambda c: c.client.webhooks.retrieve(c.endpoint().id),
    "webhooks.list": lambda c: c.endpoint() and c.client.webhooks.list(),
    "webhooks.update": lambda c: c.client.webhooks.update(c.endpoint().id, name="theirs"),
    "webhooks.rotate_secret": lambda c: c.client.webhooks.rotate_secret(c.endpoint().id),
    "webhooks.delete": lambda c: c.client.webhooks.delete(c.endpoint().id),
    "webhooks.test": lambda c: c.client.webhooks.test(
        c.endpoint().id, event_type="fine_tuning.job.succeeded"
    ),
    "webhooks.event_types.list": lambda c: c.client.webhooks.event_types.list(),
    "webhooks.unwrap": lambda c: c.client.webhooks.unwrap(**c.delivered()),
    "webhooks.verify_signature": lambda c: c.client.webhooks.verify_signature(**c.delivered()),
    "chat.completions.create": lambda c: c.client.chat.completions.create(**c.asked, logprobs=True),
    "chat.completions.parse": lambda c: c.client.chat.completions.parse(**c.asked),
    "chat.completions.stream": _streamed,
}
# The same methods of the SDK with what else they take.
BESIDES: dict[str, Callable[[Caller], Any]] = {
    "fine_tuning.jobs.create by dpo": _preferring,
    "fine_tuning.jobs.create by reinforcement": _rewarded,
}
REFUSED: dict[str, tuple[Callable[[Caller], Any], str]] = {
    f"{SHARING}.create": (_shared, "no project to share"),
    f"{SHARING}.delete": (_unshared, "No such permission"),
    "moderations.create": (lambda c: c.client.moderations.create(input="a"), "moderated"),
    "chat.completions.retrieve": (lambda c: c.client.chat.completions.retrieve("a"), "not stored"),
    "chat.completions.list": (lambda c: c.client.chat.completions.list(), "not stored"),
    "chat.completions.update": (
        lambda c: c.client.chat.completions.update("a", metadata={}),
        "not stored",
    ),
    "chat.completions.delete": (lambda c: c.client.chat.completions.delete("a"), "not stored"),
    "chat.completions.messages.list": (
        lambda c: c.client.chat.completions.messages.list("a"),
        "not stored",
    ),
}
