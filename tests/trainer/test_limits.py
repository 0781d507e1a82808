"""What is too much is told with the limit, and costs nobody else anything."""

import http.client
import json

import openai
import pytest

from app.trainer.limits import GB, MB, Limits, said
from tests.trainer.conftest import KEY, Trainer, ended, intent_rows, start_run, upload

LIMIT = 2_000_000
SMALL = {
    "LUTHIER_TRAINER_FILE_BYTES": str(LIMIT),
    "LUTHIER_TRAINER_UPLOAD_BYTES": str(3 * LIMIT),
    "LUTHIER_TRAINER_QUEUE": "2",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A trainer with small limits."""
    trainer = Trainer(home=tmp_path_factory.mktemp("small") / "home", more=SMALL)
    trainer.start()
    yield trainer
    trainer.close()


def endless(size: int):
    """The multipart body of a file without its length in front, as a proxy may pass it."""
    yield b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
    for _ in range(size // 100_000):
        yield b"{}\n\n" * 25_000
    yield b"\r\n--x--\r\n"


@pytest.mark.parametrize("size", [LIMIT + 1, 10 * LIMIT])
def test_a_file_above_the_limit_is_refused_with_the_limit(small: Trainer, size: int):
    client = small.client()
    with pytest.raises(openai.APIStatusError) as refused:
        upload(client, b"\n" * size)

    assert refused.value.status_code == 413
    assert refused.value.param == "file"
    assert refused.value.body["message"].startswith(
        "File is too large. Maximum size is 2,000,000 bytes. Send larger files in parts"
    )
    assert upload(client, b"\n" * LIMIT)
    assert not list((small.home / "files").glob("*.part"))


def test_a_file_that_does_not_say_how_large_it_is_meets_the_same_limit(small: Trainer):
    line = http.client.HTTPConnection("127.0.0.1", small.port, timeout=30)
    kind = "multipart/form-data; boundary=x"
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": kind}

    line.request("POST", "/v1/files", endless(10 * LIMIT), headers)

    answer = line.getresponse()
    assert answer.status == 413
    assert json.load(answer)["error"]["param"] == "file"
    line.close()
    assert not list((small.home / "files").glob("*.part"))


def test_parts_end_at_the_limit_of_an_upload(small: Trainer):
    client = small.client()
    begun = client.uploads.create(
        bytes=3 * LIMIT, filename="a.jsonl", mime_type="text/jsonl", purpose="fine-tune"
    )
    name = client.uploads.parts.create(begun.id, data=b"\n" * 3 * LIMIT).id

    with pytest.raises(openai.APIStatusError) as refused:
        client.uploads.parts.create(begun.id, data=b"\n")

    assert refused.value.status_code == 413
    assert client.uploads.complete(begun.id, part_ids=[name]).file.bytes == 3 * LIMIT


def test_a_full_queue_is_told_as_openai_tells_it(small: Trainer):
    client = small.client()
    first = start_run(client, intent_rows(200), n_epochs=50)
    waiting = [start_run(client, intent_rows(20)) for _ in range(2)]

    with pytest.raises(openai.RateLimitError) as refused:
        start_run(client, intent_rows(20))

    assert refused.value.code == "rate_limit_exceeded"
    assert "maximum of 2 pending requests" in refused.value.body["message"]
    assert int(refused.value.response.headers["retry-after"]) > 0
    client.fine_tuning.jobs.cancel(first.id)
    assert ended(client, waiting[0].id).status == "succeeded"
    assert ended(client, start_run(client, intent_rows(20)).id).status == "succeeded"


def test_limits_are_openais_unless_the_environment_says_otherwise(monkeypatch):
    assert Limits.from_environment() == Limits(512 * MB, 8 * GB, 1_000, 1)
    monkeypatch.setenv("LUTHIER_TRAINER_QUEUE", "3")
    assert Limits.from_environment().queued == 3
    monkeypatch.setenv("LUTHIER_TRAINER_AT_ONCE", "many")
    with pytest.raises(SystemExit, match="LUTHIER_TRAINER_AT_ONCE must be a whole number"):
        Limits.from_environment()


def test_sizes_are_told_as_people_say_them():
    assert [said(size) for size in (8 * GB, 512 * MB, 1000)] == ["8 GB", "512 MB", "1,000 bytes"]
