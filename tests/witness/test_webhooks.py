"""What the witness sends by webhook is what the SDK's own verifier accepts."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest

from tests.waiting import eventually
from tests.witness.webhooks import ENDS

TYPES = [*ENDS.values()]


@pytest.fixture
def receiver():
    """A server that keeps what it is sent, and answers as `statuses` say, then 200."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.got.append((headers, body))
            self.send_response(server.statuses.pop(0) if server.statuses else 200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.statuses = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/hooks"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def endpoint(client, receiver):
    return client.webhooks.create(name="Luthier", url=receiver.url, event_types=TYPES)


@pytest.fixture
def run(witness, client):
    file = client.files.create(file=("rows.jsonl", b"{}\n" * 10), purpose="fine-tune")
    return client.fine_tuning.jobs.create(model="gpt-4o-mini-2024-07-18", training_file=file.id)


def test_the_end_of_a_run_is_told_once_and_signed(witness, client, receiver, endpoint, run):
    witness.change_run(run.id, status="running")
    witness.change_run(run.id, status="succeeded")
    witness.change_run(run.id, status="succeeded")

    (told,) = eventually(lambda: [one for one in witness.webhooks if one["is_over"]])
    ((headers, body),) = receiver.got
    event = client.webhooks.unwrap(body, headers, secret=endpoint.signing_secret)
    assert (event.type, event.data.id) == ("fine_tuning.job.succeeded", run.id)
    assert (told["answers"], told["id"]) == ([200], headers["webhook-id"])


def test_messages_are_lost_doubled_late_and_sent_again(witness, client, receiver, endpoint, run):
    receiver.statuses = [500]
    witness.plan_webhooks("lost", "twice", 0.5)
    for kind in TYPES:
        witness.change_run(run.id, status="running")
        witness.change_run(run.id, status=kind.rpartition(".")[2])
    eventually(lambda: [one["how"] for one in witness.webhooks if one["is_over"]] != ["lost"])
    eventually(lambda: all(one["is_over"] for one in witness.webhooks))

    kinds = [json.loads(body)["type"] for _, body in receiver.got]
    assert kinds.count("fine_tuning.job.succeeded") == 0
    assert kinds.count("fine_tuning.job.failed") == 3, "twice, and once again after a 500"
    assert kinds.count("fine_tuning.job.cancelled") == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2


def test_an_endpoint_is_listed_changed_rotated_and_deleted(witness, client, receiver, endpoint):
    assert [one.id for one in client.webhooks.list()] == [endpoint.id]
    assert client.webhooks.event_types.list().data == TYPES
    renamed = client.webhooks.update(endpoint.id, name="Another")
    assert (renamed.name, renamed.url) == ("Another", receiver.url)
    assert not hasattr(renamed, "signing_secret")
    new = client.webhooks.rotate_secret(endpoint.id, keep_old_secret_active_for_24_hours=True)
    assert new.signing_secret != endpoint.signing_secret
    client.webhooks.test(endpoint.id, event_type=TYPES[0])
    for secret in (new.signing_secret, endpoint.signing_secret):
        client.webhooks.unwrap(receiver.got[0][1], receiver.got[0][0], secret=secret)
    client.webhooks.rotate_secret(endpoint.id)
    client.webhooks.test(endpoint.id, event_type=TYPES[0])
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(
            receiver.got[1][1], receiver.got[1][0], secret=endpoint.signing_secret
        )
    assert client.webhooks.delete(endpoint.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.webhooks.retrieve(endpoint.id)
    with pytest.raises(openai.BadRequestError, match="HTTPS"):
        client.webhooks.create(name="x", url="http://example.com/", event_types=TYPES)
