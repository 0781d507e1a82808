"""What a job takes of the month, from the click to what was billed."""

import openai
import pytest

from app.auth.models import User
from app.budgets.standing import OverBudget
from app.core import clock
from app.core.database import unit_of_work
from app.jobs import doubts, queries_orders, service, sweeps, tasks
from app.jobs.models import Job, JobStatus, Orphan
from tests.budgets.conftest import with_long_rows
from tests.budgets.steps import (
    ORDER,
    estimate_of,
    row_of,
    row_of_job,
    set_budget,
    spends,
    standing,
)
from tests.jobs.steps import (
    answer,
    bring_into_doubt,
    decide,
    look,
    look_for_orphans,
    make_due,
    queue_job,
    show_all,
)
from tests.make import BASE_MODEL
from tests.stage import job_of, one_database
from tests.upkeep.test_invariants import broken
from tests.witness import handle
from tests.witness.script import CREATE_RUN, Fault

PRICE = 3  # millionths of a dollar a token of BASE_MODEL
TUNED = "ft:gpt-4o-mini-2024-07-18:acme::new"


@pytest.fixture
def shop(workshop):
    """A team whose provider is the witness, and whose jobs cost about sixty cents."""
    return with_long_rows(workshop)


def end_run(team, witness, job_id, status, tokens):
    """Its provider has ended the run, and a worker looks."""
    model = TUNED if status == "succeeded" else None
    witness.change_run(
        job_of(job_id).run_id, status=status, trained_tokens=tokens, fine_tuned_model=model
    )
    look(team)


def test_a_job_sets_its_estimate_aside_and_pays_for_what_it_trained(shop, witness):
    set_budget(shop, 10**9)
    job_id = queue_job(shop, **ORDER)
    one = estimate_of(job_id)
    assert one == job_of(job_id).estimate["billed_tokens"] * PRICE > 500_000
    assert row_of_job(job_id) == ("reserved", one, False)
    tasks.start(job_id)
    assert row_of_job(job_id) == ("reserved", one, False)

    end_run(shop, witness, job_id, "succeeded", 123_457)

    assert row_of_job(job_id) == ("spent", 123_457 * PRICE, False)
    now = standing(shop)
    assert (now.spent, now.reserved, now.left) == (370_371, 0, 10**9 - 370_371)
    assert broken() == {}


def test_a_cancelled_run_pays_what_was_trained(shop, witness):
    job_id = queue_job(shop, **ORDER)
    tasks.start(job_id)
    end_run(shop, witness, job_id, "cancelled", 1_000)
    assert row_of_job(job_id) == ("spent", 3_000, False)


def test_a_run_that_does_not_say_what_it_trained_is_counted_by_estimate(shop, witness):
    job_id = queue_job(shop, **ORDER)
    tasks.start(job_id)
    end_run(shop, witness, job_id, "succeeded", None)
    assert row_of_job(job_id) == ("spent", estimate_of(job_id), True)


def test_what_never_started_gives_its_money_back(shop, witness):
    cancelled = queue_job(shop, **ORDER)
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, cancelled), actor_id=shop.users["editor"])
    refused = queue_job(shop, key="form:2", **ORDER)
    witness.script(answer(400))
    tasks.start(refused)

    assert row_of_job(cancelled) == row_of_job(refused) == ("released", None, False)
    assert standing(shop).taken == 0
    assert broken() == {}


def test_an_order_in_doubt_keeps_its_money_until_a_person_says_that_it_did_not_start(shop, witness):
    job_id = bring_into_doubt(shop, witness, **ORDER)
    assert row_of_job(job_id) == ("reserved", estimate_of(job_id), False)
    decide(doubts.did_not_start, shop, job_id)
    assert row_of_job(job_id) == ("released", None, False)


@one_database
def test_giving_up_on_an_order_in_doubt_keeps_the_estimate_as_a_guess(shop, witness):
    job_id = bring_into_doubt(shop, witness, **ORDER)
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, job_id), actor_id=shop.users["editor"])
    assert row_of_job(job_id) == ("spent", estimate_of(job_id), True)
    assert broken() == {}


def test_starting_again_sets_as_much_aside_once_more_and_needs_the_room_for_it(shop, witness):
    job_id = bring_into_doubt(shop, witness, **ORDER)
    one = estimate_of(job_id)
    set_budget(shop, 2 * one - 1)
    with pytest.raises(OverBudget):
        decide(doubts.start_again, shop, job_id)
    set_budget(shop, 2 * one)

    decide(doubts.start_again, shop, job_id)

    assert job_of(job_id).status == JobStatus.STARTING
    assert row_of_job(job_id) == ("reserved", 2 * one, False)
    assert len(spends()) == 1
    assert broken() == {}
    tasks.start(job_id)
    end_run(shop, witness, job_id, "succeeded", 1_000)
    assert row_of_job(job_id) == ("spent", 3_000, False)


def test_a_run_too_many_is_counted_beside_its_job(shop, witness):
    job_id = queue_job(shop, **ORDER)
    tasks.start(job_id)
    order = witness.creates[0].body
    with openai.OpenAI(base_url=witness.url, api_key=handle.KEY) as other:
        second = other.fine_tuning.jobs.create(**order)
    witness.change_run(second.id, created_at=second.created_at + 5, trained_tokens=700)

    look_for_orphans(shop)

    key = f"run:{shop.connection_id}:{second.id}"
    assert row_of(key) == ("spent", 2_100, False)
    assert row_of_job(job_id) == ("reserved", estimate_of(job_id), False)
    look_for_orphans(shop)
    assert len(spends()) == 2
    assert broken() == {}


@one_database
def test_a_run_that_shows_up_late_is_counted_and_an_adopted_one_is_its_jobs_own(shop, witness):
    job_id = bring_into_doubt(shop, witness, is_made=True, **ORDER)
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        service.end(session, job, JobStatus.FAILED, error="Given up.")
    assert row_of_job(job_id)[0] == "spent"
    run_id = witness.runs[0]["id"]
    witness.change_run(run_id, status="succeeded", trained_tokens=500, fine_tuned_model=TUNED)
    show_all(witness)
    look_for_orphans(shop)
    key = f"run:{shop.connection_id}:{run_id}"
    assert (row_of(key), row_of_job(job_id)) == (
        ("spent", 1_500, False),
        ("released", None, False),
    )

    with unit_of_work() as session:
        orphan = queries_orders.orphan_of_run(session, shop.connection_id, run_id)
    with unit_of_work() as session:
        user = session.get_one(User, shop.users["editor"])
        doubts.adopt(session, session.get_one(Orphan, orphan.id), user=user)
    assert (row_of(key)[0], row_of_job(job_id)[0]) == ("released", "reserved")
    look(shop)
    assert row_of_job(job_id) == ("spent", 1_500, False)
    assert broken() == {}


@one_database
def test_a_job_that_vanished_keeps_its_estimate_and_pays_for_what_it_trained_when_it_is_back(
    shop, witness
):
    job_id = queue_job(shop, **ORDER)
    tasks.start(job_id)
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        service.end(session, job, JobStatus.VANISHED, error="Gone.")
    assert row_of_job(job_id) == ("spent", estimate_of(job_id), True)
    with unit_of_work() as session:
        sweeps.come_back(session, session.get_one(Job, job_id))
    assert row_of_job(job_id) == ("reserved", estimate_of(job_id), False)
    end_run(shop, witness, job_id, "succeeded", 1_000)
    assert row_of_job(job_id) == ("spent", 3_000, False)


@one_database
def test_a_job_whose_price_nobody_knows_is_unknown_to_the_end_and_never_nothing(shop, witness):
    job_id = queue_job(shop, **{**ORDER, "base_model": "gpt-6"})
    assert row_of_job(job_id) == ("reserved", None, False)
    tasks.start(job_id)
    end_run(shop, witness, job_id, "succeeded", 1_000)
    assert row_of_job(job_id) == ("spent", None, True)
    assert (standing(shop).taken, standing(shop).unknown) == (0, 1)
    assert broken() == {}


@one_database
def test_a_month_is_that_in_which_the_job_was_ordered_and_the_next_begins_with_nothing(shop):
    set_budget(shop, 10**9)
    job_id = queue_job(shop, **ORDER)
    one = estimate_of(job_id)
    assert standing(shop).reserved == one
    clock.shift(32 * 86_400)
    assert (standing(shop).taken, standing(shop).left) == (0, 10**9)
    with unit_of_work() as session:
        service.end(session, session.get_one(Job, job_id), JobStatus.CANCELLED)
    assert {row.month.month for row in spends()} == {job_of(job_id).created_at.month}


@one_database
def test_an_order_that_cannot_be_proved_is_not_paid_twice_in_the_ledger(shop, witness):
    """A lost answer, found again: one job, one row."""
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job_id = queue_job(shop, base_model=BASE_MODEL, hyperparameters={"n_epochs": 10})
    tasks.start(job_id)
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).run_id is not None
    assert [row.key for row in spends()] == [f"job:{job_id}"]
    assert broken() == {}
