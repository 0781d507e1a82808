"""What a run costs: before it begins, while it is asked, and when it is over."""

import pytest
from sqlalchemy import select

from app.budgets.models import Spend
from app.budgets.standing import OverBudget
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.core.errors import WrongInput
from app.evaluations import orders, queries, service
from app.evaluations.forms import RunForm
from app.evaluations.prices import Asked, estimate
from tests import make
from tests.budgets.steps import set_budget
from tests.evaluations.judges import SCORE, add_judge
from tests.evaluations.steps import add_up, begin, results_of, run_of, start, work_through
from tests.stage import one_database
from tests.witness.script import CHAT, Fault

TUNED = "ft:gpt-4o-mini-2024-07-18:acme::june"  # $0.30 in, $1.20 out for a million tokens
ROWS = 12
# The witness says 7 tokens in and 3 out.
EACH = 3 + 4


@pytest.fixture
def priced(workshop, witness):
    """The witness has a model with a price."""
    witness.set(models=[{"id": one, "object": "model"} for one in (TUNED, make.BASE_MODEL)])
    return workshop


def spend_of(run_id):
    with unit_of_work() as session:
        return session.scalars(select(Spend).where(Spend.key == service.key_of(run_id))).one()


@one_database
def test_what_the_answers_cost_is_counted_to_the_millionth(priced, letters):
    evaluation_id = begin(priced)
    letters.deliver()
    run_id = start(priced, evaluation_id, TUNED)
    set_aside = spend_of(run_id)
    assert (set_aside.state, set_aside.reserved) == ("reserved", run_of(run_id).estimate)
    letters.deliver()
    run = run_of(run_id)
    assert run.spent == run.contestants[0].spent == ROWS * EACH
    assert (run.contestants[0].prompt_tokens, run.contestants[0].completion_tokens) == (84, 36)
    assert (spend_of(run_id).state, spend_of(run_id).spent) == ("spent", ROWS * EACH)
    again = start(priced, evaluation_id, TUNED, key="form:2")
    letters.deliver()
    assert (run_of(again).spent, spend_of(again).state) == (0, "released")


@one_database
def test_the_estimate_is_of_the_cases_tokens_and_their_references(priced, letters):
    evaluation_id = begin(priced)
    letters.deliver()
    with unit_of_work() as session:
        evaluation = queries.evaluation_by_id(session, evaluation_id)
        connection = session.get_one(Connection, priced.connection_id)
        found = estimate(evaluation, Asked(connection, TUNED), repeats=2, max_tokens=100)
        assert found.requests == 2 * ROWS
        assert found.prompt_tokens == 2 * evaluation.tokens
        assert found.answer_tokens == 2 * evaluation.answer_tokens
        assert 0 < found.expected < found.most
        unknown = estimate(evaluation, Asked(connection, "o9"), repeats=1, max_tokens=100)
        assert (unknown.expected, unknown.most) == (None, None)


@one_database
def test_a_cap_holds_and_a_higher_one_lets_it_go_on(priced, witness, letters):
    evaluation_id = begin(priced)
    letters.deliver()
    # A dollar cent is far above what it comes to: the cap is set by hand below the price of all.
    run_id = start(priced, evaluation_id, TUNED, cap_usd=1, settings={"max_tokens": 10})
    with unit_of_work() as session:
        run = session.get_one(service.EvaluationRun, run_id)
        run.cap = 60
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.paused_by) == ("paused", "cap")
    assert 0 < run.spent <= 60
    asked = len(witness.journal.read(CHAT))
    assert asked * EACH == run.spent
    assert "its cap" in run.words
    owner = priced.users["owner"]
    with unit_of_work() as session, pytest.raises(WrongInput, match="spent already"):
        service.resume_run(session, run_id, actor_id=owner, cap=run.spent)
    with unit_of_work() as session:
        service.resume_run(session, run_id, actor_id=owner, cap=1_000_000)
    letters.deliver()
    run = run_of(run_id)
    assert (run.status, run.spent) == ("done", ROWS * EACH)
    assert len(witness.journal.read(CHAT)) == ROWS
    add_up(run_id)


@one_database
def test_judges_of_people_are_reckoned_by_the_cases_that_people_are_asked(workshop, letters):
    evaluation_id = begin(workshop, graders=[add_judge(workshop, SCORE)])
    letters.deliver()
    form = RunForm.model_validate({"contestants": [{"people": {"cases": 3}}], "repeats": 2})
    with unit_of_work() as session:
        evaluation = queries.evaluation_by_id(session, evaluation_id)
        assert orders.priced(session, evaluation, form).judged == 3


@one_database
def test_a_cap_is_refused_where_no_price_is_known(priced, letters):
    evaluation_id = begin(priced)
    letters.deliver()
    with pytest.raises(WrongInput, match="no cap can hold"):
        start(priced, evaluation_id, make.BASE_MODEL, cap_usd=5)


@one_database
def test_a_budget_without_room_keeps_the_run_from_starting(priced, letters):
    evaluation_id = begin(priced)
    letters.deliver()
    set_budget(priced, 0)
    with pytest.raises(OverBudget):
        start(priced, evaluation_id, TUNED)
    with unit_of_work() as session:
        assert session.query(service.EvaluationRun).count() == 0


@one_database
def test_an_answer_that_never_came_counts_at_the_most_it_can_cost(priced, witness, letters):
    evaluation_id = begin(priced)
    letters.deliver()
    witness.script(Fault(CHAT, end="drop", skip=2))
    run_id = start(priced, evaluation_id, TUNED, settings={"max_tokens": 10})
    work_through(run_id)
    run = run_of(run_id)
    (lost,) = [one for one in results_of(run_id) if one.asked == 2]
    assert run.guessed == lost.held > 0
    assert run.spent == ROWS * EACH + run.guessed
    assert spend_of(run_id).is_open
    assert spend_of(run_id).words == service.LOST
