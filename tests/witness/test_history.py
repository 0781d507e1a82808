"""A history is the same for the same seed, and what the witness expects is what it sends."""

import base64
import hashlib
import json
import urllib.request
from collections import Counter

import msgspec
import pytest

from tests.witness import handle, history

DAY = 1_795_824_000


def wire(witness, path: str) -> bytes:
    """The bytes of an answer."""
    headers = {"authorization": f"Bearer {witness.key}"}
    request = urllib.request.Request(f"{witness.url}{path}", headers=headers)  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return answer.read()


def on_one_line(items: list[msgspec.Raw]) -> bytes:
    return b"".join(msgspec.json.format(item, indent=-1) + b"\n" for item in items)


def test_it_is_the_same_for_the_same_seed_and_day(witness, tmp_path):
    with handle.running(tmp_path) as other:
        for one in (witness, other):
            history.fill(one, now=DAY, jobs=11)
        assert witness.expected() == other.expected()
        other.reset()
        history.fill(other, now=DAY, jobs=11, seed=2)
        first, second = ({row["id"] for row in one.expected()} for one in (witness, other))
    assert not {i for i in first & second if i.startswith(("ftjob", "file", "eval"))}


def test_every_state_of_things_is_in_a_small_history(witness):
    history.fill(witness)

    outcomes = Counter((row["kind"], row["outcome"]) for row in witness.expected())

    assert outcomes["file", "refused"] == 1
    assert outcomes["file", "gone"] == 1
    assert outcomes["job", "home"] == 12
    sizes = Counter(row.get("sha256") for row in witness.expected() if row["kind"] == "file")
    assert 2 in sizes.values(), "two files have the same content"


def test_more_can_happen_since(witness):
    history.fill(witness)
    before = {row["id"] for row in witness.expected()}
    history.fill(witness, jobs=2, files=2, evals=1, seed=2)

    after = {row["id"] for row in witness.expected()}

    assert before < after
    assert len(witness.runs) == 14


@pytest.mark.parametrize("kind", ["job_events", "checkpoints", "eval_items"])
def test_lists_are_sent_as_they_are_expected(witness, kind):
    history.fill(witness)
    paths = {
        "job_events": "/fine_tuning/jobs/{id}/events?limit=100",
        "checkpoints": "/fine_tuning/jobs/{id}/checkpoints?limit=100",
        "eval_items": "/evals/{parent}/runs/{id}/output_items?limit=100",
    }
    for row in witness.expected():
        if row["kind"] == kind:
            sent = wire(witness, paths[kind].format(**row))
            data = msgspec.json.decode(sent, type=dict[str, msgspec.Raw])
            whole = on_one_line(msgspec.json.decode(data["data"], type=list[msgspec.Raw]))
            assert (len(whole), hashlib.sha256(whole).hexdigest()) == (row["bytes"], row["sha256"])


def test_numbers_and_letters_stand_as_their_provider_wrote_them(witness):
    history.fill(witness, jobs=1)
    (row,) = (row for row in witness.expected() if row["kind"] == "job")

    sent = wire(witness, f"/fine_tuning/jobs/{row['id']}")

    assert b'"learning_rate_multiplier": 1.50' in sent
    assert rb'"caf\u00e9 \ud83d\ude00 \/ 100%"' in sent
    assert b'{\n  "object"' in sent, "set as OpenAI sets it"
    plain = msgspec.json.format(sent, indent=-1)
    assert hashlib.sha256(plain).hexdigest() == row["sha256"]


def test_files_are_sent_as_they_are_expected(witness, client):
    history.fill(witness)
    results = {file.id for file in client.files.list(purpose="fine-tune-results")}
    encoded = 0
    for row in witness.expected():
        if row["kind"] == "file" and row["outcome"] == "home":
            sent = client.files.content(row["id"]).content
            if row["id"] in results and not sent.startswith(b"step,"):
                sent, encoded = base64.b64decode(sent), encoded + 1
            assert (len(sent), hashlib.sha256(sent).hexdigest()) == (row["bytes"], row["sha256"])
    assert 0 < encoded < len(results)


@pytest.mark.parametrize("size", [0, 40, 300, 20_000, 3_000_000])
def test_a_file_has_whole_rows_and_exactly_its_size(witness, client, size):
    made = witness.add_large_file("rows.jsonl", size)

    sent = client.files.content(made["id"]).content

    assert len(sent) == made["bytes"] == size
    if size >= 300:
        assert all("messages" in json.loads(line) for line in sent.splitlines())


def test_files_may_be_other_than_announced(witness, client):
    larger = witness.add_file("larger", b"x" * 100, announced=10)
    smaller = witness.add_file("smaller", b"x" * 10, announced=100)

    assert client.files.retrieve(larger["id"]).bytes == 10
    assert len(client.files.content(larger["id"]).content) == 100
    assert len(client.files.content(smaller["id"]).content) == 10
