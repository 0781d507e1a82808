"""What answers cost counts in the project's budget, by what the provider told."""

from types import SimpleNamespace

import pytest

from app.budgets.models import Spend, UnknownPrice
from app.budgets.money import ONE_DOLLAR
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.notices.models import Notice
from app.playground import service
from app.playground.models import Conversation
from app.playground.spending import MOST_WRITTEN
from tests.budgets.steps import set_budget, standing
from tests.playground.steps import QUESTION, TUNED, a_word, ask, hanging, leave_after
from tests.playground.test_keeping import kept, work
from tests.stage import one_database
from tests.waiting import eventually
from tests.witness.script import CHAT

pytestmark = [one_database]
# What the witness counts for the question and its answer, at the tuned model's price.
COST = round(7 * 0.3 + 0.5) + round(3 * 1.2 + 0.5)


def rows():
    """What the ledger says of answers."""
    with read_only() as session:
        return [
            SimpleNamespace(
                key=one.key, name=one.name, state=one.state, spent=one.spent,
                reserved=one.reserved, is_open=one.is_open, words=one.words,
            )
            for one in session.query(Spend).order_by(Spend.key)
            if one.key.startswith("answer")
        ]  # fmt: skip


def test_answers_of_a_model_are_counted_in_one_row_of_their_month(workshop, sends, both):
    made = ask(sends, workshop.project_id, both[:1], settings={"max_tokens": 20})
    sends.post(f"/conversations/{made['id']}/questions", json={"text": QUESTION, "columns": both})

    tuned, base = rows()

    assert (tuned.state, tuned.is_open, tuned.words) == ("spent", False, None)
    assert TUNED in tuned.name
    first, second = COST, round(25 * 0.3 + 0.5) + round(3 * 1.2 + 0.5)
    assert COST < tuned.spent <= first + second
    assert (base.state, base.spent, base.is_open) == ("spent", None, True)
    assert base.words == "The price is not in the price book."
    assert standing(workshop).reserved == 0


def test_what_the_budget_has_no_room_for_is_not_asked_and_nothing_is_written(
    workshop, editor, sends, both, witness
):
    set_budget(workshop, ONE_DOLLAR // 100)
    body = {"text": QUESTION, "columns": both[:1]}
    at = f"/projects/{workshop.project_id}/conversations"

    refused = sends.post(at, json=body)

    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("This takes about $0.04, and ")
    asked = refused.json()["budget"]["asked_usd"]
    assert asked == pytest.approx(MOST_WRITTEN * 1.2 / 1e6, rel=0.01)
    page = f"/projects/{workshop.project_id}/playground/ask"
    assert editor.send("POST", page, json={**body, "stream": True}).status_code == 409
    assert witness.journal.read(CHAT) == []
    assert rows() == []
    with read_only() as session:
        assert session.query(Conversation).count() == 0
        assert "A question did not start" in session.query(Notice).one().title
    assert sends.post(at, json={**body, "settings": {"max_tokens": 20}}).status_code == 201


def test_an_unknown_price_is_as_the_owner_chose(workshop, sends, both):
    set_budget(workshop, ONE_DOLLAR)
    body = {"text": QUESTION, "columns": both[1:]}
    at = f"/projects/{workshop.project_id}/conversations"
    refused = sends.post(at, json=body)
    assert refused.status_code == 409
    assert "its price is not in the price book" in refused.text

    set_budget(workshop, ONE_DOLLAR, unknown_price=UnknownPrice.ALLOW)

    assert sends.post(at, json=body).status_code == 201
    assert [one.spent for one in rows()] == [None]


def test_an_answer_that_was_left_is_counted_by_its_length(workshop, client, editor, both, witness):
    witness.script(hanging("You said "))
    path = f"/projects/{workshop.project_id}/playground/ask"
    body = {"text": QUESTION, "columns": both[:1], "stream": True}

    def once_something_came(heard):
        a_word(heard)
        eventually(lambda: kept() == [("arriving", "You said ")])
        (row,) = rows()
        assert row.state == "reserved"
        assert row.reserved > MOST_WRITTEN

    leave_after(once_something_came, client, editor, path, body)

    (row,) = rows()
    assert row.state == "spent"
    assert 0 < row.spent < 100
    assert row.is_open
    assert "counted by their length" in row.words


def test_what_a_refused_question_set_aside_is_given_back(workshop, sends, both):
    column = {**both[0], "model": f"{TUNED}-nobody"}
    (answer,) = ask(sends, workshop.project_id, [column])["questions"][0]["answers"]
    assert answer["state"] == "failed"
    (row,) = rows()
    assert (row.state, standing(workshop).reserved) == ("released", 0)


def test_what_a_killed_process_had_set_aside_is_kept_until_somebody_says(workshop, both):
    from app.playground import spending
    from app.playground.forms import AskForm
    from app.playground.preparing import plan, wanted_of

    form = AskForm(text=QUESTION, columns=both[:1], settings={"max_tokens": 1000})
    (planned,) = plan(workshop.project_id, wanted_of(form), ())
    with unit_of_work() as session:
        question = service.begin(
            session, project_id=workshop.project_id, user_id=workshop.users["editor"], form=form
        )
        (ticket,) = service.open_answers(session, question, [0]).values()
        spending.reserve(session, planned, ticket, by=workshop.users["editor"])
    clock.shift(60)
    work()
    (row,) = rows()
    assert (row.state, row.spent, row.is_open) == ("spent", spending.most(planned), True)
    assert row.words.startswith("Luthier was stopped")
