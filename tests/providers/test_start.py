"""The paid start: every way it can end is told apart, and the witness saw one request at most."""

import json

import pytest

from app.providers.base import NotSent, Refused, RunRequest, Started, Unknown
from app.providers.openai import wire
from tests.providers.contract import upload
from tests.witness.script import CREATE_RUN, Fault, refusal


@pytest.fixture
def provider(open_at, witness):
    return open_at(witness)


@pytest.fixture
def order(provider, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"{}\n" * 10)
    return RunRequest(
        base_model="gpt-4o-mini-2024-07-18",
        training_file_id=upload(provider, path, "rows.jsonl").file_id,
        method="supervised",
        op_key="0f8fad5b-d9cb-469f-a165-70867728950e",
        instance="workshop",
        hyperparameters={"n_epochs": 3, "learning_rate_multiplier": "auto"},
    )


def test_an_accepted_start_is_adopted_and_asked_for_once(provider, witness, order):
    outcome = provider.start_run(order)

    assert isinstance(outcome, Started)
    assert outcome.run.run_id == witness.runs[0]["id"]
    [sent] = witness.creates
    assert sent.body == {
        "model": "gpt-4o-mini-2024-07-18",
        "training_file": order.training_file_id,
        "metadata": {"luthier_op": order.op_key, "luthier_instance": "workshop"},
        "method": {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 3, "learning_rate_multiplier": "auto"}},
        },
    }
    assert sent.headers["idempotency-key"] == order.op_key
    assert "x-stainless-retry-count" not in sent.headers or (
        sent.headers["x-stainless-retry-count"] == "0"
    )


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success_with_an_id_is_one(provider, witness, order, status):
    made = {"id": "ft-72a2792ef7d24ba7", "object": "fine_tuning.job", "status": "pending"}
    witness.script(Fault(CREATE_RUN, status=status, body=json.dumps(made)))

    outcome = provider.start_run(order)

    assert isinstance(outcome, Started)
    assert outcome.run.run_id == "ft-72a2792ef7d24ba7"


SUCH_A_PAGE = "<!doctype html><title>Welcome</title>"

UNKNOWN = {
    "500 after creating": (Fault(CREATE_RUN, commits=True, status=500, body="{}"), 1),
    "500 before creating": (Fault(CREATE_RUN, status=500, body=json.dumps(refusal("Oops."))), 0),
    "502 page": (Fault(CREATE_RUN, status=502, body=SUCH_A_PAGE), 0),
    "drops after creating": (Fault(CREATE_RUN, end="drop", commits=True), 1),
    "drops before creating": (Fault(CREATE_RUN, end="drop"), 0),
    "200 then cut off": (Fault(CREATE_RUN, end="truncate", commits=True), 1),
    "200 page": (
        Fault(CREATE_RUN, body=SUCH_A_PAGE, headers={"content-type": "text/html"}, commits=True),
        1,
    ),
    "200 page that claims to be JSON": (Fault(CREATE_RUN, body=SUCH_A_PAGE), 0),
    "200 without an id": (
        Fault(CREATE_RUN, body='{"object": "fine_tuning.job"}', commits=True),
        1,
    ),
    "200 with an id of null": (Fault(CREATE_RUN, body='{"id": null}'), 0),
    "200 with an id nobody could use": (Fault(CREATE_RUN, body='{"id": "../../x"}'), 0),
    "200 with another kind of object": (
        Fault(CREATE_RUN, body='{"id": "file-1", "object": "file"}'),
        0,
    ),
    "200 broken JSON": (Fault(CREATE_RUN, body='{"id": "ftjob-1"', commits=True), 1),
    "200 empty": (Fault(CREATE_RUN, headers={"x-nothing": "1"}, body=" "), 0),
    "200 a list": (Fault(CREATE_RUN, body="[]"), 0),
    "200 with an id that is a number": (Fault(CREATE_RUN, body='{"id": 7}'), 0),
    "200 with an id beyond measure": (Fault(CREATE_RUN, body=json.dumps({"id": "x" * 10_000})), 0),
    "200 with two ids": (Fault(CREATE_RUN, body='{"id": "ftjob-1", "id": null}'), 0),
    "200 not a number": (Fault(CREATE_RUN, body="NaN"), 0),
    "204": (Fault(CREATE_RUN, status=204, headers={"x-nothing": "1"}, body=" "), 0),
    "408": (Fault(CREATE_RUN, status=408, body=json.dumps(refusal("Slow."))), 0),
    "409": (Fault(CREATE_RUN, status=409, body=json.dumps(refusal("Busy."))), 0),
    "425": (Fault(CREATE_RUN, status=425, body=json.dumps(refusal("Early."))), 0),
    "400 page": (Fault(CREATE_RUN, status=400, body=SUCH_A_PAGE), 0),
    "403 page": (Fault(CREATE_RUN, status=403, body=SUCH_A_PAGE), 0),
    "400 with other JSON": (Fault(CREATE_RUN, status=400, body='{"detail": "no"}'), 0),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_might_have_been_created_is_unknown(provider, witness, order, name):
    fault, existing = UNKNOWN[name]
    witness.script(fault)

    outcome = provider.start_run(order)

    assert isinstance(outcome, Unknown), outcome
    assert outcome.reason
    assert len(witness.creates) == 1
    assert len(witness.runs) == existing


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_is_unknown_and_is_not_followed(
    provider, witness, order, status, tmp_path_factory
):
    from tests.witness import handle

    with handle.running(tmp_path_factory.mktemp("elsewhere")) as elsewhere:
        there = {"location": f"{elsewhere.url}/fine_tuning/jobs"}
        witness.script(Fault(CREATE_RUN, status=status, headers=there))

        assert isinstance(provider.start_run(order), Unknown)
        assert elsewhere.journal.read() == []
    assert len(witness.creates) == 1


@pytest.mark.parametrize("end", ["answer", "drip"])
def test_an_answer_after_the_time_limit_is_unknown(open_at, witness, order, end, monkeypatch):
    monkeypatch.setattr(wire, "PAID_SECONDS", 0.5)
    slow = 1.5 if end == "answer" else 0.0
    body = "{" + " " * 100 + "}"
    witness.script(Fault(CREATE_RUN, end=end, commits=True, delay=slow, body=body))

    outcome = open_at(witness).start_run(order)

    assert isinstance(outcome, Unknown)
    assert "in time" in outcome.reason
    assert len(witness.creates) == len(witness.runs) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_the_providers_own_refusal_is_a_refusal(provider, witness, order, status):
    said = refusal("Your organization cannot tune models.", "not_allowed", "model")
    witness.script(Fault(CREATE_RUN, status=status, body=json.dumps(said)))

    outcome = provider.start_run(order)

    assert outcome == Refused(
        "Your organization cannot tune models.", "not_allowed", status, refuses_key=status == 401
    )
    assert not outcome.is_put_back
    assert len(witness.creates) == 1
    assert witness.runs == []


@pytest.mark.parametrize(
    ("headers", "wait"), [({"retry-after": "300"}, 300.0), ({}, None), ({"retry-after": "x"}, None)]
)
def test_too_many_requests_is_put_back_with_its_wait(provider, witness, order, headers, wait):
    said = refusal("Rate limit reached.", "rate_limit_exceeded")
    witness.script(Fault(CREATE_RUN, status=429, body=json.dumps(said), headers=headers))

    outcome = provider.start_run(order)

    assert outcome == Refused("Rate limit reached.", "rate_limit_exceeded", 429, wait)
    assert outcome.is_put_back
    assert len(witness.creates) == 1


@pytest.mark.parametrize(("headers", "wait"), [({"retry-after": "300"}, 300.0), ({}, 3600.0)])
def test_a_days_orders_spent_wait_an_hour_unless_told_otherwise(
    provider, witness, order, headers, wait
):
    said = refusal("Daily limit reached.", "daily_rate_limit_exceeded")
    witness.script(Fault(CREATE_RUN, status=429, body=json.dumps(said), headers=headers))

    outcome = provider.start_run(order)

    assert outcome.is_put_back
    assert (outcome.retry_after, outcome.is_of_starts) == (wait, True)


@pytest.mark.parametrize("where", ["code", "type"])
@pytest.mark.parametrize(
    "code", ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"]
)
def test_what_only_a_person_can_pay_for_is_not_put_back(provider, witness, order, code, where):
    said = refusal("You exceeded your current quota.")
    said["error"][where] = code
    witness.script(Fault(CREATE_RUN, status=429, body=json.dumps(said)))

    outcome = provider.start_run(order)

    assert isinstance(outcome, Refused)
    assert outcome.needs_person
    assert not outcome.is_put_back
    assert len(witness.creates) == 1


def test_another_orders_job_is_no_answer_to_ours(provider, witness, order):
    theirs = {"id": "ftjob-9", "object": "fine_tuning.job", "metadata": {"luthier_op": "op-9"}}
    witness.script(Fault(CREATE_RUN, body=json.dumps(theirs), commits=True))

    outcome = provider.start_run(order)

    assert isinstance(outcome, Unknown)
    assert "ftjob-9" in outcome.reason


def test_a_connection_that_never_was_sent_nothing(open_at, mortal_witness, order):
    mortal_witness.kill()

    outcome = open_at(mortal_witness).start_run(order)

    assert isinstance(outcome, NotSent)
    assert mortal_witness.creates == []


def test_an_address_we_may_not_call_is_sent_nothing(open_at, witness, order):
    from app.core.http import HttpOptions
    from app.providers.openai import OpenAIProvider
    from tests.witness.handle import KEY

    with OpenAIProvider(witness.url, KEY, "openai", HttpOptions(allow=frozenset())) as provider:
        outcome = provider.start_run(order)

    assert isinstance(outcome, NotSent)
    assert "LUTHIER_ALLOW_HOSTS=127.0.0.1:" in outcome.reason
    assert witness.creates == []


def test_the_paid_request_never_travels_on_a_connection_that_may_be_dead(provider, witness, order):
    for _ in range(3):
        assert isinstance(provider.start_run(order), Started)

    assert all(request.headers["connection"] == "keep-alive" for request in witness.creates)
    pool = provider.wire.paid._client._transport._pool
    assert pool.connections == []
