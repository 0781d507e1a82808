"""What providers answer that is no answer (F16): each becomes a case's words, and no surprise."""

import json

import pytest

from app.core.database import unit_of_work
from app.evaluations.models import GivenAnswer
from tests.evaluations.steps import add_up, begin, results_of, run_of, start, work_through
from tests.stage import one_database
from tests.witness.script import CHAT, Fault
from tests.witness.talk import completion

MODEL = "gpt-4o-mini-2024-07-18"


def whole(content="There.", **message):
    made = completion({"model": MODEL, "messages": [{"content": "?"}]}, {MODEL})
    made["choices"][0]["message"] = {"role": "assistant", "content": content, **message}
    return made


def body_of(made):
    return json.dumps(made)


def asked_with(workshop, letters, witness, *faults):
    """A run of three cases whose first request meets each of these."""
    evaluation_id = begin(workshop, rows=3)
    letters.deliver()
    witness.script(*faults)
    run_id = start(workshop, evaluation_id, settings={"at_once": 1})
    work_through(run_id)
    add_up(run_id)
    return run_id


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(CHAT, body=body_of(whole()), end="truncate"), "broke off"),
        (Fault(CHAT, body=body_of({**whole(), "choices": []})), "without a choice"),
        (Fault(CHAT, body='{"error": {"message": "Overloaded."}}'), "without a choice"),
        (Fault(CHAT, body="<html>", headers={"content-type": "text/html"}), "else than data"),
        (Fault(CHAT, status=502, body="<html>"), "has a fault"),
        (Fault(CHAT, end="bomb"), "compressed"),
    ],
    ids=["cut off", "no choice", "an error in place of an answer", "a page", "a fault", "a bomb"],
)
@one_database
def test_what_is_no_answer_is_asked_again(workshop, letters, witness, fault, words):
    run_id = asked_with(workshop, letters, witness, fault)
    (again,) = [one for one in results_of(run_id) if one.asked > 1]
    assert words in again.error
    assert (again.status, again.asked, run_of(run_id).status) == ("graded", 2, "done")


@one_database
def test_what_is_never_answered_fails_alone_after_five_tries(workshop, letters, witness):
    evaluation_id = begin(workshop, pasted="first\ta\nbroken\tb\nlast\tc\n", prompt=[
        {"role": "user", "content": "{{ item.question }}"}
    ])  # fmt: skip
    letters.deliver()
    empty = body_of({**whole(), "choices": []})
    # The second request is that of the second case, and so are all after the third.
    witness.script(Fault(CHAT, body=empty, skip=1), Fault(CHAT, body=empty, skip=2, times=9))
    run_id = start(workshop, evaluation_id, settings={"at_once": 1})
    work_through(run_id)
    (failed,) = [one for one in results_of(run_id) if one.status == "failed"]
    assert (failed.asked, failed.tries) == (5, 5)
    assert "without a choice" in failed.error
    assert (run_of(run_id).status, run_of(run_id).contestants[0].graded) == ("done", 2)
    add_up(run_id)


@one_database
def test_a_refusal_is_kept_as_one_and_is_an_answer(workshop, letters, witness):
    said = whole(None, refusal="I can't help with that.")
    run_id = asked_with(workshop, letters, witness, Fault(CHAT, body=body_of(said)))
    with unit_of_work() as session:
        kept = session.query(GivenAnswer).filter(GivenAnswer.refusal.is_not(None)).one()
        assert (kept.refusal, kept.text) == ("I can't help with that.",) * 2
    assert run_of(run_id).contestants[0].graded == 3


@one_database
def test_an_answer_of_200_000_tokens_is_kept_whole_and_calls_of_tools_too(
    workshop, letters, witness
):
    long = "word " * 200_000
    call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    asked_with(
        workshop,
        letters,
        witness,
        Fault(CHAT, body=body_of(whole(long))),
        Fault(CHAT, body=body_of(whole(None, tool_calls=[call]))),
    )
    with unit_of_work() as session:
        kept = session.query(GivenAnswer).order_by(GivenAnswer.id).all()
        assert kept[0].text == long[:1_000_000]
        assert kept[1].calls == [call]
