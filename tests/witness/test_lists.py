"""The ways in which the witness's list of runs misleads."""

from itertools import islice

import httpx2
import openai
import pytest

from tests.witness import history
from tests.witness.script import LIST_MODELS, USUAL_LAG, WAITS, Fault, asked_to_wait


@pytest.fixture
def order(client):
    file = client.files.create(file=("rows.jsonl", b"{}\n" * 10), purpose="fine-tune")

    def send(**more):
        asked = {"model": "gpt-4o-mini-2024-07-18", "training_file": file.id, **more}
        return client.fine_tuning.jobs.create(**asked)

    return send


def ids(client, **words):
    return [job.id for job in client.fine_tuning.jobs.list(limit=3, **words)]


def test_a_filter_may_bring_neighbours(witness, client, order):
    made = [order(metadata={"n": str(number)}).id for number in range(5)]
    assert ids(client, metadata={"n": "2"}) == [made[2]]
    witness.set(filter="neighbours")
    assert ids(client, metadata={"n": "2"}) == [made[3], made[2], made[1]]


def test_a_list_may_stand_upside_down_or_anyhow(witness, client):
    history.fill(witness, jobs=8)
    plain = ids(client)
    witness.set(paging="oldest first")
    assert ids(client) == plain[::-1]
    witness.set(paging="shuffled")
    assert sorted(ids(client)) == sorted(plain)
    assert ids(client) not in (plain, plain[::-1])


@pytest.mark.parametrize("paging", ["loop", "endless"])
def test_a_list_may_never_end(witness, client, paging):
    history.fill(witness, jobs=8)
    plain = ids(client)
    witness.set(paging=paging)
    found = [job.id for job in islice(client.fine_tuning.jobs.list(limit=3), 60)]
    assert found[:8] == plain
    assert len(set(found)) == (8 if paging == "loop" else 60)


def test_a_new_run_may_not_show_at_once(witness, client, order):
    witness.set(lag=[3600, 3601])
    order()
    assert ids(client) == []
    assert USUAL_LAG == (0, 30)


def test_a_service_may_not_tell_of_tags_or_not_take_them(witness, client, order):
    witness.set(leaves_out=["metadata"])
    assert order(metadata={"a": "b"}).metadata is None
    witness.set(refuses=["metadata"])
    with pytest.raises(openai.BadRequestError) as caught:
        order(metadata={"a": "b"})
    assert caught.value.param == "metadata"
    order()


def test_a_run_may_be_gone_and_come_back(witness, client, order):
    made = order()
    witness.hide(made.id)
    assert ids(client) == []
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.retrieve(made.id)
    witness.hide(made.id, hidden=False)
    assert ids(client) == [made.id]


def test_it_asks_to_wait_in_each_form_until_it_is_calm(witness, client):
    asked = set()
    for form in WAITS:
        witness.script(Fault(LIST_MODELS, status=429, headers=asked_to_wait(form), times=9))
        with pytest.raises(openai.RateLimitError) as caught:
            client.models.list()
        asked.add(caught.value.response.headers.get("retry-after"))
        witness.calm()
    assert {None, "0", "-1", "1000000000", "soon", "2"} < asked
    assert client.models.list().data


def test_answers_flood_hang_and_unfold(witness):
    witness.script(
        Fault(LIST_MODELS, end="flood"),
        Fault(LIST_MODELS, end="hang", body="[" + " " * 99, delay=9),
        Fault(LIST_MODELS, end="bomb"),
    )
    url, key = f"{witness.url}/models", {"authorization": f"Bearer {witness.key}"}
    with httpx2.stream("GET", url, headers=key) as answer:
        assert int(answer.headers["content-length"]) == 5 << 30
        assert len(next(answer.iter_bytes(1 << 20))) == 1 << 20
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(url, headers=key, timeout=0.3)
    with httpx2.stream("GET", url, headers=key) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(packed) < 2 << 20
