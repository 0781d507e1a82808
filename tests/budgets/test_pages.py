"""The page of a budget, and what other pages say of it."""

import re

import pytest

from app.auth.models import Activity
from app.budgets import queries
from app.budgets.models import Spend
from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.jobs import service
from app.jobs.models import Job, JobStatus
from app.notices.models import Notice
from tests.budgets.steps import ORDER, estimate_of, row_of_job, set_budget, spends, standing
from tests.jobs.steps import queue_job
from tests.stage import one_database

CENT = 10_000


@pytest.fixture
def address(paying):
    return f"/projects/{paying.project_id}/budget"


@pytest.fixture
def owner(paying, browser):
    return browser(paying.users["owner"])


def job_values(team, **changes):
    return {
        "nonce": "n-1",
        "connection_id": team.connection_id,
        "training_version_id": team.version_id,
        "validation": "none",
        "method": "supervised",
        "base_model": ORDER["base_model"],
        "n_epochs_mode": "number",
        "n_epochs": "10",
        **changes,
    }


def words_of(answer):
    """What a reader sees, without the marks around it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def told():
    with read_only() as session:
        found = session.query(Notice).filter_by(topic="budget").order_by(Notice.id)
        return [(notice.key, notice.title, notice.text) for notice in found]


def budget_of(team):
    with read_only() as session:
        found = queries.budget_of(session, team.project_id)
        return found and (found.monthly, found.warn_percent, found.unknown_price)


def test_an_owner_sets_changes_and_removes_the_budget(paying, owner, address):
    assert "No budget is set" in owner.get(address).text
    sent = {"monthly_usd": "250", "warn_percent": "75", "unknown_price": "allow"}
    assert owner.post(address, sent).status_code == 303
    assert budget_of(paying) == (250_000_000, 75, "allow")
    page = owner.get(address).text
    assert "$250.00 of $250.00 is left" in page
    assert 'value="250"' in page

    owner.post(address, {**sent, "monthly_usd": "99.50"})
    owner.post(address, {**sent, "monthly_usd": "99.50"})
    assert budget_of(paying)[0] == 99_500_000
    owner.post(f"{address}/remove")
    assert budget_of(paying)[0] is None
    with read_only() as session:
        rows = session.query(Activity).filter_by(verb="budget.changed").order_by(Activity.id)
        names = [row.detail["name"] for row in rows]
    assert [name.partition(" a month")[0] for name in names] == ["$250.00", "$99.50", "no budget"]
    assert "set the budget to" in owner.get(f"/projects/{paying.project_id}/activity").text


@one_database
@pytest.mark.parametrize(
    "typed", ["", "-1", "1e9", "NaN", "१२", "1" + "0" * 30, "12 €", "<script>1</script>"]
)
def test_what_is_no_budget_is_redrawn_as_it_was_typed(paying, owner, address, typed):
    set_budget(paying, 5_000_000)
    answer = owner.post(address, {"monthly_usd": typed, "warn_percent": "80"})
    assert answer.status_code == 422
    assert 'id="monthly_usd-error"' in answer.text
    assert "<script>1" not in answer.text
    assert budget_of(paying)[0] == 5_000_000
    strange = owner.post(address, {"monthly_usd": "5", "unknown_price": "perhaps"})
    assert (strange.status_code, budget_of(paying)[2]) == (422, "block")


def test_members_see_the_month_and_owners_alone_what_changes_it(paying, browser, address):
    queue_job(paying, **ORDER)
    for name, sees in (("viewer", False), ("editor", False), ("owner", True)):
        page = browser(paying.users[name]).get(address).text
        assert "Reserved" in page
        assert ('name="monthly_usd"' in page) is sees
    assert browser(paying.users["outsider"]).get(address).status_code == 404


def test_the_receipt_says_before_the_click_what_is_left_and_what_this_takes(
    paying, browser, address
):
    editor = browser(paying.users["editor"])
    path = f"/projects/{paying.project_id}/jobs/receipt"
    asked = "&".join(f"{key}={value}" for key, value in job_values(paying).items())
    assert "Budget left" not in editor.get(f"{path}?{asked}").text
    one = estimate_of(queue_job(paying, **ORDER))

    set_budget(paying, 100 * one)
    roomy = words_of(editor.get(f"{path}?{asked}"))
    assert "Budget left" in roomy
    assert "Left after this" in roomy
    assert "people are told" not in roomy

    set_budget(paying, 2 * one + one // 4)
    near = words_of(editor.get(f"{path}?{asked}"))
    assert "past the 80 % at which people are told" in near
    assert 'aria-disabled="true"' not in editor.get(f"{path}?{asked}").text

    set_budget(paying, one + one // 2)
    full = editor.get(f"{path}?{asked}").text
    assert "An owner of the project can raise the budget." in full
    assert 'aria-disabled="true"' in full


def test_a_start_without_room_is_refused_with_the_numbers_and_starts_nothing(paying, browser):
    one = estimate_of(queue_job(paying, **ORDER))
    set_budget(paying, one + CENT)
    editor = browser(paying.users["editor"])
    path = f"/projects/{paying.project_id}/jobs"

    answers = [editor.post(path, job_values(paying)) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {409}
    said = words_of(answers[0])
    assert "has $0.01 left" in said
    assert "$0.00 is spent" in said
    assert 'value="10"' in answers[0].text, "what was typed is kept"
    assert (len(spends()), standing(paying).reserved) == (1, one)
    with read_only() as session:
        assert session.query(Job).count() == 1
    keys = [key for key, *_ in told()]
    assert [key.partition(":")[0] for key in keys] == ["blocked"]

    set_budget(paying, 2 * one)
    assert editor.post(path, job_values(paying)).status_code == 303


def test_people_are_told_once_a_month_that_it_is_nearly_taken(paying):
    one = estimate_of(queue_job(paying, **ORDER))
    set_budget(paying, 4 * one)
    queue_job(paying, key="form:2", **ORDER)
    assert told() == []
    for n in (3, 4):
        queue_job(paying, key=f"form:{n}", **ORDER)
    ((key, title, text),) = told()
    assert key == f"warned:{standing(paying).month:%Y-%m}"
    assert title.startswith("80 % of the budget")
    assert "is spent or reserved" in text


@one_database
def test_a_free_job_starts_whatever_is_left_and_takes_nothing(paying):
    one = estimate_of(queue_job(paying, **ORDER))
    set_budget(paying, one)
    with unit_of_work() as session:
        session.get_one(Connection, paying.connection_id).profile = "luthier"
    free = queue_job(paying, key="form:2", **ORDER)
    assert row_of_job(free) == ("reserved", 0, False)
    with unit_of_work() as session:
        service.end(session, session.get_one(Job, 1), JobStatus.CANCELLED)
    set_budget(paying, 0)
    assert not standing(paying).is_warned, "nothing is taken of a budget that lets nothing start"


@one_database
def test_an_unknown_price_is_held_back_unless_the_owner_lets_it_through(paying, browser):
    set_budget(paying, 10**9)
    editor = browser(paying.users["editor"])
    path, sent = f"/projects/{paying.project_id}/jobs", job_values(paying, base_model="gpt-9-new")
    refused = editor.post(path, sent)
    assert refused.status_code == 409
    assert "not in the price book" in refused.text

    set_budget(paying, 10**9, unknown_price="allow")
    assert editor.post(path, sent).status_code == 303
    assert [row.reserved for row in spends()] == [None]
    set_budget(paying, 0, unknown_price="allow")
    assert editor.post(path, {**sent, "nonce": "n-2"}).status_code == 409, "nothing is left"


def test_the_list_has_what_counted_this_month_and_other_months_by_name(paying, owner, address):
    job_id = queue_job(paying, suffix="june", **ORDER)
    released = queue_job(paying, key="form:2", suffix="may", **ORDER)
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, released), actor_id=paying.users["owner"])
    page = owner.get(address).text
    assert f'href="/jobs/{job_id}"' in page
    assert f'href="/jobs/{released}"' not in page
    assert f'href="/jobs/{released}"' in owner.get(f"{address}?all=yes").text
    assert f'href="/jobs/{job_id}"' not in owner.get(f"{address}?month=2020-01").text
    assert owner.get(f"{address}?month=2020-13").status_code == 422
    rows = owner.get(address, **{"HX-Request": "true"}).text
    assert "<html" not in rows
    assert "june" in rows


def test_the_ledger_is_a_table_for_other_programs(paying, owner, address):
    queue_job(paying, suffix="june", **ORDER)
    with unit_of_work() as session:
        session.query(Spend).one().words = "=1+1"
    answer = owner.get(f"{address}/spends.csv")
    head, line, rest = answer.text.split("\r\n")
    assert head.startswith("month,what,about,state,estimated_usd")
    assert (line.split(",")[1:4], rest) == (["june", f"job:{spends()[0].key[4:]}", "reserved"], "")
    assert line.endswith(",'=1+1"), "a spreadsheet would calculate it"


def test_a_person_says_what_was_billed_where_nobody_knows(paying, owner, browser, address):
    job_id = queue_job(paying, **{**ORDER, "base_model": "gpt-9-new"})
    (row,) = spends()
    path = f"{address}/spends/{row.id}"
    assert owner.post(path, {"spent_usd": "3"}).status_code == 409, "it has not ended"
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        job.run_id, job.trained_tokens = "ftjob-1", 100
        service.end(session, job, JobStatus.SUCCEEDED)
    assert path in owner.get(address).text
    assert 'name="spent_usd"' in owner.get(path).text
    assert 'name="spent_usd"' not in browser(paying.users["viewer"]).get(path).text
    assert owner.post(path, {"spent_usd": "१२"}).status_code == 422

    assert owner.post(path, {"spent_usd": "3.20"}).status_code == 303

    assert row_of_job(job_id) == ("spent", 3_200_000, True)
    assert "Owner said what was billed." in owner.get(address).text
    happened = words_of(owner.get(f"/projects/{paying.project_id}/activity"))
    assert "said what was billed for" in happened
    assert owner.get(f"{address}/spends/999999").status_code == 404


def test_home_and_the_list_of_jobs_say_when_it_is_nearly_or_all_taken(paying, owner):
    one = estimate_of(queue_job(paying, **ORDER))
    pages = [f"/projects/{paying.project_id}{page}" for page in ("", "/jobs")]
    for amount, words in (
        (10 * one, None),
        (one + CENT, "is left of the"),
        (one, "Nothing is left"),
    ):
        set_budget(paying, amount)
        for path in pages:
            page = owner.get(path).text
            assert (words in page) if words else ("of the budget for" not in page), (path, words)


def test_a_jobs_page_says_what_it_takes(paying, owner):
    job_id = queue_job(paying, **ORDER)
    page = words_of(owner.get(f"/jobs/{job_id}"))
    assert f"{standing(paying).month:%B %Y}" in page
    assert "reserved" in page
