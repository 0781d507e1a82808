"""Whatever is thrown at the trainer, it answers in OpenAI's shape, never by a 500, and lives on."""

import copy
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from app.trainer.server import ROUTES
from tests.graders.making import multi, score_model
from tests.trainer.conftest import BASE, KEY, Trainer, ended, intent_rows, upload

HOOK: Any = {
    "name": "ours",
    "url": "http://127.0.0.1:9/hook",
    "event_types": ["fine_tuning.job.succeeded"],
}
Json = Any
Step = str | int

PLACES = sorted(
    (method, route.path)
    for route in ROUTES
    if isinstance(route, Route)
    for method in (route.methods or set()) - {"HEAD"}
)
NO_FILE = "file-of-nobody"


def job(kind: str, **more: Json) -> Json:
    """An order for a run by this method."""
    numbers = {"n_epochs": 2, "batch_size": "auto", "learning_rate_multiplier": 1}
    return {
        "model": BASE,
        "training_file": NO_FILE,
        "validation_file": NO_FILE,
        "suffix": "words",
        "seed": 5,
        "metadata": {"a": "b"},
        "method": {"type": kind, kind: {"hyperparameters": numbers, **more}},
    }


# What each address takes, as it would be right but for files and models that are not there.
RIGHT: list[tuple[str, Json]] = [
    ("/v1/fine_tuning/jobs", job("supervised")),
    ("/v1/fine_tuning/jobs", job("dpo")),
    ("/v1/fine_tuning/jobs", job("reinforcement", grader=multi())),
    (
        "/v1/chat/completions",
        {
            "model": BASE,
            "messages": [{"role": "user", "content": "words"}],
            "max_tokens": 2,
            "temperature": 0.5,
            "top_p": 0.5,
            "n": 1,
            "seed": 1,
            "stop": ["\n"],
            "stream": False,
            "logprobs": True,
            "top_logprobs": 1,
        },
    ),
    ("/v1/fine_tuning/alpha/graders/validate", {"grader": score_model()}),
    (
        "/v1/fine_tuning/alpha/graders/run",
        {"grader": multi(), "item": {"answer": "a"}, "model_sample": "b"},
    ),
    (
        "/v1/uploads",
        {
            "bytes": 10,
            "filename": "rows.jsonl",
            "mime_type": "text/jsonl",
            "purpose": "fine-tune",
        },
    ),
    ("/v1/uploads/{upload_id}/complete", {"part_ids": ["part_a"], "md5": "0" * 32}),
    (
        "/v1/fine_tuning/checkpoints/{checkpoint:path}/permissions",
        {"project_ids": ["proj_a"]},
    ),
    ("/v1/webhook_endpoints", HOOK),
    ("/v1/webhook_endpoints/{endpoint_id}", {"name": "theirs", "event_types": []}),
    (
        "/v1/webhook_endpoints/{endpoint_id}/rotate_secret",
        {"keep_old_secret_active_for_24_hours": True},
    ),
    (
        "/v1/webhook_endpoints/{endpoint_id}/test",
        {"event_type": "fine_tuning.job.succeeded"},
    ),
]
FIELDS = sorted({name for _, body in RIGHT for name in body} | {"after", "limit", "order"})

words = st.text(max_size=20) | st.sampled_from(
    [
        "",
        "..",
        "../../spec.json",
        "\0",
        "ftjob-x",
        "file-x",
        "null",
        "-1",
        "1e9",
        "9" * 30,
        "x" * 5000,
    ]
)
values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | words, inner, max_size=4)
    ),
    max_leaves=8,
)


@dataclass(frozen=True)
class Asked:
    """A trainer and, by the place of a path, the ids of what it has."""

    client: httpx2.Client
    ids: dict[str, str]

    def path(self, template: str, data: st.DataObject) -> str:
        """The path with something in its places, now and then what is there."""
        parts = template.split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                there = self.ids.get(part, "x")
                parts[place] = quote(data.draw(st.just(there) | words) or "x", safe="")
        return "/".join(parts)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A trainer of this module alone, asked by someone who has its key."""
    more = {"LUTHIER_ALLOW_HOSTS": "127.0.0.1:9"}
    trainer = Trainer(home=tmp_path_factory.mktemp("wrong") / "home", more=more)
    trainer.start()
    client = httpx2.Client(
        base_url=f"http://127.0.0.1:{trainer.port}",
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=60,
    )
    with closing(trainer), client:
        yield Asked(client, existing(trainer))
        assert trainer.is_healthy()
        assert trainer.process is not None
        assert trainer.process.poll() is None


def existing(trainer: Trainer) -> dict[str, str]:
    """One of each of what has an id."""
    client = trainer.client()
    file_id = upload(client, intent_rows(1))
    failed = client.fine_tuning.jobs.create(model=BASE, training_file=file_id)
    begun: Any = {"filename": "a.jsonl", "mime_type": "text/jsonl", "purpose": "fine-tune"}
    return {
        "{file_id}": file_id,
        "{job_id}": ended(client, failed.id).id,
        "{upload_id}": client.uploads.create(bytes=10, **begun).id,
        "{model:path}": BASE,
        "{endpoint_id}": client.webhooks.create(**HOOK).id,
    }


def many(tries: int) -> settings:
    """The same tries every time: what fails once fails again."""
    return settings(max_examples=tries, deadline=None, database=None, derandomize=True)


@many(150)
@given(st.data())
def test_any_request_is_answered_or_refused(asked: Asked, data: st.DataObject):
    method, path = data.draw(st.sampled_from(PLACES))
    if data.draw(st.integers(0, 9)) == 0:
        method = data.draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
    body = data.draw(bodies(path))
    query = data.draw(st.dictionaries(st.sampled_from(FIELDS) | words, words, max_size=3))

    answer = asked.client.request(method, asked.path(path, data), params=query, **body)

    assert answer.status_code < 300 or is_refusal(answer), answer.text


@many(150)
@given(st.data())
def test_a_field_of_another_kind_is_refused(asked: Asked, data: st.DataObject):
    path, right = data.draw(st.sampled_from(RIGHT))
    body = copy.deepcopy(right)
    # Else a file that is not there would be reason enough.
    body |= {name: asked.ids["{file_id}"] for name in body if body[name] == NO_FILE}
    place = data.draw(st.sampled_from(leaves(body)))
    was = at(body, place)
    wrong = data.draw(values.filter(lambda value: kind(value) not in {kind(was), "null"}))
    if is_tolerated(place, wrong):
        return
    put(body, place, wrong)

    answer = asked.client.post(asked.path(path, data), json=body)

    assert is_refusal(answer), (place, wrong, answer.text)


@many(60)
@given(st.data())
def test_a_body_that_is_no_json_is_refused(asked: Asked, data: st.DataObject):
    path, _ = data.draw(st.sampled_from(RIGHT))
    content = data.draw(
        st.binary(min_size=1, max_size=50)
        | st.sampled_from([b"{", b"[" * 50_000, b'{"a": 1e999}', b'"\xff"'])
    )

    answer = asked.client.post(asked.path(path, data), content=content)

    assert is_refusal(answer), answer.text


@many(60)
@given(st.data())
def test_a_form_that_is_torn_is_refused_or_received(asked: Asked, data: st.DataObject):
    path = data.draw(st.sampled_from(["/v1/files", "/v1/uploads/upload_x/parts"]))
    name = data.draw(
        st.sampled_from(["file", "data", "purpose", "expires_after[seconds]", '"', ""])
    )
    more = data.draw(st.sampled_from(['; filename="rows.jsonl"', "; filename", "", ';;"', "\r\n"]))
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
    inner = data.draw(st.binary(max_size=40))
    end = data.draw(st.sampled_from([b"\r\n--edge--\r\n", b"\r\n--edge", b"", b"\r\n--other--"]))
    kind = data.draw(
        st.sampled_from(
            ["multipart/form-data; boundary=edge", "multipart/form-data", "text/plain", "", "é/;="]
        )
    )

    answer = asked.client.post(
        path, content=head + inner + end, headers={"Content-Type": kind.encode()}
    )

    assert answer.status_code < 300 or is_refusal(answer), answer.text


def bodies(path: str) -> st.SearchStrategy[dict[str, Any]]:
    """Some content: none, bytes, any JSON, or what is right there with one thing changed."""
    some = [
        st.just({}),
        st.binary(max_size=60).map(lambda content: {"content": content}),
        values.map(lambda value: {"json": value}),
    ]
    for place, right in RIGHT:
        if place == path:
            some.append(changed(right).map(lambda value: {"json": value}))
    return st.one_of(some)


@st.composite
def changed(draw: st.DrawFn, right: Json) -> Json:
    """One value, however deep, replaced by any other."""
    body = copy.deepcopy(right)
    put(body, draw(st.sampled_from(leaves(body))), draw(values))
    return body


def is_refusal(answer: httpx2.Response) -> bool:
    """Whether it is a 4xx in OpenAI's shape, with words in it."""
    if not 400 <= answer.status_code < 500:
        return False
    error = answer.json()["error"]
    return set(error) == {"message", "type", "param", "code"} and bool(error["message"])


def is_tolerated(place: tuple[Step, ...], value: Json) -> bool:
    """Fields that take more than one kind of value."""
    if place[0] == "item":
        return len(place) > 1
    if "content" in place[-2:]:
        return isinstance(value, str | list | dict)
    match place[-1]:
        case "stop" | "n_epochs" | "batch_size" | "learning_rate_multiplier":
            return isinstance(value, str | int)
    return False


def kind(value: Json) -> str:
    """The JSON kind of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def leaves(body: Json, above: tuple[Step, ...] = ()) -> list[tuple[Step, ...]]:
    """The way to every value, objects and lists among them."""
    inner = (
        body.items()
        if isinstance(body, dict)
        else enumerate(body)
        if isinstance(body, list)
        else ()
    )
    return [
        way for step, value in inner for way in [(*above, step), *leaves(value, (*above, step))]
    ]


def at(body: Json, place: tuple[Step, ...]) -> Json:
    for step in place:
        body = body[step]
    return body


def put(body: Json, place: tuple[Step, ...], value: Json) -> None:
    at(body, place[:-1])[place[-1]] = value
