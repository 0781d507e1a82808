"""Whoever asked is told that a run has ended: signed, once, whatever dies or hangs in between."""

import signal
import stat
import time
from itertools import pairwise

import openai
import pytest
from openai.types.webhooks import (
    DeletedWebhookEndpoint,
    WebhookEndpoint,
    WebhookEndpointTestResult,
    WebhookEndpointWithSecret,
)
from openai.types.webhooks.webhook_endpoint_list import WebhookEndpointList
from openai.types.webhooks.webhook_event_type_list import WebhookEventTypeList

from app.trainer.courier import GIVE_UP_SECONDS, LONGEST_WAIT_SECONDS, pause_after
from app.trainer.outbox import MOST_ENDPOINTS, End, Outbox
from app.trainer.webhooks import new_endpoint
from tests.trainer.conftest import BASE, Trainer, ended, intent_rows, start_run, upload
from tests.trainer.receiver import Receiver
from tests.trainer.shapes import raw, strictly
from tests.waiting import eventually

SUCCEEDED, FAILED, CANCELLED = (
    f"fine_tuning.job.{status}" for status in ("succeeded", "failed", "cancelled")
)
ALL = [SUCCEEDED, FAILED, CANCELLED]
HASTE = "20"


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def telling(receiver: Receiver, home, **more) -> Trainer:
    """A trainer that may call the receiver and tries again soon."""
    allowed = {"LUTHIER_ALLOW_HOSTS": receiver.host, "LUTHIER_WAIT_DIVISOR": HASTE}
    return Trainer(home=home, more={**allowed, **more.pop("more", {})}, **more)


@pytest.fixture(scope="module")
def shared(receiver: Receiver, tmp_path_factory):
    trainer = telling(receiver, tmp_path_factory.mktemp("told") / "home")
    trainer.start()
    yield trainer
    trainer.close()


@pytest.fixture
def client(shared: Trainer):
    """Of the trainer that the tests share; what one of them was told of is not told in another."""
    client = shared.client()
    yield client
    for endpoint in client.webhooks.list():
        client.webhooks.delete(endpoint.id)


@pytest.fixture
def path(request) -> str:
    """An address of this test alone."""
    return f"/{request.node.name}"


@pytest.fixture
def make_telling(receiver: Receiver, tmp_path):
    """Trainers of one test alone."""
    made: list[Trainer] = []

    def make(**more) -> Trainer:
        made.append(telling(receiver, tmp_path / "home", **more))
        made[-1].start()
        return made[-1]

    yield make
    for trainer in made:
        trainer.close()


def add(client: openai.OpenAI, receiver: Receiver, path: str, types=None):
    return client.webhooks.create(
        name=f"at {path}", url=receiver.url(path), event_types=types or ALL
    )


def quick_run(client: openai.OpenAI):
    return start_run(client, intent_rows(12), n_epochs=1)


def unwrapped(client: openai.OpenAI, one, secret: str):
    return client.webhooks.unwrap(one.body, one.headers, secret=secret)


def test_endpoints_are_managed_by_the_sdk(client: openai.OpenAI):
    made = client.webhooks.create(
        name="ours", url="https://hooks.example.com/luthier?team=1", event_types=[SUCCEEDED]
    )
    strictly(WebhookEndpointWithSecret, made.to_dict())
    assert made.signing_secret.startswith("whsec_")
    assert made.signing_secret_hint.endswith(made.signing_secret[-4:])

    seen = raw(client, f"/webhook_endpoints/{made.id}")
    strictly(WebhookEndpoint, seen)
    assert "signing_secret" not in seen

    changed = client.webhooks.update(made.id, name="theirs", event_types=[FAILED, SUCCEEDED])
    assert (changed.name, changed.event_types) == ("theirs", [FAILED, SUCCEEDED])
    assert changed.url == made.url
    assert client.webhooks.retrieve(made.id) == changed

    other = client.webhooks.create(name="b", url="https://example.com/", event_types=ALL)
    listed = raw(client, "/webhook_endpoints?limit=1")
    strictly(WebhookEndpointList, listed)
    assert [endpoint["id"] for endpoint in listed["data"]] == [other.id]
    assert [endpoint.id for endpoint in client.webhooks.list(limit=1)] == [other.id, made.id]

    for endpoint in (made, other):
        strictly(DeletedWebhookEndpoint, client.webhooks.delete(endpoint.id).to_dict())
    assert not list(client.webhooks.list())
    with pytest.raises(openai.NotFoundError):
        client.webhooks.retrieve(made.id)


def test_the_types_of_events_are_told(client: openai.OpenAI):
    strictly(WebhookEventTypeList, raw(client, "/webhook_event_types"))
    assert client.webhooks.event_types.list().data == ALL


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"url": None}, "url"),
        ({"url": 5}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "http://example.com/"}, "url"),
        ({"url": "https://example.com/?a b"}, "url"),
        ({"url": "https://me:secret@example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "http://10.0.0.1:8080/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"event_types": []}, "event_types"),
        ({"event_types": "all"}, "event_types"),
        ({"event_types": ["batch.completed"]}, "event_types[0]"),
        ({"event_types": [5]}, "event_types[0]"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_a_wrong_endpoint_is_refused(client: openai.OpenAI, change, param):
    asked = {"name": "a", "url": "https://example.com/", "event_types": ALL, **change}

    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/webhook_endpoints", body=asked, cast_to=object)

    assert refused.value.param == param


def test_how_a_run_ended_is_told_signed_and_once(client, receiver: Receiver, path: str):
    everything = add(client, receiver, path)
    add(client, receiver, f"{path}/failures", [FAILED])

    good = ended(client, quick_run(client).id)
    too_small = upload(client, intent_rows(2))
    bad = ended(client, client.fine_tuning.jobs.create(model=BASE, training_file=too_small).id)
    unwanted = start_run(client, intent_rows(500), n_epochs=50)
    client.fine_tuning.jobs.cancel(unwanted.id)
    unwanted = ended(client, unwanted.id)

    told = eventually(receiver.arrived(path, 3), within=20)
    events = [unwrapped(client, one, everything.signing_secret) for one in told]
    assert {(event.type, event.data.id, event.created_at) for event in events} == {
        (f"fine_tuning.job.{run.status}", run.id, run.finished_at) for run in (good, bad, unwanted)
    }
    for event in events:
        strictly(type(event), event.to_dict())
    (failure,) = eventually(receiver.arrived(f"{path}/failures"), within=20)
    assert failure.headers["content-type"] == "application/json"
    assert len({one.id for one in [*told, failure]}) == 4
    with pytest.raises(openai.InvalidWebhookSignatureError):
        unwrapped(client, failure, everything.signing_secret)


def test_a_rotated_secret_leaves_the_old_one_a_day_where_that_is_asked(
    client, receiver: Receiver, path: str
):
    made = add(client, receiver, path)

    second = client.webhooks.rotate_secret(made.id, keep_old_secret_active_for_24_hours=True)
    client.webhooks.test(made.id, event_type=SUCCEEDED)
    third = client.webhooks.rotate_secret(made.id)
    client.webhooks.test(made.id, event_type=SUCCEEDED)

    strictly(WebhookEndpointWithSecret, second.to_dict())
    kept, alone = receiver.at(path)
    for secret in (made.signing_secret, second.signing_secret):
        client.webhooks.verify_signature(kept.body, kept.headers, secret=secret)
    client.webhooks.verify_signature(alone.body, alone.headers, secret=third.signing_secret)
    for secret in (made.signing_secret, second.signing_secret):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.verify_signature(alone.body, alone.headers, secret=secret)


def test_a_test_event_tells_what_the_receiver_answered(client, receiver: Receiver, path: str):
    made = add(client, receiver, path)
    receiver.answers[path] = [503]

    for status in (503, 200):
        told = client.webhooks.test(made.id, event_type=CANCELLED)
        strictly(WebhookEndpointTestResult, told.to_dict())
        assert (told.status_code, told.event_type) == (status, CANCELLED)

    event = unwrapped(client, receiver.at(path)[0], made.signing_secret)
    assert (event.type, event.data.id) == (CANCELLED, "ftjob-sample")


def test_an_event_that_is_not_taken_comes_again_under_the_same_id(
    client, receiver: Receiver, path: str
):
    made = add(client, receiver, path)
    receiver.answers[path] = [500, 302, 404]

    quick_run(client)

    attempts = eventually(receiver.arrived(path, 4), within=30)
    assert len({(one.id, one.body) for one in attempts}) == 1
    for one in attempts:
        unwrapped(client, one, made.signing_secret)
    # One at a time goes to an endpoint: what comes fifth is another run's event.
    quick_run(client)
    fifth = eventually(receiver.arrived(path, 5), within=20)[4]
    assert fifth.id != attempts[0].id


def test_a_receiver_that_hangs_holds_nobody_else(client, receiver: Receiver, path: str):
    receiver.hung.add(f"{path}/stuck")
    add(client, receiver, f"{path}/stuck")
    add(client, receiver, path)

    for _ in range(2):
        quick_run(client)

    eventually(receiver.arrived(path, 2), within=20)
    eventually(receiver.arrived(f"{path}/stuck"), within=20)


def test_an_endpoint_without_types_is_off_and_what_waited_for_it_is_dropped(
    client, receiver: Receiver, path: str
):
    off = f"{path}/off"
    made = add(client, receiver, off)
    add(client, receiver, path)
    receiver.answers[off] = [500] * 100
    quick_run(client)
    eventually(receiver.arrived(off), within=20)

    client.webhooks.update(made.id, event_types=[])
    quick_run(client)
    eventually(receiver.arrived(path, 2), within=20)
    client.webhooks.update(made.id, event_types=ALL)
    receiver.answers[off].clear()
    last = quick_run(client)

    eventually(lambda: any(last.id.encode() in one.body for one in receiver.at(off)), within=20)
    assert len({one.id for one in receiver.at(off)}) == 2


def test_what_a_killed_server_was_sending_is_sent_again(
    make_telling, receiver: Receiver, path: str
):
    trainer = make_telling()
    made = add(trainer.client(), receiver, path)
    receiver.hung.add(path)
    run = quick_run(trainer.client())
    (first,) = eventually(receiver.arrived(path), within=20)

    trainer.end(signal.SIGKILL)
    receiver.hung.clear()
    trainer.start()

    again = eventually(receiver.arrived(path, 2), within=20)[1]
    assert (again.id, again.body) == (first.id, first.body)
    assert unwrapped(trainer.client(), again, made.signing_secret).data.id == run.id


def test_a_run_that_ends_while_its_server_is_dead_is_told_at_the_next_start(
    make_telling, receiver: Receiver, path: str
):
    trainer = make_telling(is_owned=False)
    made = add(trainer.client(), receiver, path)
    run = start_run(trainer.client(), intent_rows(60), n_epochs=20)
    eventually(lambda: len(trainer.children()) == 1, within=20)

    trainer.end(signal.SIGKILL)
    eventually(lambda: not trainer.children(), within=60)
    assert not receiver.at(path)
    trainer.start()

    (told,) = eventually(receiver.arrived(path), within=20)
    assert unwrapped(trainer.client(), told, made.signing_secret).data.id == run.id


def test_an_address_is_called_only_while_it_is_allowed(make_telling, receiver: Receiver, path: str):
    trainer = make_telling()
    client = trainer.client()
    made = add(client, receiver, path)
    mode = stat.S_IMODE((trainer.home / "webhooks.sqlite").stat().st_mode)
    assert mode == 0o600, "it holds secrets"

    trainer.end()
    del trainer.more["LUTHIER_ALLOW_HOSTS"]
    trainer.start()

    with pytest.raises(openai.BadRequestError, match="private address") as refused:
        client.webhooks.test(made.id, event_type=SUCCEEDED)
    assert refused.value.code == "webhook_not_delivered"
    assert not receiver.at(path)


def test_a_corrected_address_gets_at_once_what_waited(make_telling, receiver: Receiver, path: str):
    client = make_telling(more={"LUTHIER_WAIT_DIVISOR": "0.001"}).client()
    made = add(client, receiver, path)
    receiver.answers[path] = [404]
    run = quick_run(client)
    (first,) = eventually(receiver.arrived(path), within=20)

    def is_corrected() -> bool:
        client.webhooks.update(made.id, url=receiver.url(f"{path}/right"))
        return bool(receiver.at(f"{path}/right"))

    eventually(is_corrected, within=20)
    assert receiver.at(f"{path}/right")[0].id == first.id
    assert run.id.encode() in first.body


def test_pauses_grow_to_hours_and_end_after_three_days():
    pauses = [pause_after(attempts) for attempts in range(40)]

    assert 4 < pauses[0] < 6
    assert all(earlier < later for earlier, later in pairwise(pauses[:8]))
    assert max(pauses) <= LONGEST_WAIT_SECONDS * 1.1
    assert sum(pauses[:9]) < GIVE_UP_SECONDS < sum(pauses)


def test_an_event_is_given_up_after_its_time(make_telling, receiver: Receiver, path: str):
    trainer = make_telling(more={"LUTHIER_WAIT_DIVISOR": "100000"})
    add(trainer.client(), receiver, path)
    receiver.answers[path] = [500] * 1000
    quick_run(trainer.client())
    log = trainer.home.parent / f"{trainer.home.name}.log"

    eventually(lambda: "given up" in log.read_text(), within=30)

    assert len({one.id for one in receiver.at(path)}) == 1
    assert len(receiver.at(path)) > 3


def test_a_run_is_announced_once_and_only_to_who_asked_before(tmp_path):
    outbox = Outbox(tmp_path / "webhooks.sqlite")
    asked = {"name": "a", "url": "https://example.com/", "event_types": [SUCCEEDED]}
    for _ in range(2):
        outbox.add(new_endpoint(asked, 0))
    for _ in range(2):
        outbox.announce([End("ftjob-a", SUCCEEDED, 5), End("ftjob-b", FAILED, 5)])
    outbox.add(new_endpoint(asked, 0))

    letters = outbox.due(time.time() + 1, besides=())

    assert len({letter.id for letter in letters}) == len(letters) == 2
    assert len({letter.body for letter in letters}) == 1
    assert outbox.announced() == {"ftjob-a", "ftjob-b"}
    for letter in letters:
        outbox.done(letter)
    assert outbox.next_due(besides=()) is None


def test_there_is_an_end_to_the_number_of_endpoints(tmp_path):
    outbox = Outbox(tmp_path / "webhooks.sqlite")
    asked = {"name": "a", "url": "https://example.com/", "event_types": [SUCCEEDED]}

    added = [outbox.add(new_endpoint(asked, 0)) for _ in range(MOST_ENDPOINTS + 1)]

    assert added == [True] * MOST_ENDPOINTS + [False]
